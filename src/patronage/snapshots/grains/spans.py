"""Spans: one row per customer and the smallest window that holds the day; older days are one more.

The windows nest, so that what happened in the last 91 days is the sum of the spans up to 91, and a
hundred windowed features cost one grouping of a few rows per customer.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from patronage.snapshots.grains.activity import ACTIVITY
from patronage.snapshots.grains.added import ADDED, DAYS_WITH
from patronage.snapshots.grains.grain import Asked, Grain, Known, Table, table_of

__all__ = ["OLDER", "SPANS", "SPAN_DAYS"]

SPAN_DAYS: Final = (7, 14, 28, 56, 91, 182, 365, 730)
OLDER: Final = 1_000_000


def _sql(asked: Asked) -> str:
    sums = [name for name in ADDED if name in asked.uses]
    days = [name for name in DAYS_WITH if name in asked.uses]
    needed = {*sums, *(column for name in days for column in DAYS_WITH[name])}
    activity = ACTIVITY.sql(replace(asked, uses=frozenset(needed)))
    within = " ".join(f"WHEN event_day >= {asked.day} - {n} THEN {n}" for n in SPAN_DAYS)
    columns = [f"sum({name})::{ACTIVITY.columns[name]} AS {name}" for name in sums]
    columns += [
        f"count(*) FILTER ({' OR '.join(f'{one} > 0' for one in DAYS_WITH[name])}) AS {name}"
        for name in days
    ]
    added = "".join(f", {column}" for column in columns)
    return (
        f"SELECT customer_id, span{added} FROM ("
        f"SELECT *, CASE {within} ELSE {OLDER} END AS span FROM ({activity})) "
        "GROUP BY customer_id, span"
    )


def _fold(known: Known) -> Table:
    activity = ACTIVITY.fold(known)
    bounds = [(known.as_of - timedelta(days=n), n) for n in SPAN_DAYS]
    spans: dict[int, dict[str, Any]] = {}
    for row, event_day in enumerate(activity["event_day"]):
        span = next((n for bound, n in bounds if event_day >= bound), OLDER)
        there = spans.setdefault(span, {"span": span, **dict.fromkeys(DAYS_WITH, 0)})
        for name in ADDED:
            there[name] = there.get(name, 0) + activity[name][row]
        for name, columns in DAYS_WITH.items():
            there[name] += any(activity[column][row] > 0 for column in columns)
    return table_of(SPANS.columns, list(spans.values()))


SPANS: Final = Grain(
    {
        "span": "INTEGER",
        **{name: ACTIVITY.columns[name] for name in ADDED},
        **dict.fromkeys(DAYS_WITH, "BIGINT"),
    },
    _sql,
    _fold,
)
