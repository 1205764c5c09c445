"""The command line in this process: what was printed, and with which exit code it ended."""

import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from patronage.cli import main
from patronage.datasets import SimulationSettings, simulate


@dataclass(frozen=True)
class Said:
    """The end of one command."""

    code: int
    out: str
    err: str


Patronage = Callable[..., Said]


@pytest.fixture
def patronage(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Patronage]:
    """`patronage("run", path, …)`, as the shell would start it."""
    log = logging.getLogger("patronage")
    before = (list(log.handlers), log.propagate, log.level)
    monkeypatch.setenv("COLUMNS", "100")

    def call(*words: object) -> Said:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["patronage", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return Said(int(end.value.code or 0), said.out, said.err)

    yield call
    log.handlers[:], log.propagate, log.level = before


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of a small simulated shop."""
    folder = tmp_path_factory.mktemp("shop")
    settings = SimulationSettings(n_customers=220, start=date(2025, 1, 1), end=date(2026, 1, 1))
    simulate(settings, seed=2).write(folder, format="csv")
    return folder


@pytest.fixture
def events(shop: Path) -> Path:
    return shop / "events.csv"
