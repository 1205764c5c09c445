"""One integer per purchase gives the table that SQL gives, to the last bit, or stands aside."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from patronage.errors import EventSchemaError
from patronage.events import EventLog, read_events
from patronage.horizon import Horizon
from patronage.snapshots import calibration_holdout, packed, take_snapshot

START = date(2021, 12, 30)
LONGEST = 60
Row = tuple[int, date, Decimal]


def log_of(rows: list[Row], **options: Any) -> EventLog:
    columns = {
        "customer_id": pl.Series([customer for customer, _, _ in rows], dtype=pl.Int64),
        "date": [day for _, day, _ in rows],
        "amount": pl.Series([amount for _, _, amount in rows], dtype=pl.Decimal(18, 4)),
    }
    return EventLog.from_frame(pl.DataFrame(columns), currency="USD", **options)


def tables(log: EventLog, as_of: date, horizon: Horizon) -> list[pl.DataFrame | None]:
    """The snapshots of two days and the holdout table of the first; None where there is nobody."""
    asked: list[Callable[[], pl.DataFrame]] = [
        lambda: take_snapshot(log).customers,
        lambda: take_snapshot(log, as_of=as_of).customers,
        lambda: calibration_holdout(log, as_of=as_of, horizon=horizon),
    ]
    found: list[pl.DataFrame | None] = []
    for ask in asked:
        try:
            found.append(ask())
        except EventSchemaError:
            found.append(None)
    return found


def assert_packed_is_sql(log: EventLog, as_of: date, horizon: Horizon, **limits: int) -> None:
    """Types, order and every bit; `limits` are constants of the module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packed, "_FEWEST_ROWS", 10**12)
        by_sql = tables(log, as_of, horizon)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packed, "_FEWEST_ROWS", 0)
        for name, value in limits.items():
            patch.setattr(packed, name, value)
        assert packed.packed_summary(log, log.next_day()) is not None
        by_integers = tables(log, as_of, horizon)

    for mine, right in zip(by_integers, by_sql, strict=True):
        assert (mine is None) == (right is None)
        if mine is not None and right is not None:
            assert_frame_equal(mine, right, check_exact=True)


