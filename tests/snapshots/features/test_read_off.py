from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from patronage.engines import decimal_as_double, decimal_column, default_engine
from patronage.events import EventLog
from patronage.snapshots import FEATURES, customers_query, take_snapshot
from patronage.snapshots.features.group import marked
from patronage.snapshots.features.query import by_grain, uses_of
from patronage.snapshots.features.read_off import is_read_off
from patronage.snapshots.grains import GRAINS, Asked
from patronage.snapshots.grains import written as written_days
from patronage.snapshots.grains.by_day import narrowed, running

DAYS = (date(2020, 2, 29), date(2021, 1, 1))
KINDS = (
    *("purchase", "purchase", "refund", "visit", "click", "app_use"),
    *("email_response", "support", "payment_failure", "treatment", "fee", "survey"),
)
READ_OFF = tuple(name for name, group in FEATURES.items() if is_read_off(group))


def _log(variety: str) -> EventLog:
    rows = range(3_000)
    kinds = ["purchase" if variety == "plain" else KINDS[row * 31 % len(KINDS)] for row in rows]
    days = [DAYS[-1] + timedelta(days=row * 7919 % 900 - 850) for row in rows]
    # Some purchases cost nothing, and of some more is paid back than was charged.
    sign = {"purchase": 1, "refund": -1, "fee": 1}
    amounts = [sign.get(kind, 0) * (row % 977 - 40) / 100 for row, kind in enumerate(kinds)]
    if variety == "dear":
        # Each customer's money has room in 32 bits, that of all together has none.
        amounts = [amount * 200 for amount in amounts]
    frame = pl.DataFrame(
        {
            "customer_id": [
                f"ä{row % 211:03}" if variety == "texts" else row % 211 for row in rows
            ],
            "date": days,
            "kind": kinds,
            "amount": [amount if row % 7 else 0.0 for row, amount in enumerate(amounts)],
            "quantity": [row % 4 if row % 5 else None for row in rows],
            "discount": [row % 3 / 10 for row in rows],
        }
    )
    if variety == "late":
        known = [day + timedelta(days=row % 11) for row, day in enumerate(days)]
        frame = frame.with_columns(known_time=pl.Series(known))
    if variety == "clock":
        times = [
            datetime(day.year, day.month, day.day, row % 24, row % 59, row % 7)
            for row, day in enumerate(days)
        ]
        frame = frame.with_columns(date=pl.Series(times))
    return EventLog.from_frame(frame, currency="USD")


def _grouped(asked: Asked, grain: str, lines: Mapping[str, str]) -> pl.DataFrame:
    """Features as their texts say them, by grouping the rows of the grain."""
    listed = ", ".join(f"{sql} AS {feature}" for feature, sql in lines.items())
    rows = GRAINS[grain].sql(replace(asked, uses=uses_of(lines)))
    sql = f"SELECT customer_id, {listed} FROM ({rows}) GROUP BY customer_id ORDER BY customer_id"
    return asked.log.engine.frame(marked(sql, asked.as_of, has_clock=asked.log.has_clock))


@pytest.mark.slow
@pytest.mark.parametrize("compacted", [False, True])
@pytest.mark.parametrize("variety", ["days", "clock", "texts", "late", "plain", "dear"])
def test_what_is_read_off_is_what_grouping_says(
    monkeypatch: pytest.MonkeyPatch, variety: str, *, compacted: bool
) -> None:
    monkeypatch.setattr(written_days, "_ROWS_AT_ONCE", 700)
    log = _log(variety)
    source = log.compact() if compacted else log
    for as_of in DAYS:
        found = take_snapshot(source, as_of=as_of, features=READ_OFF).customers

        known = log.before(as_of)
        summary = default_engine().frame(
            f"{customers_query(known, as_of, ())('')} ORDER BY customer_id"
        )
        assert_frame_equal(found.select(summary.columns), summary, check_exact=True)
        plain = take_snapshot(source, as_of=as_of).customers
        assert_frame_equal(plain, summary, check_exact=True)
        for grain, lines in by_grain(READ_OFF).items():
            grouped = _grouped(Asked(known, as_of), grain, lines)
            # Why not exact: grouping adds up the squares of a spread in any order.
            loose = [column for column in grouped.columns if column in ("sd_gap", "gap_cv")]
            exact = grouped.drop(loose)
            assert_frame_equal(found.select(exact.columns), exact, check_exact=True)
            assert_frame_equal(found.select(loose), grouped.select(loose), rel_tol=1e-13)


@pytest.mark.slow
def test_the_spread_of_gaps_is_the_last_bit_of_rows_in_order() -> None:
    log = _log("days").compact()
    as_of = DAYS[-1]
    found = take_snapshot(log, as_of=as_of, features=("rhythm",)).customers

    rows = GRAINS["days"].sql(Asked(log.before(as_of), as_of, uses=frozenset({"gap"})))
    gaps = default_engine().frame(f"SELECT * FROM ({rows}) WHERE gap IS NOT NULL")
    for customer, sd in found.select("customer_id", "sd_gap").iter_rows():
        mine = gaps.filter(customer_id=customer).sort("event_day").select("gap")
        said = default_engine().over(mine, "SELECT stddev_samp(gap) AS sd FROM frame")["sd"][0]
        assert sd == said


def test_every_window_is_read_off_and_so_is_what_is_asked_most() -> None:
    spans = {name for name, group in FEATURES.items() if group.grain == "spans"}

    assert set(READ_OFF) == {*spans, "rhythm", "money", "windows", "gaps", "recency"}


def test_decimals_become_the_doubles_that_they_are_in_sql() -> None:
    units = np.array([0, 1, -1, 12_345, 2**53, 2**53 + 1, -(2**53) - 3, 10**18 + 7, -(10**18) - 9])
    units = np.concatenate([units, 7919**4 * np.arange(-999, 999)])
    frame = decimal_column(units, 38, 4).alias("money").to_frame()

    said = default_engine().over(frame, "SELECT money::DOUBLE AS money FROM frame")

    assert said["money"].to_list() == decimal_as_double(units, 4).tolist()


@pytest.mark.parametrize(("most", "width"), [(127, 1), (128, 2), (40_000, 4), (2**40, 8)])
def test_sums_are_as_wide_as_those_of_a_customer_and_differences_stay_exact(
    most: int, width: int
) -> None:
    values = np.tile([most - 3, 0, 3], 50)
    first = np.arange(0, len(values) + 1, 3)
    sums = running(values)

    narrow = narrowed(sums, first)

    assert narrow.itemsize == width
    starts = first[:-1]
    for low in range(3):
        for high in range(low, 4):
            wide = sums[starts + high] - sums[starts + low]
            assert (narrow[starts + high] - narrow[starts + low]).tolist() == wide.tolist()


@pytest.mark.parametrize("variety", ["texts", "late"])
def test_what_is_written_down_by_day_is_what_grouping_says(
    monkeypatch: pytest.MonkeyPatch, variety: str
) -> None:
    monkeypatch.setattr(written_days, "_ROWS_AT_ONCE", 700)
    log = _log(variety)
    groups = ("rhythm", "regularity", "gaps", "money", "returns", "discounts", "browsing")
    as_of = DAYS[-1]

    at_once = take_snapshot(log, as_of=as_of, features=groups)
    written = take_snapshot(log.compact(), as_of=as_of, features=groups)

    assert written.customers.columns == at_once.customers.columns
    assert_frame_equal(written.customers, at_once.customers, rel_tol=1e-12)
