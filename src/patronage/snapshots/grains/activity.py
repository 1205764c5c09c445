"""Activity: one row per customer and day with an event of any kind; what happened side by side."""

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from patronage.engines import DuckEngine, parquet, side_by_side
from patronage.events import EventLog
from patronage.snapshots.by_customer import ranges
from patronage.snapshots.grains.cells import whole_ledger
from patronage.snapshots.grains.entries import LEDGER, Entries
from patronage.snapshots.grains.grain import Asked, Grain, Known, Table, listed, table_of

__all__ = ["ACTIVITY", "ADDED", "GAP", "PAST", "days_files", "days_written"]

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
# Days since the counted day before, over the window `past`.
GAP: Final = (
    "CASE WHEN spent > 0 THEN event_day - max(event_day) FILTER (spent > 0) OVER past END"
)
PAST: Final = (
    "WINDOW past AS (PARTITION BY customer_id ORDER BY event_day "
    "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
)

# Small enough that a log of a million rows is read on two cores.
_ROWS_AT_ONCE: Final = 1_000_000

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
        added += ", gap" if "gap" in asked.uses else ""
        return f"SELECT customer_id, event_day{added} FROM ({days})"
    return f"SELECT customer_id, event_day{added} FROM ({days}) GROUP BY customer_id, event_day"


def days_files(asked: Asked) -> list[Path] | None:
    """Files of ranges of customers, each sorted by customer and day, where every day of a customer
    is one row of `days_written`; also of days from as_of on."""
    if asked.log.has_known_time or days_written(asked) is None:
        return None
    return sorted(_folder(asked.log).iterdir())


def days_written(asked: Asked, *, make: bool = True) -> str | None:
    """SQL text of the activity by event day and known day, of a compacted log.

    It is written once, so that the snapshots of many days do not each put the kinds side by side.
    Where no news comes late, it also has the `gap` of `days`.

    make : write it where it is not there yet
    """
    log = asked.log
    if log.ledger is None or log.workspace is None:
        return None
    folder = _folder(log)
    if not folder.exists():
        if not make:
            return None
        _write(log, asked.as_of, folder)
    known = f" AND known_day < {asked.day}" if log.has_known_time else ""
    written = parquet(sorted(folder.iterdir()))
    return asked.some(f"SELECT * FROM {written} WHERE event_day < {asked.day}{known}")


def _folder(log: EventLog) -> Path:
    assert log.ledger is not None
    return log.ledger.with_name(f"activity-{log.ledger.stem}")


def _write(log: EventLog, as_of: date, folder: Path) -> None:
    """One file for each range of customers, sorted by customer and day."""
    keys = ["customer_id", "event_day", *(["known_day"] if log.has_known_time else [])]
    added = _listed(f"{_sum(name, log)} AS {name}" for name in _occurring(log))
    part = folder.with_name(uuid4().hex)
    part.mkdir()

    def write(engine: DuckEngine, among: str) -> Path:
        whole = whole_ledger(Asked(replace(log, cut=None), as_of, among))
        days = f"SELECT {', '.join(keys)}{added} FROM ({whole}) GROUP BY {', '.join(keys)}"
        if not log.has_known_time:
            # What a day looks back on is the same at every later as_of, if no news comes late.
            gap = GAP if "spent" in _occurring(log) else "NULL::BIGINT"
            days = f"SELECT *, {gap} AS gap FROM ({days}) {PAST}"
        path = part / f"{numbers[among]:03}.parquet"
        return engine.write(f"{days} ORDER BY {', '.join(keys)}", path, compression="lz4")

    parts = ranges(log, rows_at_once=_ROWS_AT_ONCE) or [""]
    numbers = {among: number for number, among in enumerate(parts)}
    side_by_side(write, parts)
    try:
        part.rename(folder)
    except OSError:
        # Another thread was quicker, and wrote the same.
        shutil.rmtree(part)


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
