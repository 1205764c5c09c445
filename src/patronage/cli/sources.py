"""From what was typed to an event log or a number."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from patronage.errors import SettingsError
from patronage.events import EventLog, read_events

__all__ = ["number_or_table", "open_log"]


def open_log(
    source: str,
    *,
    currency: str | None,
    columns: Mapping[str, str] | None,
    query: str | None = None,
    drop_duplicates: bool = False,
    as_of: date | None = None,
    tables: Mapping[str, Path | None] | None = None,
) -> EventLog:
    """Read events and the tables beside them."""
    beside = dict(tables or {})
    return read_events(
        source,
        currency=currency,
        columns=columns,
        query=query,
        drop_duplicates=drop_duplicates,
        as_of=as_of,
        customers=beside.get("customers"),
        products=beside.get("products"),
        links=beside.get("links"),
        calendar=beside.get("calendar"),
        rates=beside.get("rates"),
    )


def number_or_table(text: str, option: str) -> float | Path:
    """A number, or the path of a table that exists."""
    try:
        return float(text)
    except ValueError:
        path = Path(text)
    if not path.is_file():
        raise SettingsError(
            f"{option} {text!r} is neither a number nor a file.\n"
            f"To mend: {option} 0.35, or {option} margins.csv with a column of keys and one of "
            "values."
        )
    return path
