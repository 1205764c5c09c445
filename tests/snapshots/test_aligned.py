"""Customers aligned by age: an age of all is a day of each."""

from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from patronage.errors import EventSchemaError, SettingsError
from patronage.events import EventLog
from patronage.snapshots import align, available_groups, has_age, take_snapshot

START = datetime(2023, 1, 1)
Row = tuple[int, datetime, datetime, str, float]


@st.composite
def histories(draw: st.DrawFn) -> list[Row]:
    """Few customers, with a clock, refunds and visits; some rows are learned late."""
    drawn = draw(
        st.lists(
            st.tuples(
                st.integers(1, 3),
                st.integers(0, 30),
                st.integers(0, 86_399),
                st.one_of(st.just(0), st.just(0), st.integers(1, 15)),
                st.sampled_from(("purchase", "purchase", "refund", "visit")),
                st.integers(0, 9_999),
            ),
            min_size=1,
            max_size=16,
        )
    )
    rows = []
    for customer, day, second, delay, kind, cents in drawn:
        time = START + timedelta(days=day, seconds=second)
        amount = (-cents if kind == "refund" else cents) / 100
        rows.append((customer, time, time + timedelta(days=delay), kind, amount))
    return rows


def log_of(rows: list[Row]) -> EventLog:
    names = ("customer_id", "event_time", "known_time", "kind", "amount")
    cents = (pl.col("amount").abs() * 100).cast(pl.Int64)
    frame = pl.DataFrame(rows, schema=names, orient="row").with_columns(
        quantity=1 + cents % 3,
        discount=(cents % 5) / 10,
        score=(cents % 11).cast(pl.Float64),
        product_id=pl.format("p{}", cents % 4),
        channel=pl.format("channel {}", cents % 2),
    )
    return EventLog.from_frame(frame, currency="USD")


@pytest.mark.slow
@settings(max_examples=12)
@given(histories())
def test_a_row_of_an_age_is_the_snapshot_of_its_own_day(rows: list[Row]) -> None:
    """So nothing that was learned after that age can be in it, nor anything of the calendar."""
    log = log_of([*rows, (1, START, START, "purchase", 5.0)])
    as_of = (START + timedelta(days=35)).date()
    aligned = align(log, as_of=as_of)
    groups = [name for name in available_groups(log) if has_age(name)]
    assert len(groups) > 6

    for age in (1, 9):
        found = aligned.at_age(age, groups).customers.drop("first_day")
        for row in found.iter_slices(1):
            born = aligned.births.filter(pl.col("customer_id") == row["customer_id"][0])
            then = born["first_day"][0] + timedelta(days=age)
            assert then <= as_of
            plain = take_snapshot(log, as_of=then, features=groups).customers
            mine = plain.filter(pl.col("customer_id") == row["customer_id"][0])
            assert_frame_equal(row, mine.drop("first_day"), check_exact=False, rel_tol=1e-12)
            # … and that the customer was to be looked at on this day was known on it.
            assert_frame_equal(
                align(log, as_of=then).births.join(born, "customer_id", "semi").drop("age"),
                born.drop("age"),
            )


def day(n: int) -> datetime:
    return START + timedelta(days=n)


def test_worked_by_hand() -> None:
    """1 buys on days 0, 5 and 40; 2 on day 20, known on day 23, with a refund; 3 only visits."""
    log = log_of(
        [
            (1, day(0), day(0), "purchase", 10.0),
            (1, day(5), day(5), "purchase", 20.0),
            (1, day(40), day(40), "purchase", 40.0),
            (2, day(20), day(23), "purchase", 7.0),
            (2, day(22), day(22), "refund", -2.0),
            (3, day(1), day(1), "visit", 0.0),
        ]
    )

    aligned = align(log, as_of=date(2023, 2, 1))

    assert aligned.births.rows() == [(1, date(2023, 1, 1), 31), (2, date(2023, 1, 21), 11)]
    first = aligned.at_age(1).customers
    # On the last moment of its first day, of customer 2 nothing was known yet.
    assert first["customer_id"].to_list() == [1]
    assert first["cash"].to_list() == [10.0]
    fifth = aligned.at_age(6).customers
    assert fifth.select("customer_id", "frequency", "cash").rows() == [(1, 1, 30.0), (2, 0, 5.0)]
    # Nobody is 32 days old, though the log goes on.
    assert aligned.at_age(31).customers["customer_id"].to_list() == [1]
    assert aligned.at_age(32).customers.is_empty()
    ahead = aligned.outcomes([1, 6], end=50).sort("customer_id")
    assert ahead.rows() == [
        (1, 30.0, 2.0, 20.0, 1.0, 0.0, 0.0),
        (2, 5.0, 1.0, -2.0, 0.0, 0.0, 0.0),
    ]


def test_profiles_are_known_at_the_age_at_which_they_were_learned() -> None:
    people = pl.DataFrame(
        {
            "customer_id": [1, 1, 2],
            "known_time": [day(0), day(8), None],
            "plan": ["free", "gold", "ever"],
        }
    )
    rows = [(1, day(0), "purchase", 1.0), (2, day(3), "purchase", 1.0)]
    names = ("customer_id", "event_time", "kind", "amount")
    log = EventLog.from_frame(
        pl.DataFrame(rows, schema=names, orient="row"), currency="USD", customers=people
    )

    aligned = align(log, as_of=date(2023, 2, 1))

    plans = [
        aligned.at_age(age, ["customers.plan"]).customers["customers.plan"].to_list()
        for age in (1, 8, 9)
    ]
    assert plans == [["free", "ever"], ["free", "ever"], ["gold", "ever"]]


def test_what_has_no_age_is_refused() -> None:
    log = log_of([(1, day(3), day(3), "visit", 0.0), (1, day(9), day(9), "purchase", 1.0)])

    with pytest.raises(EventSchemaError, match="no purchase is known before as_of 2023-01-05"):
        align(log, as_of=date(2023, 1, 5))
    with pytest.raises(SettingsError, match="an age is 1 day or more; 0 given"):
        align(log, as_of=date(2023, 1, 20)).at_age(0)
