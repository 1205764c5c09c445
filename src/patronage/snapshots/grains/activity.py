"""Activity: one row per customer and day with an event of any kind; what happened side by side."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any, Final

from patronage.events import EventLog
from patronage.snapshots.grains.added import ADDED, MONEY, kinds_of, occurring
from patronage.snapshots.grains.cells import whole_ledger
from patronage.snapshots.grains.entries import LEDGER, Entries
from patronage.snapshots.grains.grain import Asked, Grain, Known, Table, listed, table_of
from patronage.snapshots.grains.written import days_written

__all__ = ["ACTIVITY"]


def _type(measure: str) -> str:
    return "DECIMAL(18,4)" if measure in MONEY else "BIGINT"


def _sql(asked: Asked) -> str:
    names = [name for name in ADDED if name in asked.uses]
    days = days_written(asked)
    if days is None:
        added = _listed(f"{_sum(name, asked.log)} AS {name}" for name in names)
        return (
            f"SELECT customer_id, event_day{added} FROM ({whole_ledger(asked)}) "
            "GROUP BY customer_id, event_day"
        )
    late = asked.log.has_known_time
    there = {name: f"sum({name})" if late else name for name in occurring(asked.log)}
    added = _listed(f"{there.get(name, '0')}::{ACTIVITY.columns[name]} AS {name}" for name in names)
    if not late:
        added += ", gap" if "gap" in asked.uses else ""
        return f"SELECT customer_id, event_day{added} FROM ({days})"
    return f"SELECT customer_id, event_day{added} FROM ({days}) GROUP BY customer_id, event_day"


def _listed(columns: Iterable[str]) -> str:
    return "".join(f", {column}" for column in columns)


def _sum(name: str, log: EventLog) -> str:
    """SQL of a column over rows of the ledger."""
    measure, kinds = ADDED[name]
    meant = kinds_of(kinds, Entries(log.has_clock, log.rated_kinds))
    where = f" FILTER (kind IN ({listed(meant)}))" if kinds else ""
    return f"coalesce(sum({measure}){where}, 0)::{_type(measure)}"


def _fold(known: Known) -> Table:
    entries = known.entries
    days: dict[date, dict[str, Any]] = {}
    by_kind: dict[str, list[tuple[str, int]]] = {}
    names = list(LEDGER)
    for name, (measure, kinds) in ADDED.items():
        at = names.index(measure)
        for kind in kinds_of(kinds, entries) or ("*",):
            by_kind.setdefault(kind, []).append((name, at))
    for (kind, event_day, _), cell in entries.cells.items():
        if event_day not in days:
            days[event_day] = {"event_day": event_day, **_NOTHING}
        day = days[event_day]
        for name, at in (*by_kind["*"], *by_kind.get(kind, ())):
            if cell[at] is not None:
                day[name] += cell[at]
    return table_of(ACTIVITY.columns, [days[day] for day in sorted(days)])


_NOTHING: Final = {
    name: Decimal(0) if measure in MONEY else 0 for name, (measure, _) in ADDED.items()
}

ACTIVITY: Final = Grain(
    {"event_day": "DATE", **{name: _type(measure) for name, (measure, _) in ADDED.items()}},
    _sql,
    _fold,
)
