"""kill -9 at any point: nothing acknowledged is lost, nothing counts twice."""

import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

pytest.importorskip("msgspec", reason="for want of msgspec, of the extra live")

from live.arriving import NOW, SPELLING, folded, ledger_of
from live.dying import WINDOWS
from live.taking_in import part
from live.test_scorer import model  # noqa: F401  a fixture
from patronage.live.checking import check_stores
from patronage.live.live_model import LiveModel
from patronage.live.online_store import InProcessStore
from patronage.live.scorer import Scorer
from patronage.live.sql_event_store import SqlEventStore
from patronage.live.sqlite import SQLite

KILLS = 20


@pytest.mark.slow
def test_no_acknowledged_event_is_lost_and_none_counts_twice(tmp_path: Path):
    chance, acknowledged = random.Random(5), -1

    for _ in range(KILLS):
        acknowledged = max(acknowledged, killed_after(tmp_path, acknowledged + 1, chance))

    assert acknowledged > KILLS
    store = SqlEventStore(SQLite(tmp_path / "events.db"), SPELLING)
    committed = store.offset("test")
    # What was committed when the process died before it could say so is there too.
    assert acknowledged <= committed <= acknowledged + 1
    events = {one.event_id: one for number in range(committed + 1) for one in part(number)}
    assert store.counts()["events"] == len(events)
    for who in (f"c{k}" for k in range(13)):
        assert ledger_of(store, who) == folded(events.values(), who)
    store.close()


def killed_after(folder: Path, start: int, chance: random.Random) -> int:
    """Run a process from a part on, kill it at a random moment; the last part it acknowledged."""
    tests = Path(__file__).parents[1]
    with subprocess.Popen(
        [sys.executable, "-m", "live.taking_in", str(folder), str(start)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tests), *sys.path])},
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first, "the process ended before its first part"
        time.sleep(chance.uniform(0.0, 0.3))
        process.send_signal(signal.SIGKILL)
        said = [first, *process.stdout.readlines()]
    # A line that was cut off is no acknowledgement.
    return max(int(line) for line in said if line.endswith("\n"))


PROGRAM = """
import sys
from pathlib import Path
from live.arriving import NOW, SPELLING
from live.dying import die_in
from live.taking_in import part
from patronage.live.live_model import load_live_model
from patronage.live.online_store import InProcessStore
from patronage.live.scorer import Scorer
from patronage.live.sql_event_store import SqlEventStore
from patronage.live.sqlite import SQLite
from patronage.live.workspace import Workspace
place, run, window = sys.argv[1:]
store = SqlEventStore(SQLite(Path(place) / "events.db"), SPELLING)
model = load_live_model(Workspace.open(Path(run)))
scorer = Scorer(store, InProcessStore(), model, now=lambda: NOW)
die_in(window, 3)
for number in range(9):
    store.take_in(part(number), now=NOW)
    print(number, flush=True)
    scorer.pass_once()
"""


@pytest.mark.slow
@pytest.mark.parametrize("window", WINDOWS)
def test_what_is_left_of_a_window_is_made_good(window: str, model: LiveModel, tmp_path: Path):  # noqa: F811
    tests = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), str(model.workspace.folder), window],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tests), *sys.path])},
    )

    assert done.returncode == -signal.SIGKILL, done.stderr
    acknowledged = len(done.stdout.splitlines())
    committed = acknowledged + (window == "between commit and acknowledgement")
    store = SqlEventStore(SQLite(tmp_path / "events.db"), SPELLING)
    there = {one.event_id for number in range(committed) for one in part(number)}
    assert store.counts()["events"] == len(there)
    assert store.counts()["waiting"] > 0 or window == "during intake"
    # Who was not told sends again, and the outbox still knows who is due.
    scorer = Scorer(store, InProcessStore(), model, now=lambda: NOW + timedelta(minutes=1))
    for number in range(9):
        store.take_in(part(number), now=NOW)
    while scorer.pass_once():
        pass
    found = check_stores(store, model, scorer.online)
    assert found.is_well
    everything = {one.event_id for number in range(9) for one in part(number)}
    assert (found.events, found.waiting, found.unscored) == (len(everything), 0, 0)
    store.close()
