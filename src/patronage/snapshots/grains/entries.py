"""What is kept of one customer: the ledger, and what its rows cannot tell, event by event.

Every entry is a sum, a count or an extreme under a key with both days, so that the order in which
events arrive does not matter, and the past can be asked at any day.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from patronage.engines.decimals import EXACT, to_decimal
from patronage.events.schema import CASH_KINDS, MEASURES, PURCHASE_KINDS

__all__ = [
    "DIMENSIONS",
    "LEDGER",
    "TABLES",
    "Entries",
    "Event",
    "bucket_of",
    "together",
    "words_of",
]

# Columns whose values are counted one by one; "word" stands for the words of `text`.
DIMENSIONS: Final = (
    *("channel", "payment_method", "product_id", "campaign", "policy", "device"),
    "word",
)

# Column of the ledger → how it is put together.
LEDGER: Final[Mapping[str, str]] = {
    "n_events": "sum",
    "amount": "sum",
    "amount_min": "min",
    "amount_max": "max",
    "first_time": "min",
    **{name: how for name, (_, _, how, _) in MEASURES.items()},
}

Event = Mapping[str, Any]
Entry = tuple[Any, ...]
Key = tuple[Any, ...]

# Table of entries → how the parts of an entry are put together.
TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "cells": tuple(LEDGER.values()),
    "marks": ("sum", "sum"),
    "orders": ("sum", "sum", "sum", "min"),
}


@dataclass(frozen=True)
class Entries:
    """The entries of one customer.

    Attributes
    ----------
    has_clock, rated_kinds : as in `EventLog`
    cells : (kind, event_day, known_day) → the columns of LEDGER
    marks : (dimension, value, kind, event_day, known_day) → number of events, amount
    orders : (order, kind, event_day, known_day) → lines, quantity, amount, first instant
    """

    has_clock: bool
    rated_kinds: tuple[str, ...] = ()
    cells: Mapping[Key, Entry] = field(default_factory=dict)
    marks: Mapping[Key, Entry] = field(default_factory=dict)
    orders: Mapping[Key, Entry] = field(default_factory=dict)

    @property
    def purchase_kinds(self) -> tuple[str, ...]:
        """Kinds of which a day with positive money counts as a purchase."""
        return (*PURCHASE_KINDS, *self.rated_kinds)

    @property
    def cash_kinds(self) -> tuple[str, ...]:
        """Kinds whose amounts are cash."""
        return (*CASH_KINDS, *self.rated_kinds)

    def after(self, events: Iterable[Event]) -> "Entries":
        """With these events more; columns as in `EventLog`, missing ones are not known."""
        cells, marks, orders = dict(self.cells), dict(self.marks), dict(self.orders)
        for event in events:
            time: datetime = event["event_time"]
            known: datetime = event.get("known_time") or time
            kind = event.get("kind") or "purchase"
            days = (time.date(), known.date())
            amount = _decimal(event.get("amount") or 0, 4)
            _put(cells, (kind, *days), _cell(event, amount, time), "cells")
            for dimension, value in _marks(event):
                _put(marks, (dimension, value, kind, *days), (1, amount), "marks")
            if kind in self.purchase_kinds:
                order = event.get("order_id") or days[0].isoformat()
                line = (1, _decimal(event.get("quantity"), 4), amount, time)
                _put(orders, (order, kind, *days), line, "orders")
        return Entries(self.has_clock, self.rated_kinds, cells, marks, orders)

    def before(self, as_of: date) -> "Entries":
        """What was known: both days strictly before as_of."""

        def known(entries: Mapping[Key, Entry]) -> dict[Key, Entry]:
            return {k: entry for k, entry in entries.items() if k[-2] < as_of and k[-1] < as_of}

        return replace(
            self, cells=known(self.cells), marks=known(self.marks), orders=known(self.orders)
        )


def words_of(text: str) -> list[str]:
    """The words of a text, in small letters: runs of anything but blanks."""
    return [word for word in re.split(" ", text.lower()) if word]


def bucket_of(word: str) -> str:
    """One of sixteen buckets of words, by MD5: the same on every engine."""
    import hashlib

    return hashlib.md5(word.encode(), usedforsecurity=False).hexdigest()[0]


# What most events measure.
_NOTHING: Final = tuple(0 if column == "BIGINT" else None for *_, column in MEASURES.values())
_MEASURED: Final = tuple({column for column, *_ in MEASURES.values()})


def _cell(event: Event, amount: Decimal | None, time: datetime) -> Entry:
    if all(event.get(name) is None for name in _MEASURED):
        return (1, amount, amount, amount, time, *_NOTHING)
    score = _decimal(event.get("score"), 4)
    chance = _decimal(event.get("propensity"), 9)
    measures = {
        "quantity": _decimal(event.get("quantity"), 4),
        "discount": _decimal(event.get("discount"), 4),
        "scored": int(score is not None),
        "score": score,
        "score_min": score,
        "score_max": score,
        "promoters": int(score is not None and score >= 9),
        "detractors": int(score is not None and score <= 6),
        "chances": int(chance is not None),
        "propensity": chance,
    }
    return (1, amount, amount, amount, time, *(measures[name] for name in MEASURES))


def _marks(event: Event) -> list[tuple[str, str]]:
    found = [(name, str(event[name])) for name in DIMENSIONS if event.get(name) is not None]
    return found + [("word", bucket_of(word)) for word in words_of(event.get("text") or "")]


def _decimal(value: Any, scale: int) -> Decimal | None:
    return None if value is None else to_decimal(value, scale)


def together(table: str, there: Entry, entry: Entry) -> Entry:
    """Two entries of a table under one key as one."""
    return tuple(
        old if new is None else new if old is None else _TOGETHER[way](old, new)
        for old, new, way in zip(there, entry, TABLES[table], strict=True)
    )


def _put(entries: dict[Key, Entry], key: Key, entry: Entry, table: str) -> None:
    there = entries.get(key)
    entries[key] = entry if there is None else together(table, there, entry)


def _add(old: Any, new: Any) -> Any:
    return EXACT.add(old, new) if isinstance(old, Decimal) else old + new


_TOGETHER: Final[Mapping[str, Callable[[Any, Any], Any]]] = {"sum": _add, "min": min, "max": max}
