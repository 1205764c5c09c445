"""SQLite in WAL mode: the event store of one machine; commits are on the disk when they return."""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, final

from patronage.errors import StoreError
from patronage.live.database import upsert

__all__ = ["SQLite"]

TABLES: Final = """
CREATE TABLE IF NOT EXISTS event_ids (
    event_id TEXT PRIMARY KEY, digest BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
    event_id TEXT NOT NULL, customer_id TEXT NOT NULL, event_time INTEGER NOT NULL,
    known_time INTEGER NOT NULL, kind TEXT NOT NULL, counts INTEGER NOT NULL, replaces TEXT,
    body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS events_of_customer ON events (customer_id);
CREATE TABLE IF NOT EXISTS ledgers (
    customer_id TEXT PRIMARY KEY, version INTEGER NOT NULL, ledger TEXT NOT NULL, score TEXT,
    scored_at INTEGER, fingerprint TEXT NOT NULL DEFAULT '', corrected INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, customer_id TEXT NOT NULL, event_id TEXT,
    lane TEXT NOT NULL, weight REAL NOT NULL, cause TEXT NOT NULL, due INTEGER NOT NULL,
    lent_until INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS outbox_by_weight ON outbox (weight DESC, seq);
CREATE INDEX IF NOT EXISTS outbox_of_customer ON outbox (customer_id);
CREATE TABLE IF NOT EXISTS changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, customer_id TEXT NOT NULL,
    scored_at INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS changes_of_customer ON changes (customer_id, scored_at);
CREATE TABLE IF NOT EXISTS dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, received INTEGER NOT NULL, reason TEXT NOT NULL,
    body BLOB NOT NULL, tries INTEGER NOT NULL DEFAULT 1, replayed INTEGER);
CREATE TABLE IF NOT EXISTS reviews (
    id INTEGER PRIMARY KEY AUTOINCREMENT, customer_id TEXT NOT NULL, event_id TEXT NOT NULL,
    lane TEXT NOT NULL, weight REAL NOT NULL, created INTEGER NOT NULL, decision TEXT,
    decided_by TEXT, decided INTEGER);
CREATE TABLE IF NOT EXISTS offsets (source TEXT PRIMARY KEY, position INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, text TEXT NOT NULL);
"""


@final
class SQLite:
    """One writer at a time; readers see the last commit and never wait.

    Raises
    ------
    StoreError : the file cannot be opened or written; a full disk says so
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._readers = threading.local()
        self._open: list[_Held] = []
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = self._connect()
            self._writer.connection.executescript(TABLES)
        except (sqlite3.Error, OSError) as error:
            raise self._failed(error) from error

    def _connect(self) -> "_Held":
        connection = sqlite3.connect(
            self._path, timeout=30, isolation_level=None, check_same_thread=False
        )
        # Why FULL: in WAL mode NORMAL may lose the last commits with the power, and every one of
        # them was acknowledged.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536"):
            connection.execute(f"PRAGMA {pragma}")
        held = _Held(connection)
        self._open.append(held)
        return held

    @contextmanager
    def writing(self) -> Iterator["_Transaction"]:
        """Commit at the end, or nothing."""
        with self._writer.lock:
            connection = self._writer.connection
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield _Transaction(connection)
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise self._failed(error) from error

    @contextmanager
    def reading(self) -> Iterator["_Transaction"]:
        """What was committed when the first question was asked."""
        try:
            held = getattr(self._readers, "held", None)
            if held is None:
                held = self._readers.held = self._connect()
            with held.lock:
                held.connection.execute("BEGIN")
                try:
                    yield _Transaction(held.connection)
                finally:
                    if held.connection.in_transaction:
                        held.connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Close every connection, once the transaction on it has ended."""
        for held in self._open:
            with held.lock:
                held.connection.close()

    def _failed(self, error: BaseException) -> StoreError:
        return StoreError(
            f"the event store {self._path} failed: {error}.\n"
            "To mend: see that the disk has room and the folder may be written to; what was not "
            "acknowledged can be sent again."
        )


class _Held:
    """A connection, and who works on it now. Why a lock: to close it under another thread's hands
    brings the process down."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection, self.lock = connection, threading.Lock()


class _Transaction:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(_marked(sql), _plain(parameters)).fetchall()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        return self._connection.execute(_marked(sql), _plain(parameters)).rowcount

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._connection.executemany(sql, rows)

    def insert(self, table: str, rows: Sequence[Mapping[str, Any]], *, key: str = "") -> None:
        if rows:
            names = list(rows[0])
            sql = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
            told = (tuple(row.values()) for row in rows)
            self._connection.executemany(sql + upsert(names, key), told)

    def insert_ids(self, ids: Sequence[tuple[str, bytes]]) -> set[str]:
        sql = "INSERT INTO event_ids VALUES (?, ?) ON CONFLICT DO NOTHING"
        execute = self._connection.execute
        return {one[0] for one in ids if execute(sql, one).rowcount}

    def lock(self, customers: Sequence[str]) -> None:
        """Nothing to do: there is one writer."""

    def alone(self, name: str) -> None:
        """Nothing to do: there is one writer."""

    def make_room(self, event_times: Sequence[int]) -> None:
        """Nothing to do: one table holds them all."""


def _marked(sql: str) -> str:
    return sql.replace("= ANY(?)", "IN (SELECT value FROM json_each(?))")


def _plain(parameters: Sequence[Any]) -> Sequence[Any]:
    """Lists as JSON, of which SQLite makes a table."""
    return [json.dumps(one) if isinstance(one, list) else one for one in parameters]
