from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from patronage.engines import DuckEngine, default_engine
from patronage.events import EventLog
from patronage.snapshots import take_snapshot


@pytest.fixture
def log() -> EventLog:
    rows = range(600)
    frame = pl.DataFrame(
        {
            "customer_id": [row % 37 for row in rows],
            "date": [date.fromordinal(737_000 + row * 11 % 90) for row in rows],
            "kind": [["purchase", "visit", "refund"][row % 3] for row in rows],
            "amount": [[row / 4, 0.0, -1.0][row % 3] for row in rows],
        }
    )
    return EventLog.from_frame(frame, currency="EUR")


def _sums(log: EventLog, *, by_event: bool = False) -> pl.DataFrame:
    return default_engine().frame(
        f"""
        SELECT customer_id, kind, event_day, known_day, sum(n_events) AS n, sum(amount) AS amount,
               min(amount_min) AS least, max(amount_max) AS most
        FROM ({log.ledger_sql(by_event=by_event)}) GROUP BY ALL ORDER BY ALL
        """
    )


def test_what_reads_running_sums_alone_has_no_ledger_written(log: EventLog) -> None:
    compacted = log.compact()
    assert compacted.ledger is not None

    take_snapshot(compacted, features=("rhythm", "spent_windows"))
    assert not compacted.ledger.is_written

    take_snapshot(compacted, features=("extremes",))
    assert compacted.ledger.is_written


def test_a_ledger_is_written_once_whoever_asks_for_it(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    compacted = log.compact()
    written = []
    write = DuckEngine.write

    def counted(*given: Any) -> Any:
        written.append(given)
        return write(*given)

    monkeypatch.setattr(DuckEngine, "write", counted)
    with ThreadPoolExecutor(4) as pool:
        texts = list(pool.map(lambda _: compacted.ledger_sql(), range(8)))

    assert len(written) == 1
    assert len(set(texts)) == 1


@pytest.mark.parametrize("cut", [None, date.fromordinal(737_045)])
def test_a_ledger_has_the_sums_of_the_events_before_the_day_it_is_cut(
    log: EventLog, cut: date | None
) -> None:
    known = log if cut is None else log.before(cut)
    later = log.compact() if cut is None else log.compact().before(cut)

    for compacted in (known.compact(), later):
        assert_frame_equal(_sums(compacted, by_event=True), _sums(known))
        assert_frame_equal(_sums(compacted), _sums(known))
