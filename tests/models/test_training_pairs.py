from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patronage.errors import HorizonError, NotEnoughDataError
from patronage.events import EventLog, QualityReport
from patronage.horizon import Horizon
from patronage.models.training_pairs import rewound_origins, training_pairs
from patronage.snapshots import Snapshot, take_snapshot

START = date(2024, 1, 1)


def log_of(rows: list[tuple[int, int, float]]) -> EventLog:
    """Rows: customer, days after START, amount."""
    values = ", ".join(
        f"({who}, TIMESTAMP '{START + timedelta(days=day)}', {amount})" for who, day, amount in rows
    )
    relation = f"""
        SELECT who::BIGINT AS customer_id, instant AS event_time, instant AS known_time,
               'purchase' AS kind, amount::DECIMAL(18,4) AS amount
        FROM (VALUES {values}) AS t(who, instant, amount)"""
    columns = ("customer_id", "event_time", "known_time", "kind", "amount")
    return EventLog(relation, columns, "USD", False, False, QualityReport(len(rows), len(rows)))


def snapshot_of(n_customers: int, days: int, *, acquired_within: int = 28) -> Snapshot:
    """Customers acquired evenly in the first days; as_of is `days` after the first."""
    rows = [(k, k * acquired_within // n_customers, 10.0) for k in range(n_customers)]
    return take_snapshot(log_of(rows), as_of=START + timedelta(days=days))


def test_a_short_horizon_is_judged_as_asked():
    found = rewound_origins(snapshot_of(100, 200), Horizon(8, "week"))

    assert found.exact
    assert found.horizon == Horizon(8, "week")
    assert found.origins == tuple(START + timedelta(days=200 - 56 - n) for n in (28, 14, 0))


def test_thirty_nine_weeks_of_history_judge_fifteen_weeks():
    """15 weeks × (after + before) + two steps of 4 weeks = 266 of 272 days; 16 do not fit."""
    found = rewound_origins(snapshot_of(100, 272), Horizon(39, "week"))

    assert not found.exact
    assert found.horizon == Horizon(15, "week")
    assert "15 weeks" in found.reason


def test_more_origins_are_taken_where_history_has_them():
    found = rewound_origins(snapshot_of(100, 272), Horizon(8, "week"), n_max=5)

    assert len(found.origins) == 5


def test_an_event_of_a_mistyped_year_is_not_history():
    rows = [(k, k % 28, 10.0) for k in range(200)] + [(999, -10_000, 10.0)]
    snapshot = take_snapshot(log_of(rows), as_of=START + timedelta(days=272))

    assert rewound_origins(snapshot, Horizon(39, "week")).horizon == Horizon(15, "week")


def test_too_little_history_is_refused_with_its_numbers():
    with pytest.raises(NotEnoughDataError, match="100 customers and 40 days"):
        rewound_origins(snapshot_of(100, 40), Horizon(39, "week"))


def test_too_few_customers_are_refused():
    with pytest.raises(NotEnoughDataError, match="at least 50 customers"):
        rewound_origins(snapshot_of(49, 400), Horizon(4, "week"))


@given(
    days=st.integers(30, 500),
    weeks=st.integers(1, 60),
    within=st.integers(1, 400),
    n_max=st.integers(3, 6),
)
def test_whatever_is_returned_keeps_the_rule(days: int, weeks: int, within: int, n_max: int):
    snapshot = snapshot_of(120, days, acquired_within=min(within, days))
    try:
        found = rewound_origins(snapshot, Horizon(weeks, "week"), n_max=n_max)
    except NotEnoughDataError:
        return

    acquired = (snapshot.customers["first_day"] < found.origins[0]).sum()
    length = int(found.horizon.days)
    assert 3 <= len(found.origins) <= n_max
    assert acquired >= 50
    assert (found.origins[0] - START).days >= max(28, length)
    assert found.origins[-1] + timedelta(days=length) == snapshot.as_of
    assert min(b - a for a, b in zip(found.origins, found.origins[1:], strict=False)).days >= 7


def test_pairs_join_what_was_known_to_what_came_after():
    """Customer 1 buys on days 0, 20 and 40; customer 2 comes on day 25."""
    log = log_of([(1, 0, 10.0), (1, 20, 5.0), (1, 40, 7.0), (2, 25, 3.0), (2, 26, 4.0)])
    snapshot = take_snapshot(log, as_of=START + timedelta(days=50))
    origins = [START + timedelta(days=10), START + timedelta(days=26)]

    pairs = training_pairs(snapshot, origins, Horizon(2, "week"), ["windows"])

    assert pairs.customers["customer_id"].to_list() == [1, 1, 2]
    assert pairs.customers["origin"].to_list() == [origins[0], origins[1], origins[1]]
    assert pairs.customers["cash_28"].to_list() == [10.0, 15.0, 3.0]
    assert pairs.cash.tolist() == [[0.0, 5.0], [0.0, 0.0], [4.0, 0.0]]
    assert pairs.total_purchases.tolist() == [1.0, 0.0, 1.0]
    assert pairs.weight.tolist() == [0.5, 0.5, 1.0]


def test_an_outcome_that_is_not_over_cannot_be_learned_from():
    snapshot = snapshot_of(60, 40)

    with pytest.raises(HorizonError, match="ends"):
        training_pairs(snapshot, [START + timedelta(days=30)], Horizon(2, "week"))