def in_integers(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(packed, "_FEWEST_ROWS", 0)
    return packed.packed_summary(log, log.next_day()) is not None


amounts = st.one_of(
    st.just(Decimal(0)),
    st.integers(1, 99_999).map(lambda cents: Decimal(cents) / 100),
    st.integers(1, 10**11).map(lambda units: Decimal(units) / 10_000),
)
ids = st.sampled_from([-7, 0, 1, 2, 3, 100_000])
purchases = st.lists(
    st.tuples(ids, st.integers(0, 40).map(lambda day: START + timedelta(days=day)), amounts),
    min_size=1,
    max_size=40,
)


@given(purchases, st.integers(0, 45), st.integers(1, 15), st.booleans())
def test_any_log_of_purchases_on_whole_days_gives_the_table_of_sql(
    rows: list[Row], day: int, length: int, is_compact: bool
) -> None:
    log = log_of(rows)
    if is_compact:
        log = log.compact()
    # Why: a holdout may reach up to the end of what the log knows.
    log = replace(log, cut=START + timedelta(days=LONGEST))
    as_of = START + timedelta(days=day)

    assert_packed_is_sql(log, as_of, Horizon(length, "day"), _SLICE=3)


def test_slices_and_ranges_of_customers_fit_together() -> None:
    rows = [
        (row * 7919 % 613, START + timedelta(days=row * 104_729 % 500), Decimal(row % 97) / 10)
        for row in range(4_000)
    ]
    as_of, horizon = START + timedelta(days=300), Horizon(13, "week")

    assert_packed_is_sql(log_of(rows), as_of, horizon, _SLICE=50, _ROWS_AT_ONCE=500)


def test_cdnow_is_the_same_in_integers(data_dir: Path) -> None:
    log = read_events(data_dir / "cdnow" / "cdnow_master.parquet", currency="USD")

    assert_packed_is_sql(log, date(1997, 10, 1), Horizon(39, "week"))


@pytest.mark.parametrize("lowest", [-(2**63), 2**63 - 5])
def test_the_lowest_and_the_highest_ids_there_are(lowest: int) -> None:
    rows = [(lowest + n, START + timedelta(days=n % 3), Decimal(n)) for n in (0, 1, 1, 2, 4)]

    assert_packed_is_sql(log_of(rows), START + timedelta(days=1), Horizon(2, "day"))


def test_integers_are_used_up_to_their_last_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    """One bit for the day, 14 for 1.0000 (10,000 of its parts), 48 for the customers."""
    tomorrow = START + timedelta(days=1)

    def rows(last: int) -> list[Row]:
        return [(0, START, Decimal(1)), (last, START, Decimal(1)), (last, tomorrow, Decimal(1))]

    assert_packed_is_sql(log_of(rows(2**48 - 1)), tomorrow, Horizon(1, "day"))
    assert not in_integers(log_of(rows(2**48)), monkeypatch)
    assert len(take_snapshot(log_of(rows(2**63 - 1))).customers) == 2


def test_the_largest_money_keeps_its_last_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    large = Decimal(2**49 - 1) / 10_000
    below = [(1, START, large), (1, START + timedelta(days=1), large)]

    assert_packed_is_sql(log_of(below), START + timedelta(days=1), Horizon(1, "day"))
    assert not in_integers(log_of([*below, (2, START, Decimal("0.0002"))]), monkeypatch)


def test_a_customer_with_more_purchases_than_a_slice_stays_whole() -> None:
    rows = [(n % 100 // 99, START + timedelta(days=n % 9), Decimal(n)) for n in range(300)]

    assert_packed_is_sql(log_of(rows), START + timedelta(days=5), Horizon(4, "day"), _SLICE=10)


def test_rows_learned_late_are_left_out_in_integers_too() -> None:
    rows = pl.DataFrame(
        {
            "customer_id": [1, 1, 2, 2],
            "event_time": [START, START, START, START + timedelta(days=3)],
            "known_time": [START + timedelta(days=delay) for delay in (0, 9, 2, 3)],
            "amount": [1.5, 2.25, 4.0, 8.0],
        }
    )
    log = EventLog.from_frame(rows, currency="USD", has_clock=False).before(
        START + timedelta(days=LONGEST)
    )

    for day in (1, 3, 5, 10):
        assert_packed_is_sql(log, START + timedelta(days=day), Horizon(5, "day"))


@pytest.mark.parametrize(
    "change",
    [
        {"customer_id": ["a", "b", "b"]},
        {"date": [datetime(2022, 1, 1, 12), datetime(2022, 1, 1), datetime(2022, 1, 2)]},
        {"amount": [5.0, -2.0, 3.0]},
        {"kind": ["purchase", "purchase", "visit"]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_other_logs_are_left_to_sql(
    change: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [date(2022, 1, 1), date(2022, 1, 1), date(2022, 1, 2)]
    columns = {"customer_id": [1, 2, 2], "date": days, "amount": [5.0, 2.0, 3.0]}
    plain = EventLog.from_frame(pl.DataFrame(columns), currency="USD")
    other = EventLog.from_frame(pl.DataFrame(columns | change), currency="USD")

    assert in_integers(plain, monkeypatch)
    assert not in_integers(other, monkeypatch)
    assert len(take_snapshot(other).customers) == 2


def test_rated_events_are_purchases_unless_they_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    days = [START + timedelta(days=n) for n in (0, 1, 1, 3)]
    columns = {"customer_id": [1, 1, 2, 2], "date": days, "amount": [5.0, None, 3.0, None]}
    frame = pl.DataFrame(columns).with_columns(
        kind=pl.when(pl.col("amount").is_null()).then(pl.lit("visit")).otherwise(pl.lit("purchase"))
    )

    def rated(value: float) -> EventLog:
        rates = pl.DataFrame({"kind": ["visit"], "value": [value]})
        return EventLog.from_frame(frame, currency="USD", rates=rates)

    assert_packed_is_sql(rated(0.5), START + timedelta(days=1), Horizon(3, "day"))
    assert not in_integers(rated(-0.5), monkeypatch)


def test_a_log_that_knows_nothing_yet_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "_FEWEST_ROWS", 0)
    log = log_of([(1, START, Decimal(1))])

    with pytest.raises(EventSchemaError, match="nothing is known before"):
        take_snapshot(log, as_of=START)
    with pytest.raises(EventSchemaError, match="nothing is known before"):
        calibration_holdout(log, as_of=START, horizon=Horizon(1, "day"))
