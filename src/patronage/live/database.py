"""Database: the little that SQLite and PostgreSQL do differently."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, runtime_checkable

__all__ = ["Database", "Transaction", "upsert"]


@runtime_checkable
class Transaction(Protocol):
    """Statements that are kept together or not at all.

    `?` stands for a parameter; `= ANY(?)` for one of a list, which may be long or empty.
    """

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of the result."""
        ...

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Rows that the statement changed."""
        ...

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """The statement once for each row of parameters."""
        ...

    def insert(self, table: str, rows: Sequence[Mapping[str, Any]], *, key: str = "") -> None:
        """Insert rows, all with the same columns: texts and numbers.

        key : a column; a row that is there under it takes the other columns of the new one
        """
        ...

    def insert_ids(self, ids: Sequence[tuple[str, bytes]]) -> set[str]:
        """Insert event ids with their digests where they are absent; those that were."""
        ...

    def lock(self, customers: Sequence[str]) -> None:
        """Keep other writers from these customers until the end.

        Who has no ledger yet may have one of version 0 from here on; its text is empty.
        """
        ...

    def alone(self, name: str) -> None:
        """Wait until no other writer is alone under this name; until the end nobody else is."""
        ...

    def make_room(self, event_times: Sequence[int]) -> None:
        """Make what the events of these times (microseconds) are kept in, where it is not there."""
        ...


@runtime_checkable
class Database(Protocol):
    """Where an event store keeps its tables."""

    def writing(self) -> AbstractContextManager[Transaction]:
        """Commit at the end; nothing remains where an error leaves it (then StoreError)."""
        ...

    def reading(self) -> AbstractContextManager[Transaction]:
        """A consistent view; it waits for no writer."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


def upsert(columns: Iterable[str], key: str) -> str:
    """The clause by which a row that is there under `key` takes the other columns."""
    if not key:
        return ""
    taken = ", ".join(f"{name} = excluded.{name}" for name in columns if name != key)
    return f" ON CONFLICT ({key}) DO UPDATE SET {taken}"
