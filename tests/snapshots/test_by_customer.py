from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.snapshots import FEATURES, by_customer, calibration_holdout, take_snapshot

IDS = {"numbers": lambda n: n, "texts": lambda n: f"O'Hara {n % 100}ä{n}"}


@pytest.fixture(params=IDS, ids=str)
def log(request: pytest.FixtureRequest) -> EventLog:
    rows = 4_000
    name = IDS[request.param]
    frame = pl.DataFrame(
        {
            "customer_id": [name(row * 7919 % 613) for row in range(rows)],
            "date": [date.fromordinal(737_000 + row * 104_729 % 500) for row in range(rows)],
            "amount": [round(1 + row % 97 / 10, 2) for row in range(rows)],
        }
    )
    return EventLog.from_frame(frame, currency="USD")


@pytest.mark.slow
def test_a_log_read_in_ranges_of_customers_gives_what_it_gives_at_once(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = take_snapshot(log, features=tuple(FEATURES))
    holdout = calibration_holdout(log, as_of=date(2019, 1, 1), horizon=Horizon.parse("13 weeks"))

    monkeypatch.setattr(by_customer, "_ROWS_AT_ONCE", 500)

    assert len(by_customer.ranges(log, rows_at_once=500)) > 1
    assert_frame_equal(take_snapshot(log, features=tuple(FEATURES)).customers, at_once.customers)
    again = calibration_holdout(log, as_of=date(2019, 1, 1), horizon=Horizon.parse("13 weeks"))
    assert_frame_equal(again, holdout)


def test_a_log_of_one_customer_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_customer, "_ROWS_AT_ONCE", 2)
    days = [date(2020, 1, day) for day in range(1, 11)]
    frame = pl.DataFrame({"customer_id": [5] * 10, "date": days, "amount": [1.0] * 10})

    snapshot = take_snapshot(EventLog.from_frame(frame, currency="USD"))

    assert snapshot.customers["frequency"].to_list() == [9]
