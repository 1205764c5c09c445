"""A ledger as text: a line for each entry, so that an event more is a line more to write.

The first line is JSON of customer_id, has_clock and rated_kinds. Each further line is the letter of
a table and the JSON of a key, a tab, and the JSON of the entry under it, in the order of the lines.
JSON writes tabs and ends of lines inside texts as two signs, so that neither parts anything else.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from types import GenericAlias
from typing import Any, Final

import msgspec

from patronage.errors import StoreError
from patronage.events.schema import MEASURES
from patronage.snapshots import CustomerLedger
from patronage.snapshots.grains.entries import TABLES, Entries, Event, together

__all__ = ["read_ledger", "text_after", "written_ledger"]

_Number = Decimal | None
_MEASURES: Final = tuple(int if how[-1] == "BIGINT" else _Number for how in MEASURES.values())
# Table → types of a key and of an entry. Why told: by them the text needs no marks, and is read and
# written without Python.
_TYPES: Final[Mapping[str, tuple[Any, Any]]] = {
    "cells": (
        tuple[str, date, date],
        GenericAlias(tuple, (int, _Number, _Number, _Number, datetime, *_MEASURES)),
    ),
    "marks": (tuple[str, str, str, date, date], tuple[int, _Number]),
    "orders": (tuple[str, str, date, date], tuple[int, _Number, _Number, datetime]),
}


def _many(of: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(GenericAlias(list, (of,)))


_ENTRY: Final = {table: msgspec.json.Decoder(entry) for table, (_, entry) in _TYPES.items()}
_KEYS: Final = {table: _many(key) for table, (key, _) in _TYPES.items()}
_ENTRIES: Final = {table: _many(entry) for table, (_, entry) in _TYPES.items()}
_HEAD: Final = msgspec.json.Decoder(tuple[int | str, bool, tuple[str, ...]])
_encode: Final = msgspec.json.Encoder().encode


def written_ledger(ledger: CustomerLedger) -> str:
    """The text, the same in whatever order the events came; `read_ledger` reads it."""
    entries = ledger.entries
    lines = sorted(
        _line(_name(table, key), entry)
        for table in TABLES
        for key, entry in getattr(entries, table).items()
    )
    head = _encode((ledger.customer_id, entries.has_clock, entries.rated_kinds)).decode()
    return "\n".join((head, *lines))


def read_ledger(text: str) -> CustomerLedger:
    """The ledger that `written_ledger` wrote.

    Raises
    ------
    StoreError : it is none, or of another version
    """
    head, *lines = text.split("\n")
    try:
        customer_id, has_clock, rated_kinds = _HEAD.decode(head)
        tables = {table: _table(table, lines) for table in TABLES}
    except (msgspec.MsgspecError, ValueError) as error:
        raise StoreError(
            f"a ledger begins with {head[:40]}…, and cannot be read ({error}): another version of "
            "Patronage wrote it, or it is damaged.\n"
            "To mend: `patronage export` the events and begin a new store."
        ) from error
    return CustomerLedger(customer_id, Entries(has_clock, rated_kinds, **tables))


def _table(table: str, lines: Sequence[str]) -> dict[Any, Any]:
    parted = [line[1:].split("\t") for line in lines if line[0] == table[0]]
    # Why at once: a call of the decoder for each line costs more than the line.
    keys = _KEYS[table].decode(f"[{','.join([key for key, _ in parted])}]")
    entries = _ENTRIES[table].decode(f"[{','.join([entry for _, entry in parted])}]")
    return dict(zip(keys, entries, strict=True))


def text_after(text: str, events: Iterable[Event]) -> str:
    """The text of the ledger with more events; what they do not touch is not read.

    events : as `CustomerLedger.after` takes them
    """
    head, *lines = text.split("\n")
    _, has_clock, rated_kinds = _HEAD.decode(head)
    new = Entries(has_clock, rated_kinds).after(events)
    for table in TABLES:
        for key, entry in getattr(new, table).items():
            name = _name(table, key)
            place = bisect_left(lines, name)
            if place < len(lines) and lines[place].startswith(name):
                there = _ENTRY[table].decode(lines[place][len(name) + 1 :])
                lines[place] = _line(name, together(table, there, entry))
            else:
                lines.insert(place, _line(name, entry))
    return "\n".join((head, *lines))


def _name(table: str, key: tuple[Any, ...]) -> str:
    return table[0] + _encode(key).decode()


def _line(name: str, entry: tuple[Any, ...]) -> str:
    return f"{name}\t{_encode(entry).decode()}"
