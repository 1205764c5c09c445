"""Activity: one row per customer and day with an event of any kind; what happened side by side."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import uuid4

from patronage.engines import default_engine, parquet
from patronage.events import EventLog
from patronage.snapshots.grains.cells import whole_ledger
from patronage.snapshots.grains.entries import LEDGER, Entries
from patronage.snapshots.grains.grain import Asked, Grain, Known, Table, listed, table_of

__all__ = ["ACTIVITY", "ADDED", "days_in_order", "days_written"]

# Column → measure of the ledger, kinds of event that it is summed over. "purchase" and "cash" stand
# for the kinds that count as such; no kinds: every event.
ADDED: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "events": ("n_events", ()),
    "purchases": ("n_events", ("purchase*",)),
    "spent": ("amount", ("purchase*",)),
    "cash": ("amount", ("cash*",)),
    "items": ("quantity", ("purchase*",)),
    "discount": ("discount", ("purchase*",)),
    "refunds": ("n_events", ("refund",)),
    "refunded": ("amount", ("refund",)),
    "visits": ("n_events", ("visit",)),
    "clicks": ("n_events", ("click",)),
    "app_uses": ("n_events", ("app_use",)),
    "responses": ("n_events", ("email_response",)),
    "contacts": ("n_events", ("support",)),
    "failures": ("n_events", ("payment_failure",)),
    "treatments": ("n_events", ("treatment",)),
    "starts": ("n_events", ("subscription_start",)),
    "renewals": ("n_events", ("renewal",)),
    "subscribed": ("amount", ("subscription_start", "renewal")),
    "tier_changes": ("n_events", ("tier_change",)),
    "cancellations": ("n_events", ("cancellation",)),
    "answers": ("scored", ("survey",)),
    "answered": ("score", ("survey",)),
    "ratings": ("scored", ("review",)),
    "rated": ("score", ("review",)),
}
_MONEY: Final = ("amount", "quantity", "discount", "score")


def _type(measure: str) -> str:
    return "DECIMAL(18,4)" if measure in _MONEY else "BIGINT"


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
    there = {name: f"sum({name})" if late else name for name in _occurring(asked.log)}
    added = _listed(f"{there.get(name, '0')}::{ACTIVITY.columns[name]} AS {name}" for name in names)
    if not late:
        return f"SELECT customer_id, event_day{added} FROM ({days})"
    return f"SELECT customer_id, event_day{added} FROM ({days}) GROUP BY customer_id, event_day"


def days_in_order(asked: Asked) -> str:
    """SQL text of the activity by customer and day, for an engine that keeps the order of rows."""
    is_sorted = days_written(asked) is not None and not asked.log.has_known_time
    return _sql(asked) if is_sorted else f"{_sql(asked)} ORDER BY customer_id, event_day"


def days_written(asked: Asked, *, make: bool = True) -> str | None:
    """SQL text of the activity by event day and known day, of a compacted log.

    It is written once, so that the snapshots of many days do not each put the kinds side by side.

    make : write it where it is not there yet
    """
    log = asked.log
    if log.ledger is None or log.workspace is None:
        return None
    path = log.workspace.path / f"activity-{log.ledger.name}"
    if not path.exists() and not make:
        return None
    if not path.exists():
        added = _listed(f"{_sum(name, log)} AS {name}" for name in _occurring(log))
        whole = whole_ledger(Asked(replace(log, cut=None), asked.as_of))
        sql = (
            f"SELECT customer_id, event_day, known_day{added} FROM ({whole}) "
            "GROUP BY customer_id, event_day, known_day ORDER BY customer_id, event_day"
        )
        part = path.with_name(f"{uuid4().hex}.parquet")
        default_engine().write(sql, part, compression="lz4").rename(path)
    known = f" AND known_day < {asked.day}" if log.has_known_time else ""
    return asked.some(f"SELECT * FROM {parquet([path])} WHERE event_day < {asked.day}{known}")


def _occurring(log: EventLog) -> tuple[str, ...]:
    """The columns that are not 0 throughout, for what the log has."""
    seen = set(log.kinds)
    measures = {"n_events", "amount", *log.measures}
    meant = Entries(log.has_clock, log.rated_kinds)
    return tuple(
        name
        for name, (measure, kinds) in ADDED.items()
        if measure in measures and (not kinds or not seen.isdisjoint(_kinds(kinds, meant)))
    )


def _listed(columns: Iterable[str]) -> str:
    return "".join(f", {column}" for column in columns)


def _sum(name: str, log: EventLog) -> str:
    """SQL of a column over rows of the ledger."""
    measure, kinds = ADDED[name]
    meant = _kinds(kinds, Entries(log.has_clock, log.rated_kinds))
    where = f" FILTER (kind IN ({listed(meant)}))" if kinds else ""
    return f"coalesce(sum({measure}){where}, 0)::{_type(measure)}"


def _kinds(kinds: tuple[str, ...], meant: Entries) -> tuple[str, ...]:
    if kinds == ("purchase*",):
        return meant.purchase_kinds
    return meant.cash_kinds if kinds == ("cash*",) else kinds


def _fold(known: Known) -> Table:
    entries = known.entries
    days: dict[date, dict[str, Any]] = {}
    by_kind: dict[str, list[tuple[str, int]]] = {}
    names = list(LEDGER)
    for name, (measure, kinds) in ADDED.items():
        at = names.index(measure)
        for kind in _kinds(kinds, entries) or ("*",):
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
    name: Decimal(0) if measure in _MONEY else 0 for name, (measure, _) in ADDED.items()
}

ACTIVITY: Final = Grain(
    {"event_day": "DATE", **{name: _type(measure) for name, (measure, _) in ADDED.items()}},
    _sql,
    _fold,
)
