from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from patronage.events import EventLog
from patronage.snapshots import FEATURES, take_snapshot
from patronage.snapshots.features.nested import is_nested, nested_frame
from patronage.snapshots.features.query import marked, uses_of
from patronage.snapshots.grains import GRAINS, Asked
from patronage.snapshots.grains import written as written_days

AS_OF = date(2021, 1, 1)
KINDS = (
    *("purchase", "purchase", "refund", "visit", "click", "app_use"),
    *("email_response", "support", "payment_failure", "treatment", "fee", "survey"),
)
NESTED = [name for name, group in FEATURES.items() if is_nested(group)]


def _log(*, late: bool, texts: bool) -> EventLog:
    rows = range(3_000)
    kinds = [KINDS[row * 31 % len(KINDS)] for row in rows]
    days = [AS_OF + timedelta(days=row * 7919 % 900 - 850) for row in rows]
    sign = {"purchase": 1, "refund": -1, "fee": 1}
    frame = pl.DataFrame(
        {
            "customer_id": [f"ä{row % 211:03}" if texts else row % 211 for row in rows],
            "date": days,
            "kind": kinds,
            "amount": [sign.get(kind, 0) * (row % 977) / 100 for row, kind in enumerate(kinds)],
            "quantity": [row % 4 if row % 5 else None for row in rows],
            "discount": [row % 3 / 10 for row in rows],
        }
    )
    if late:
        known = [day + timedelta(days=row % 11) for row, day in enumerate(days)]
        frame = frame.with_columns(known_time=pl.Series(known))
    return EventLog.from_frame(frame, currency="USD")


def _grouped(asked: Asked, name: str) -> pl.DataFrame:
    """The features of a group as their texts say them, by grouping the rows of the grain."""
    group = FEATURES[name]
    lines = ", ".join(f"{sql} AS {feature}" for feature, sql in group.items())
    rows = GRAINS[group.grain].sql(replace(asked, uses=uses_of(group)))
    sql = f"SELECT customer_id, {lines} FROM ({rows}) GROUP BY customer_id ORDER BY customer_id"
    return asked.log.engine.frame(marked(sql, asked.as_of, has_clock=False))


@pytest.mark.parametrize("compacted", [False, True])
@pytest.mark.parametrize(("late", "texts"), [(False, False), (False, True), (True, False)])
def test_windows_from_running_sums_are_those_of_grouping(
    monkeypatch: pytest.MonkeyPatch, *, late: bool, texts: bool, compacted: bool
) -> None:
    monkeypatch.setattr(written_days, "_ROWS_AT_ONCE", 700)
    log = _log(late=late, texts=texts)
    asked = Asked((log.compact() if compacted else log).before(AS_OF), AS_OF)
    lines = {feature: sql for name in NESTED for feature, sql in FEATURES[name].items()}

    found = nested_frame(asked, lines)

    for name in NESTED:
        grouped = _grouped(Asked(log.before(AS_OF), AS_OF), name)
        assert_frame_equal(found.select(grouped.columns), grouped, check_exact=True)


def test_every_window_is_nested_and_nothing_else() -> None:
    spans = {name for name, group in FEATURES.items() if group.grain == "spans"}

    assert set(NESTED) == {*spans, "windows"}


@pytest.mark.parametrize("late", [False, True])
def test_what_is_written_down_by_day_is_what_grouping_says(
    monkeypatch: pytest.MonkeyPatch, *, late: bool
) -> None:
    monkeypatch.setattr(written_days, "_ROWS_AT_ONCE", 700)
    log = _log(late=late, texts=True)
    groups = ("rhythm", "gaps", "money", "windows", "returns", "discounts", "browsing", "recency")

    at_once = take_snapshot(log, as_of=AS_OF, features=groups)
    written = take_snapshot(log.compact(), as_of=AS_OF, features=groups)

    assert written.customers.columns == at_once.customers.columns
    assert_frame_equal(written.customers, at_once.customers, rel_tol=1e-12)
