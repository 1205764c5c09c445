"""SQLite and PostgreSQL: the rows of a query, streamed into Parquet with their types."""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote, unquote_plus

import pyarrow as pa
import pyarrow.parquet as pq

from patronage.errors import EventSourceError, MissingExtraError
from patronage.events.sources.addresses import masked, scheme_of, scrubbed

__all__ = ["fetch_sql", "split_query"]

_ROWS_PER_BATCH: Final = 65_536
_Rows = Sequence[Sequence[Any]]


def fetch_sql(source: str, workspace: Path, *, query: str | None = None) -> list[Path]:
    """Write the rows of one SELECT to `workspace/rows.parquet`, a batch at a time.

    `sqlite:///shop.db` is relative to the working folder, `sqlite:////srv/shop.db` is absolute.
    The database is only read. What has no like in Parquet (numeric, uuid, json) comes as text,
    so that money stays exact.
    """
    address, text = split_query(source)
    statement = (query if query is not None else text).strip().rstrip(";")
    if not statement:
        raise EventSourceError(
            f"{masked(address)!r} names a database, but no query.\n"
            f"To mend: add it at the end, as {masked(address)}?query=SELECT … FROM …"
        )
    path = workspace / "rows.parquet"
    if scheme_of(address) == "sqlite":
        _from_sqlite(address, statement, path)
    else:
        _from_postgres(address, statement, path)
    return [path]


def split_query(source: str) -> tuple[str, str]:
    """Part an address from the SQL text at its end; the text runs from `query=` to the end.

    It may be written as it is, or percent-encoded.

    >>> split_query("postgresql://db/shop?sslmode=require&query=SELECT * FROM sales WHERE a='&'")
    ('postgresql://db/shop?sslmode=require', "SELECT * FROM sales WHERE a='&'")
    >>> split_query("sqlite:///shop.db?query=SELECT%20*%20FROM%20sales")
    ('sqlite:///shop.db', 'SELECT * FROM sales')
    """
    found = re.search(r"[?&]query=", source)
    if found is None:
        return source, ""
    text = source[found.end() :]
    # Why: a query that does anything has a space in it, so without one it must be encoded.
    return source[: found.start()], text if re.search(r"\s", text) else unquote_plus(text)


def _from_sqlite(address: str, statement: str, path: Path) -> None:
    database = Path(unquote(address.partition("://")[2].removeprefix("/")))
    if not database.is_file():
        raise EventSourceError(
            f"there is no SQLite file {str(database)!r}.\n"
            "To mend: sqlite:///shop.db is relative to this folder, sqlite:////srv/shop.db is not."
        )
    uri = f"file:{quote(str(database.resolve()))}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
            # Why: both passes below must see the same rows.
            connection.execute("BEGIN")
            cursor = connection.execute(statement)
            names = _unique([column[0] for column in cursor.description or ()])
            arrow, convert = _sqlite_types(connection, statement, len(names))
            _write(path, names, arrow, convert, _batches(cursor.fetchmany))
    except sqlite3.Error as error:
        raise _unreadable(address, error) from error


def _sqlite_types(
    connection: sqlite3.Connection, statement: str, n_columns: int
) -> tuple[list[pa.DataType], list[Callable[[Any], Any] | None]]:
    """Arrow types that hold what is stored: SQLite has a type per value, not per column."""
    names = [f"c{i}" for i in range(n_columns)]
    seen = connection.execute(
        f"WITH q({', '.join(names)}) AS (\n{statement}\n) "
        f"SELECT DISTINCT {', '.join(f'typeof({name})' for name in names)} FROM q"
    ).fetchall()
    kinds = [{row[i] for row in seen} - {"null"} for i in range(n_columns)]
    arrow = [
        pa.int64()
        if kind == {"integer"}
        else pa.float64()
        if kind and kind <= {"integer", "real"}
        else pa.string()
        for kind in kinds
    ]
    return arrow, [_as_text if a == pa.string() else None for a in arrow]


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return value.hex() if isinstance(value, bytes) else repr(value)


def _from_postgres(address: str, statement: str, path: Path) -> None:
    try:
        import psycopg
        from psycopg.types.string import TextLoader
    except ImportError as error:
        raise MissingExtraError.of("psycopg", "sql") from error

    try:
        with psycopg.connect(address, autocommit=False, connect_timeout=15) as connection:
            connection.read_only = True
            connection.execute("SET TIME ZONE 'UTC'")
            # Why: a named cursor keeps the result on the server; ours holds one batch.
            with connection.cursor(name="patronage") as cursor:
                cursor.execute(statement)  # type: ignore[arg-type, unused-ignore]
                described = cursor.description or []
                names = _unique([column.name for column in described])
                known = _postgres_types(psycopg.adapters.types)
                for column in described:
                    if column.type_code not in known:
                        cursor.adapters.register_loader(column.type_code, TextLoader)
                arrow = [known.get(column.type_code, pa.string()) for column in described]
                _write(path, names, arrow, [None] * len(arrow), _batches(cursor.fetchmany))
    except psycopg.Error as error:
        raise _unreadable(address, error) from error


def _postgres_types(registry: Any) -> dict[int, pa.DataType]:
    like: dict[str, pa.DataType] = {
        "bool": pa.bool_(),
        "int2": pa.int64(),
        "int4": pa.int64(),
        "int8": pa.int64(),
        "float4": pa.float64(),
        "float8": pa.float64(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us"),
        "timestamptz": pa.timestamp("us", tz="UTC"),
    }
    return {registry[name].oid: arrow for name, arrow in like.items()}


def _batches(fetchmany: Callable[[int], _Rows]) -> Iterator[_Rows]:
    while rows := fetchmany(_ROWS_PER_BATCH):
        yield rows


def _write(
    path: Path,
    names: list[str],
    arrow: list[pa.DataType],
    convert: Sequence[Callable[[Any], Any] | None],
    batches: Iterable[_Rows],
) -> None:
    schema = pa.schema(list(zip(names, arrow, strict=True)))
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for rows in batches:
            arrays = [
                pa.array(column if change is None else map(change, column), type=kind)
                for column, kind, change in zip(
                    zip(*rows, strict=True), arrow, convert, strict=True
                )
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))


def _unique(names: list[str]) -> list[str]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise EventSourceError(
            f"the query yields columns {twice} more than once.\n"
            "To mend: give each a name of its own, with AS."
        )
    return names


def _unreadable(address: str, error: Exception) -> EventSourceError:
    return EventSourceError(
        f"{masked(address)} cannot be read: {scrubbed(error, address)}.\n"
        "To mend: try the address and the query in the database's own client first."
    )
