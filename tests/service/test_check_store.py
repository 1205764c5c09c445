"""`patronage check-store` says what a store holds, and ends with 1 where that is not right."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from patronage.cli.main import app
from patronage.live.workspace import Workspace


@pytest.fixture
def folder(workspace: Workspace, brought: Path, tmp_path: Path) -> Path:
    """A workspace with the run's history in its store."""
    folder = shutil.copytree(workspace.folder, tmp_path / "shop")
    (folder / "live").mkdir()
    shutil.copy(brought, folder / "live" / "events.db")
    return folder


def check(folder: Path, *more: str):
    told = ["--log", "off", "check-store", "--workspace", str(folder), *more]
    return CliRunner().invoke(app, told)


def test_a_store_that_is_well_ends_with_0(folder, workspace):
    done = check(folder, "--json")

    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert (found["events"], found["unscored"]) == (workspace.n_events, found["customers"])
    assert found["lost"] == found["twice"] == found["ledgers"] == found["scores"] == 0
    assert "events there twice" in check(folder).output


def test_a_store_that_lost_something_ends_with_1(folder):
    import sqlite3

    with sqlite3.connect(folder / "live" / "events.db") as connection:
        connection.execute("DELETE FROM events WHERE rowid = 1")
    connection.close()

    done = check(folder)

    assert done.exit_code == 1
    assert "1 events lost" in done.output


def test_a_service_does_not_start_on_a_store_of_an_earlier_format(folder):
    import sqlite3

    from patronage.config import serve_settings
    from patronage.errors import StoreError
    from patronage.service.opening import open_system

    with sqlite3.connect(folder / "live" / "events.db") as connection:
        connection.execute("DELETE FROM notes WHERE name = 'tables'")
    connection.close()

    with pytest.raises(StoreError, match="of format 1, this version"):
        open_system(serve_settings({"workspace": folder}))


def test_the_scores_are_those_of_the_model_at_work(folder):
    (folder / "models" / "active-model").write_text("everyone_average\n")

    assert check(folder).exit_code == 0
    (folder / "models" / "active-model").write_text("nothing\n")
    assert check(folder).exit_code != 0
