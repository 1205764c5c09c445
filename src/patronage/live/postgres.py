"""PostgreSQL: the event store of many machines; a commit is on its disk when it returns."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, final

import msgspec

from patronage.errors import MissingExtraError, StoreError
from patronage.events.sources.addresses import masked, scrubbed
from patronage.live.database import upsert
from patronage.live.rows import instant, micros

try:
    import psycopg
    from psycopg import IsolationLevel
    from psycopg.conninfo import conninfo_to_dict, make_conninfo
except ImportError as error:
    raise MissingExtraError.of("psycopg", "live") from error

from patronage.live.connections import Connections

__all__ = ["PostgreSQL"]

_Connection = psycopg.Connection[tuple[Any, ...]]

# Why lz4, where the server has it: it packs ledgers anyway, and by default with more work.
# Why "C": ids are ordered as in SQLite, whatever the server's language.
TABLES: Final = """
CREATE TABLE IF NOT EXISTS event_ids (event_id TEXT COLLATE "C" PRIMARY KEY, digest BYTEA NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    event_id TEXT COLLATE "C" NOT NULL, customer_id TEXT COLLATE "C" NOT NULL,
    event_time BIGINT NOT NULL, known_time BIGINT NOT NULL, kind TEXT NOT NULL,
    counts INTEGER NOT NULL, replaces TEXT, body TEXT NOT NULL) PARTITION BY RANGE (event_time);
