"""Activity: one row per customer and day with an event of any kind; what happened side by side."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from patronage.snapshots.grains.cells import whole_ledger
from patronage.snapshots.grains.entries import LEDGER, Entries
from patronage.snapshots.grains.grain import Asked, Grain, Known, Table, listed, table_of

__all__ = ["ACTIVITY", "ADDED"]

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
    log = asked.log
    meant = Entries(log.has_clock, log.rated_kinds)
    sums = []
    for name, (measure, kinds) in ADDED.items():
        if name in asked.uses:
            where = f" FILTER (kind IN ({listed(_kinds(kinds, meant))}))" if kinds else ""
            sums.append(f"coalesce(sum({measure}){where}, 0)::{_type(measure)} AS {name}")
    added = "".join(f", {one}" for one in sums)
    return (
        f"SELECT customer_id, event_day{added} FROM ({whole_ledger(asked)}) "
        "GROUP BY customer_id, event_day"
    )


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
