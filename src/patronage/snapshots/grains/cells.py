"""Ledger: one row per customer, kind of event, event day and known day."""

from typing import Final

from patronage.events.schema import MEASURES
from patronage.snapshots.grains.entries import LEDGER
from patronage.snapshots.grains.grain import Asked, Grain, Known, Table, table_of

__all__ = ["CELLS", "whole_ledger"]

_KEYS: Final = ("kind", "event_day", "known_day")


def whole_ledger(asked: Asked, *, by_event: bool = False) -> str:
    """SQL text of the ledger of the customers asked for, with every measure there may be.

    by_event : as in `EventLog.ledger_sql`
    """
    there = set(asked.log.measures)
    missing = [
        f"NULL::{kind} AS {name}" for name, (*_, kind) in MEASURES.items() if name not in there
    ]
    ledger = asked.some(asked.log.ledger_sql(by_event=by_event))
    return f"SELECT *, {', '.join(missing)} FROM ({ledger})" if missing else ledger


def _fold(known: Known) -> Table:
    rows = [
        dict(zip((*_KEYS, *LEDGER), (*key, *cell), strict=True))
        for key, cell in known.entries.cells.items()
    ]
    return table_of(CELLS.columns, rows)


CELLS: Final = Grain(
    {
        "kind": "VARCHAR",
        "event_day": "DATE",
        "known_day": "DATE",
        "n_events": "BIGINT",
        "amount": "DECIMAL(18,4)",
        "amount_min": "DECIMAL(18,4)",
        "amount_max": "DECIMAL(18,4)",
        "first_time": "TIMESTAMP",
        **{name: kind for name, (*_, kind) in MEASURES.items()},
    },
    whole_ledger,
    _fold,
)