CREATE INDEX IF NOT EXISTS events_of_customer ON events (customer_id);
CREATE TABLE IF NOT EXISTS ledgers (
    customer_id TEXT COLLATE "C" PRIMARY KEY, version BIGINT NOT NULL, ledger TEXT NOT NULL,
    score TEXT, scored_at BIGINT, fingerprint TEXT NOT NULL DEFAULT '',
    corrected INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS outbox (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id TEXT COLLATE "C" NOT NULL,
    event_id TEXT, lane TEXT NOT NULL, weight DOUBLE PRECISION NOT NULL, cause TEXT NOT NULL,
    due BIGINT NOT NULL, lent_until BIGINT NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS outbox_by_weight ON outbox (weight DESC, seq);
CREATE INDEX IF NOT EXISTS outbox_of_customer ON outbox (customer_id);
CREATE TABLE IF NOT EXISTS changes (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id TEXT COLLATE "C" NOT NULL,
    scored_at BIGINT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS changes_of_customer ON changes (customer_id, scored_at);
CREATE TABLE IF NOT EXISTS dead_letters (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, received BIGINT NOT NULL,
    reason TEXT NOT NULL, body BYTEA NOT NULL, tries INTEGER NOT NULL DEFAULT 1, replayed BIGINT);
CREATE TABLE IF NOT EXISTS reviews (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id TEXT NOT NULL,
    event_id TEXT NOT NULL, lane TEXT NOT NULL, weight DOUBLE PRECISION NOT NULL,
    created BIGINT NOT NULL, decision TEXT, decided_by TEXT, decided BIGINT);
CREATE TABLE IF NOT EXISTS offsets (source TEXT PRIMARY KEY, position BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, text TEXT NOT NULL);
DO $$ BEGIN
    EXECUTE 'ALTER TABLE ledgers ALTER COLUMN ledger SET COMPRESSION lz4';
EXCEPTION WHEN feature_not_supported OR syntax_error THEN NULL;
END $$
"""

# What the address may say otherwise. Why the keepalives: a server that lost its power says nothing.
_USUAL: Final[dict[str, Any]] = {
    "application_name": "patronage",
    "connect_timeout": 5,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
# Milliseconds. A writer that hangs, or whose machine is gone, lets go of its customers then.
_LONGEST_PAUSE: Final = 60_000

# Why rows first where there are none: of two who bring the same new customer, one waits for the
# other here, and nobody who waits here holds a row that was there before. All are in order, so that
# nobody waits for one who waits for him.
_MAKE_ROWS: Final = (
    "INSERT INTO ledgers (customer_id, version, ledger) "
    "SELECT told.one, 0, '' FROM unnest(%s::text[]) AS told(one) WHERE NOT EXISTS ("
    'SELECT 1 FROM ledgers WHERE customer_id = told.one COLLATE "C") '
    'ORDER BY told.one COLLATE "C" ON CONFLICT DO NOTHING'
)
_LOCK_ROWS: Final = (
    "SELECT 1 FROM ledgers WHERE customer_id = ANY(%s::text[]) ORDER BY customer_id FOR UPDATE"
)
_INSERT_IDS: Final = (
    "INSERT INTO event_ids SELECT * FROM unnest(%s::text[], %s::bytea[]) "
    "ON CONFLICT DO NOTHING RETURNING event_id"
)


@final
class PostgreSQL:
    """Many writers, each alone with the customers whose events it folds.

    A connection that was lost fails the call that was using it; the next makes another.

    Parameters
    ----------
    address : as libpq takes it, `postgresql://user:password@host:port/database`
    connections : at most so many at a time
    seconds : how long a call waits for one of them

    Raises
    ------
    StoreError : it cannot be reached, or its tables cannot be made
    MissingExtraError : psycopg is not installed
    """

    def __init__(self, address: str, *, connections: int = 8, seconds: float = 10.0) -> None:
        self._address = address
        self._pool = Connections(self._connect, most=connections, seconds=seconds)
        self._months: set[int] = set()
        try:
            with self._connect() as connection:
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (_key("\0tables"),))
                # Why the question: to make what is there would wait for those who write.
                if connection.execute("SELECT to_regclass('notes')").fetchone() == (None,):
                    connection.execute(TABLES)
        except psycopg.Error as error:
            raise self._failed(error) from error

    def _connect(self) -> _Connection:
        connection = psycopg.connect(make_conninfo(**{**_USUAL, **conninfo_to_dict(self._address)}))
        connection.execute(f"SET idle_in_transaction_session_timeout = {_LONGEST_PAUSE}")
        connection.commit()
        return connection

    @contextmanager
    def writing(self) -> Iterator["_Transaction"]:
        """Commit at the end, or nothing."""
        # Why not a snapshot: what was committed before the customers were locked must be seen.
        with self._transaction(IsolationLevel.READ_COMMITTED, read_only=False) as tx:
            yield tx

    @contextmanager
    def reading(self) -> Iterator["_Transaction"]:
        """What was committed when the first question was asked."""
        with self._transaction(IsolationLevel.REPEATABLE_READ, read_only=True) as tx:
            yield tx

    @contextmanager
    def _transaction(self, level: IsolationLevel, *, read_only: bool) -> Iterator["_Transaction"]:
        try:
            with self._pool.one() as connection:
                connection.isolation_level, connection.read_only = level, read_only
                with connection.transaction():
                    yield _Transaction(connection, self)
        except psycopg.Error as error:
            raise self._failed(error) from error

    def make_months(self, event_times: Sequence[int]) -> None:
        """Make the partitions of the months of these times, where they are absent."""
        months = {_month(time) for time in event_times} - self._months
        if not months:
            return
        # Why a connection of its own: a transaction that holds customers would keep others from
        # making theirs, and one more of the pool may not be free.
        with self._connect() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_key("\0months"),))
            for month in sorted(months):
                name = f"events_{month // 12:04}_{month % 12 + 1:02}"
                if connection.execute("SELECT to_regclass(%s)", (name,)).fetchone() != (None,):
                    continue
                # Why not PARTITION OF: it waits for every reader of the events, and others for it.
                connection.execute(
                    f"CREATE TABLE {name} (LIKE events INCLUDING ALL);"
                    f"ALTER TABLE events ATTACH PARTITION {name} "
                    f"FOR VALUES FROM ({_start(month)}) TO ({_start(month + 1)})"
                )
        self._months |= months

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def _failed(self, error: psycopg.Error) -> StoreError:
        # Another may have made the tables anew.
        self._months.clear()
        return StoreError(
            f"the event store {masked(self._address)} failed: {scrubbed(error, self._address)}.\n"
            "To mend: see that the server runs, has room and lets this user create tables; what "
            "was not acknowledged can be sent again."
        )


class _Transaction:
    def __init__(self, connection: _Connection, database: PostgreSQL) -> None:
        self._connection, self._database = connection, database

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(_marked(sql), parameters).fetchall()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        return self._connection.execute(_marked(sql), parameters).rowcount

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        some = list(rows)
        if len(some) == 1:
            self._connection.execute(_marked(sql), some[0])
        elif some:
            # All are sent before the first answer is waited for.
            with self._connection.cursor() as cursor:
                cursor.executemany(_marked(sql), some)

    def insert(self, table: str, rows: Sequence[Mapping[str, Any]], *, key: str = "") -> None:
        # Why JSON: one text is sent and read, where a thousand rows would be a thousand messages.
        if rows:
            names = ", ".join(rows[0])
            sql = (
                f"INSERT INTO {table} ({names}) "
                f"SELECT {names} FROM json_populate_recordset(NULL::{table}, %s::json)"
            )
            told = msgspec.json.encode(rows).decode()
            self._connection.execute((sql + upsert(rows[0], key)).encode(), (told,))

    def insert_ids(self, ids: Sequence[tuple[str, bytes]]) -> set[str]:
        # Why sorted: of two that insert the same ids, one waits for the other, never each for each.
        names, digests = [name for name, _ in sorted(ids)], [digest for _, digest in sorted(ids)]
        return {name for (name,) in self._connection.execute(_INSERT_IDS, (names, digests))}

    def lock(self, customers: Sequence[str]) -> None:
        some = list(customers)
        if some:
            self._connection.execute(_MAKE_ROWS, (some,))
            self._connection.execute(_LOCK_ROWS, (some,))

    def alone(self, name: str) -> None:
        self._connection.execute("SELECT pg_advisory_xact_lock(%s)", (_key(name),))

    def make_room(self, event_times: Sequence[int]) -> None:
        self._database.make_months(event_times)


@lru_cache(maxsize=1_000)
def _marked(sql: str) -> bytes:
    return sql.replace("?", "%s").encode()


def _key(name: str) -> int:
    """The advisory lock of a name."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _month(time: int) -> int:
    """Months since the year 0."""
    moment = instant(time)
    return moment.year * 12 + moment.month - 1


def _start(month: int) -> int:
    return micros(datetime(month // 12, month % 12 + 1, 1))
