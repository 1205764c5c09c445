"""The group `regularity`: gaps that agree with recency, to the instant and to the day."""

from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from patronage.events import EventLog
from patronage.snapshots import RFM, take_snapshot


def snapshot_of(rows, **options):
    frame = pl.DataFrame(rows, schema=["customer_id", "event_time", "amount"], orient="row")
    log = EventLog.from_frame(frame, currency="EUR", **options)
    return take_snapshot(log, features=("regularity",))


def test_on_dated_logs_gaps_are_whole_days():
    known = snapshot_of(
        [
            ("a", date(2024, 1, 1), 5.0),
            ("a", date(2024, 1, 4), 5.0),
            ("a", date(2024, 1, 4), 7.0),
            ("a", date(2024, 1, 14), 5.0),
            ("b", date(2024, 1, 2), 5.0),
        ]
    )

    assert known.customers["log_gaps"].to_list() == pytest.approx([np.log(3) + np.log(10), 0.0])
    assert known.rfm().log_gaps == pytest.approx([np.log(30), 0.0], abs=1e-8)
    assert known.customers["n_short_gaps"].to_list() == [0, 0]


def test_with_clock_times_gaps_run_between_first_instants_of_days():
    known = snapshot_of(
        [
            ("a", datetime(2024, 1, 1, 18), 5.0),
            ("a", datetime(2024, 1, 1, 23), 5.0),
            ("a", datetime(2024, 1, 3, 6), 5.0),
            ("a", datetime(2024, 1, 3, 8), 5.0),
            ("a", datetime(2024, 1, 9, 12), 5.0),
        ]
    )

    assert known.customers["recency"].item() == pytest.approx(1.5 + 6.25)
    assert known.customers["log_gaps"].item() == pytest.approx(np.log(1.5 * 6.25), abs=1e-8)


def test_gaps_of_minutes_are_raised_to_an_hour_and_counted():
    known = snapshot_of(
        [
            ("a", datetime(2024, 1, 1, 23, 58), 5.0),
            ("a", datetime(2024, 1, 2, 0, 1), 5.0),
            ("a", datetime(2024, 1, 5, 0, 1), 5.0),
        ]
    )

    assert known.customers["n_short_gaps"].item() == 1
    assert known.customers["log_gaps"].item() == pytest.approx(np.log(3 / 24), abs=1e-8)


def test_a_first_purchase_worth_nothing_begins_the_first_gap():
    known = snapshot_of(
        [
            ("a", date(2024, 1, 1), 0.0),
            ("a", date(2024, 1, 8), 5.0),
            ("a", date(2024, 1, 9), 0.0),
            ("a", date(2024, 1, 11), 5.0),
        ]
    )

    assert known.customers["frequency"].item() == 2
    assert known.customers["recency"].item() == 10
    assert known.customers["log_gaps"].item() == pytest.approx(np.log(7 * 3), abs=1e-8)


def test_an_rfm_table_brings_its_timing_in_its_own_unit():
    frame = pl.DataFrame(
        {"x": [2, 0], "t_x": [3.0, 0.0], "T": [9.0, 9.0], "litt": [np.log(2.0), None]}
    )
    found = RFM.from_frame(frame, unit="week")

    assert found.log_gaps == pytest.approx([np.log(7.0) + np.log(14.0), 0.0])
    assert found.take(np.array([True, False])).log_gaps == pytest.approx([np.log(98.0)])
    assert RFM.from_frame(frame.drop("litt")).log_gaps is None
