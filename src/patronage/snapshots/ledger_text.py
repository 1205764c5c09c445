"""A ledger as text: a line for each entry, so that an event more is a line more to write.

The first line is JSON of customer_id, has_clock and rated_kinds. Each further line is the letter of
a table and the JSON of a key, a tab, and the JSON of the entry under it, in the order of the lines.
JSON writes tabs and ends of lines inside texts as two signs, so that neither parts anything else.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from patronage.errors import StoreError
from patronage.snapshots.grains.entries import TABLES, Entries, Event, together

__all__ = ["of_earlier_version", "read_ledger", "text_after", "written_ledger"]

_encode: Final = json.JSONEncoder(separators=(",", ":")).encode
_quoted: Final = json.encoder.encode_basestring_ascii
# Letter of a line → table.
_TABLE_OF: Final = {name[0]: name for name in TABLES}


def written_ledger(customer_id: Any, entries: Entries) -> str:
    """The text, the same in whatever order the events came; `read_ledger` reads it."""
    lines = {
        _name(table, key): _written(entry)
        for table in TABLES
        for key, entry in getattr(entries, table).items()
    }
    return _text(_encode([customer_id, entries.has_clock, entries.rated_kinds]), lines)


def read_ledger(text: str) -> tuple[Any, Entries]:
    """Customer and entries of a text."""
    head, lines = _parted(text)
    customer_id, has_clock, rated_kinds = _head(head)
    tables: dict[str, dict[Any, Any]] = {name: {} for name in TABLES}
    # Why at once: a call of the decoder for each line costs more than the line.
    keys = json.loads(f"[{','.join(name[1:] for name in lines)}]")
    found = json.loads(f"[{','.join(lines.values())}]")
    for name, key, entry in zip(lines, keys, found, strict=True):
        tables[_TABLE_OF[name[0]]][_rich(key)] = _rich(entry)
    return customer_id, Entries(has_clock, tuple(rated_kinds), **tables)


def text_after(text: str, events: Iterable[Event]) -> str:
    """The text of the ledger with more events; what they do not touch is not read.

    events : as `CustomerLedger.after` takes them
    """
    head, lines = _parted(text)
    _, has_clock, rated_kinds = _head(head)
    new = Entries(has_clock, tuple(rated_kinds)).after(events)
    for table in TABLES:
        for key, entry in getattr(new, table).items():
            name = _name(table, key)
            there = lines.get(name)
            if there is not None:
                entry = together(table, _rich(json.loads(there)), entry)
            lines[name] = _written(entry)
    return _text(head, lines)


def _parted(text: str) -> tuple[str, dict[str, str]]:
    head, *lines = text.split("\n")
    return head, dict(line.split("\t") for line in lines)


def _text(head: str, lines: Mapping[str, str]) -> str:
    return "\n".join((head, *(f"{name}\t{entry}" for name, entry in sorted(lines.items()))))


def _head(line: str) -> Sequence[Any]:
    read = json.loads(line)
    if not isinstance(read, list):
        raise of_earlier_version(line)
    return read


def of_earlier_version(text: str) -> StoreError:
    """Why a ledger's text that begins otherwise is refused."""
    return StoreError(
        f"a ledger begins with {text[:40]}…: an earlier version of Patronage wrote it.\n"
        "To mend: `patronage export` the events with that version, and begin a new store."
    )


def _name(table: str, key: Sequence[Any]) -> str:
    return table[0] + _written(key)


def _written(parts: Sequence[Any]) -> str:
    """JSON of a list; decimals, days and instants as marked texts, other texts are marked too."""
    # Why not the encoder: of most parts it would only find out again what they are.
    told = ["null" if part is None else _WRITTEN[type(part)](part) for part in parts]
    return f"[{','.join(told)}]"


def _rich(parts: Sequence[Any]) -> tuple[Any, ...]:
    return tuple([_READ[part[0]](part[1:]) if type(part) is str else part for part in parts])


_WRITTEN: Final[Mapping[type, Callable[[Any], str]]] = {
    int: int.__repr__,
    datetime: lambda moment: f'"t{moment.isoformat()}"',
    date: lambda day: f'"d{day.isoformat()}"',
    Decimal: lambda number: f'"n{number}"',
    str: lambda text: _quoted(f"s{text}"),
}
_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "t": datetime.fromisoformat,
    "d": date.fromisoformat,
    "n": Decimal,
    "s": str,
}
