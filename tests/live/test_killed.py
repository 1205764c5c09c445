"""kill -9 at any point: nothing acknowledged is lost, nothing counts twice."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("msgspec", reason="for want of msgspec, of the extra live")

from live.arriving import SPELLING, folded, ledger_of
from live.taking_in import part
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
