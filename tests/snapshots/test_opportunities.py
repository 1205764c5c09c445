"""Opportunities: periods counted back from as_of, by hand and against plain Python."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patronage.events import EventLog
from patronage.snapshots import opportunities, take_snapshot

Row = tuple[int, date, date, str, float]


def log_of(rows: list[Row]) -> EventLog:
    frame = pl.DataFrame(
        rows, schema=["customer_id", "event_time", "known_time", "kind", "amount"], orient="row"
    )
    return EventLog.from_frame(frame, currency="EUR")


def told(rows: list[Row], as_of: date, period: Any) -> list[tuple[float, ...]]:
    found = opportunities(take_snapshot(log_of(rows), as_of=as_of), period)
    return [tuple(row) for row in zip(found.frequency, found.recency, found.T, strict=True)]


def bought(customer: int, *days: date, amount: float = 10.0) -> list[Row]:
    return [(customer, day, day, "purchase", amount) for day in days]


def test_calendar_years_where_as_of_is_new_year() -> None:
    rows = [
        # Twice in 1996, once in 1998; the second purchase of 1995 is no opportunity.
        *bought(1, date(1995, 2, 1), date(1995, 12, 31), date(1996, 1, 1), date(1996, 12, 31)),
        *bought(1, date(1998, 6, 1)),
        *bought(2, date(1997, 1, 1)),
        *bought(3, date(2001, 12, 31)),
    ]

    assert told(rows, date(2002, 1, 1), "year") == [(2, 3, 6), (0, 0, 4), (0, 0, 0)]


def test_months_and_their_ends() -> None:
    rows = bought(1, date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 1), date(2024, 4, 30))

    assert told(rows, date(2024, 5, 1), "month") == [(3, 3, 3)]
    assert told(rows, date(2024, 4, 1), "month") == [(2, 2, 2)]
    # [Mar 15, Apr 15) and [Feb 15, Mar 15); the first purchase lies in [Jan 15, Feb 15).
    assert told(rows, date(2024, 4, 15), "month") == [(1, 1, 2)]


def test_a_number_of_days_and_weeks_end_at_as_of() -> None:
    rows = bought(1, date(2024, 1, 1), date(2024, 1, 8), date(2024, 1, 14), date(2024, 1, 15))

    assert told(rows, date(2024, 1, 15), "week") == [(1, 1, 1)]
    assert told(rows, date(2024, 1, 16), "week") == [(2, 2, 2)]
    assert told(rows, date(2024, 1, 16), 7) == [(2, 2, 2)]
    assert told(rows, date(2024, 1, 16), "day") == [(3, 14, 14)]
    assert told(rows, date(2024, 1, 16), 5.5) == [(2, 2, 2)]


def test_money_is_that_of_a_period() -> None:
    rows = [
        *bought(1, date(2024, 1, 5), date(2024, 1, 20), amount=10.0),
        *bought(1, date(2024, 2, 3), date(2024, 2, 4), date(2024, 4, 1), amount=6.0),
        (1, date(2024, 4, 9), date(2024, 4, 9), "refund", -3.0),
        (1, date(2024, 5, 1), date(2024, 5, 1), "purchase", 0.0),
        (2, date(2024, 5, 1), date(2024, 5, 1), "visit", 0.0),
    ]
    found = opportunities(take_snapshot(log_of(rows), as_of=date(2024, 6, 1)), "month")

    assert found.customer_id.tolist() == [1, 2]
    assert [found.frequency[0], found.recency[0], found.T[0]] == [2, 3, 4]
    assert found.monetary_value is not None
    assert found.first_amount is not None
    assert found.monetary_value[0] == pytest.approx(18 / 2)
    assert np.isnan(found.monetary_value[1])
    assert found.first_amount.tolist() == [20, 0]


def test_a_chunk_has_the_rows_of_the_whole() -> None:
    rows = [row for k in range(20) for row in bought(k, date(2024, 1, 1 + k), date(2024, 3, 1 + k))]
    snapshot = take_snapshot(log_of(rows), as_of=date(2024, 6, 1))
    whole = opportunities(snapshot, "month")
    part = opportunities(snapshot.take(slice(5, 9)), "month")

    assert part.customer_id.tolist() == whole.customer_id[5:9].tolist()
    assert part.frequency.tolist() == whole.frequency[5:9].tolist()
    assert part.T.tolist() == whole.T[5:9].tolist()


START = date(2024, 1, 1)


@given(
    st.lists(
        st.tuples(
            st.integers(1, 4),
            st.integers(0, 150),
            st.integers(0, 40),
            st.sampled_from(("purchase", "purchase", "visit", "refund")),
            st.sampled_from((0.0, 5.0)),
        ),
        min_size=1,
        max_size=30,
    ),
    st.integers(1, 180),
    st.sampled_from((1, 3, 7, 30.5)),
)
def test_only_what_was_known_before_as_of_counts(rows, cut, period) -> None:
    """Every customer, period by period, from the events themselves."""
    as_of = START + timedelta(days=cut)
    events: list[Row] = []
    days_of = defaultdict(lambda: defaultdict(lambda: [0, 0.0]))
    seen = set()
    for customer, day, delay, kind, amount in rows:
        when = START + timedelta(days=day)
        known = when + timedelta(days=delay)
        cash = -amount if kind == "refund" else 0.0 if kind == "visit" else amount
        events.append((customer, when, known, kind, cash))
        if max(when, known) < as_of:
            seen.add(customer)
            if kind == "purchase":
                record = days_of[customer][when]
                record[0] += 1
                record[1] += amount
    if not seen:
        return
    expected = {}
    for customer in seen:
        back = {day: ((as_of - day).days - 1) // period for day in days_of[customer]}
        if back:
            n = max(back.values())
            used = {
                back[day]
                for day, (_, money) in days_of[customer].items()
                if money > 0 and back[day] < n
            }
            expected[customer] = (len(used), n - min(used) if used else 0, n)
    found = opportunities(take_snapshot(log_of(events), as_of=as_of), period)

    for row, customer in enumerate(found.customer_id.tolist()):
        if customer in expected:
            mine = (found.frequency[row], found.recency[row], found.T[row])
            assert mine == expected[customer]
    assert set(found.customer_id.tolist()) == seen
