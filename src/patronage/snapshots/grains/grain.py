"""A grain: rows that features add up, in SQL for all customers and in Python for one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from patronage.events import EventLog
from patronage.events.tables import SideTables
from patronage.snapshots.grains.entries import Entries

__all__ = ["Asked", "Grain", "Known", "Table", "listed", "table_of"]

# Column → values, all of one length.
Table = Mapping[str, list[Any]]


@dataclass(frozen=True)
class Asked:
    """What a query of a grain depends on.

    Attributes
    ----------
    log : cut at as_of
    as_of : first unknown day
    among : SQL condition on customer_id; empty: every customer
    uses : columns of the grain that are read; others may be left out
    side : side table → SQL text of its rows, of each key the version learned last
    """

    log: EventLog
    as_of: date
    among: str = ""
    uses: frozenset[str] = frozenset()
    side: Mapping[str, str] = field(default_factory=dict)

    @property
    def day(self) -> str:
        """SQL of as_of."""
        return f"DATE '{self.as_of.isoformat()}'"

    def some(self, sql: str) -> str:
        """The rows of a text that belong to the customers asked for."""
        return f"SELECT * FROM ({sql}) WHERE {self.among}" if self.among else sql


@dataclass(frozen=True)
class Known:
    """What the rows of one customer depend on, all as known at as_of.

    Attributes
    ----------
    customer_id : as in the log
    entries : cut at as_of
    as_of : first unknown day
    tables : of each key the version learned last
    neighbours : customer → entries, cut at as_of, of those that `links` names
    """

    customer_id: Any
    entries: Entries
    as_of: date
    tables: SideTables = field(default_factory=SideTables)
    neighbours: Mapping[Any, Entries] = field(default_factory=dict)


@dataclass(frozen=True)
class Grain:
    """Rows of a kind.

    Attributes
    ----------
    columns : name → DuckDB type
    sql : text of the rows of the customers asked for, with customer_id
    fold : the same rows of one customer
    of_everybody : the rows belong to no customer, and touch everybody
    """

    columns: Mapping[str, str]
    sql: Callable[[Asked], str]
    fold: Callable[[Known], Table]
    of_everybody: bool = False


def listed(words: tuple[str, ...]) -> str:
    """SQL list of plain words."""
    return ", ".join(f"'{word}'" for word in words)


def table_of(columns: Mapping[str, str], rows: list[dict[str, Any]]) -> Table:
    """Rows as columns, each of those named."""
    return {name: [row.get(name) for row in rows] for name in columns}
