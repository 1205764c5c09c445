"""Grains: the rows that features add up, for all customers in SQL and for one in Python."""

from collections.abc import Mapping
from typing import Final

from patronage.snapshots.grains.activity import ACTIVITY
from patronage.snapshots.grains.cells import CELLS
from patronage.snapshots.grains.days import DAYS, days_of, days_sql, only_purchases
from patronage.snapshots.grains.entries import Entries
from patronage.snapshots.grains.grain import Asked, Grain, Known, Table
from patronage.snapshots.grains.links import LINKS
from patronage.snapshots.grains.market import MARKET
from patronage.snapshots.grains.marks import MARKS
from patronage.snapshots.grains.orders import ORDERS
from patronage.snapshots.grains.spans import SPANS

__all__ = [
    "GRAINS",
    "Asked",
    "Entries",
    "Grain",
    "Known",
    "Table",
    "days_of",
    "days_sql",
    "only_purchases",
]

GRAINS: Final[Mapping[str, Grain]] = {
    "days": DAYS,
    "ledger": CELLS,
    "activity": ACTIVITY,
    "spans": SPANS,
    "orders": ORDERS,
    "links": LINKS,
    "market": MARKET,
    **MARKS,
}
