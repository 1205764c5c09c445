"""Several writers on one event store lose nothing and count nothing twice."""

import random
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from live.arriving import NOW, event, folded, ledger_of
from patronage.errors import StoreError
from patronage.live.arrivals import Refusal

CUSTOMERS = ("ann", "bob", "eve", "kim", "zoe")
SHARED = [
    event(f"s{n}", CUSTOMERS[n % 5], 1 + n % 15, amount=f"{n}.25", order_id=f"o{n % 7}")
    for n in range(60)
]
FIXES = [event(f"fix{n}", CUSTOMERS[n % 5], 3, replaces=f"s{n}") for n in (0, 1, 5)]


def own_of(writer):
    return [event(f"w{writer}-{n}", CUSTOMERS[n % 5], 1 + n % 9) for n in range(15)]


def batches_of(writer):
    """What everybody sends and what this one alone sends, in an order of its own, some at once."""
    events = [*SHARED, *FIXES, *own_of(writer)]
    random.Random(writer).shuffle(events)
    return [events[start : start + 6] for start in range(0, len(events), 6)]


def write_all(store, writer):
    return [store.take_in(batch, now=NOW) for batch in batches_of(writer)]


def assert_nothing_was_lost(store, writers):
    everything = [*SHARED, *FIXES, *(one for writer in writers for one in own_of(writer))]
    for who in CUSTOMERS:
        assert ledger_of(store, who) == folded(everything, who)
    assert store.counts()["events"] == len(everything)
    assert store.counts()["waiting"] == len(everything)
    assert store.counts()["dead_letters"] == 0


def test_threads_with_the_same_and_other_events_lose_nothing(opened):
    stores = [opened() for _ in range(3)]

    with ThreadPoolExecutor(3) as threads:
        told = list(threads.map(write_all, stores, range(3)))

    receipts = [receipt for some in told for receipt in some]
    times = Counter(name for receipt in receipts for name in receipt.accepted)
    assert set(times.values()) == {1}
    assert_nothing_was_lost(stores[0], range(3))
    versions = [pair for receipt in receipts for pair in receipt.versions.items()]
    assert len(set(versions)) == len(versions)


def test_threads_of_one_store_lose_nothing(store):
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(write_all, [store] * 3, range(3)))

    assert_nothing_was_lost(store, range(3))


def test_a_batch_that_two_take_in_at_once_is_taken_in_by_one(opened):
    stores = [opened() for _ in range(4)]

    def take_in(store):
        batch = [*SHARED[:20], *SHARED[:2], Refusal("broken", b"{")]
        return store.take_in(batch, now=NOW, source="queue", offset=1)

    with ThreadPoolExecutor(4) as threads:
        receipts = list(threads.map(take_in, stores))

    assert sorted(len(receipt.accepted) for receipt in receipts) == [0, 0, 0, 20]
    assert {len(receipt.duplicates) for receipt in receipts} == {2, 22}
    assert stores[0].counts()["dead_letters"] == 1


def test_nobody_is_lent_to_two_workers(opened):
    stores = [opened() for _ in range(3)]
    stores[0].take_in([event(f"{n}", f"c{n}") for n in range(90)], now=NOW)

    def work(store):
        lent = []
        while tasks := store.due(NOW, limit=7):
            lent += [task.held.customer_id for task in tasks]
        return lent

    with ThreadPoolExecutor(3) as threads:
        lent = [who for some in threads.map(work, stores) for who in some]

    assert sorted(lent) == sorted(f"c{n}" for n in range(90))


def test_a_task_is_of_one_moment_while_events_come_in(opened):
    writer, worker = opened(), opened()

    def write():
        for n in range(30):
            writer.take_in([event(f"{n}", "ann")], now=NOW)

    with ThreadPoolExecutor(1) as threads:
        writing, seen, now = threads.submit(write), 0, NOW
        while not writing.done():
            now += timedelta(minutes=1)
            for task in worker.due(now, limit=1):
                # One event a version, none taken out: what waits is what the ledger holds.
                assert len(task.event_ids) == task.held.version
                seen += 1
        writing.result()

    assert seen > 0


PROCESS = """
import sys
from live.arriving import SPELLING
from live.test_writers_at_once import write_all
from patronage.live.postgres import PostgreSQL
from patronage.live.sql_event_store import SqlEventStore
store = SqlEventStore(PostgreSQL(sys.argv[1]), SPELLING)
print("ready", flush=True)
sys.stdin.readline()
write_all(store, int(sys.argv[2]))
store.close()
"""


@pytest.mark.service
def test_processes_with_the_same_and_other_events_lose_nothing(postgres_url):
    from live.arriving import SPELLING
    from patronage.live.postgres import PostgreSQL
    from patronage.live.sql_event_store import SqlEventStore

    tests = Path(__file__).parents[1]
    path = ":".join([str(tests), str(tests.parent / "src")])
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, postgres_url, str(writer)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": path},
            text=True,
        )
        for writer in range(2)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)

    assert [process.returncode for process in processes] == [0, 0]
    store = SqlEventStore(PostgreSQL(postgres_url), SPELLING)
    assert_nothing_was_lost(store, range(2))
    store.close()


def test_a_store_that_cannot_be_opened_says_so(tmp_path):
    from patronage.live.sqlite import SQLite

    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="To mend:"):
        SQLite(tmp_path / "file" / "events.db")
