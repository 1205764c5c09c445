"""A saved model scores again, and nothing else is taken for one."""

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept") / "out"


@pytest.fixture
def ran(patronage: Any, events: Path, kept: Path, tmp_path: Path) -> Path:
    """A folder of a cheap run, which each test may change."""
    if not kept.exists():
        said = patronage("--log", "off", "run", events, "--out", kept, "--models", "pareto_nbd")
        assert said.code == 0, said.err
    return Path(shutil.copytree(kept, tmp_path / "out"))


def test_score_repeats_the_run_from_its_saved_model(
    patronage: Any, ran: Path, events: Path, tmp_path: Path
) -> None:
    said = patronage(
        *("score", events, "--model", ran / "models" / "pareto_nbd"),
        *("--out", tmp_path / "again" / "scores.csv"),
    )

    assert said.code == 0, said.err
    again = pl.read_csv(tmp_path / "again" / "scores.csv")
    first = pl.read_parquet(ran / "scores.parquet")
    assert again["clv"].to_numpy() == pytest.approx(first["clv"].to_numpy(), rel=1e-9)


def test_score_refuses_another_currency_and_foreign_or_changed_models(
    patronage: Any, ran: Path, events: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ran / "models" / "pareto_nbd"
    foreign = patronage("score", events, "--model", ran)
    currency = patronage("score", events, "--model", model, "--currency", "JPY")
    monkeypatch.setenv("PATRONAGE_SIGNING_KEY", "a key")
    unsigned = patronage("score", events, "--model", model)
    monkeypatch.delenv("PATRONAGE_SIGNING_KEY")
    text = (model / "model.json").read_text()
    (model / "model.json").write_text(text.replace("0", "1", 1))
    changed = patronage("score", events, "--model", model)

    assert [said.code for said in (foreign, currency, unsigned, changed)] == [2, 2, 2, 2]
    assert "is no model of Patronage" in foreign.err
    assert "the model forecasts USD" in currency.err
    assert "not signed" in unsigned.err
    assert "damaged" in changed.err
    for said in (foreign, currency, unsigned, changed):
        assert "To mend" in said.err


@pytest.mark.slow
def test_a_model_signed_by_run_is_read_by_score(
    patronage: Any, events: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATRONAGE_SIGNING_KEY", "a key")
    patronage("run", events, "--out", tmp_path, "--models", "nothing")
    words = ("score", events, "--model", tmp_path / "models" / "nothing", "--out", tmp_path / "s")

    mine = patronage(*words)
    monkeypatch.setenv("PATRONAGE_SIGNING_KEY", "another key")
    theirs = patronage(*words)

    assert mine.code == 0, mine.err
    assert theirs.code == 2
    assert "signature" in theirs.err
