"""DuckDB as an engine over Parquet: in memory, out of core, one connection per process."""

import atexit
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import duckdb
import polars as pl

__all__ = [
    "DuckEngine",
    "EngineError",
    "cores",
    "default_engine",
    "frames",
    "identifier",
    "literal",
    "ordered_engine",
    "parquet",
    "side_by_side",
]

Part = TypeVar("Part")
Made = TypeVar("Made")

# What a failing query raises, for the rooms above that turn it into an error of their own.
EngineError = duckdb.Error

# What an engine raises when it cannot read or compute what it was asked.
SqlError: Final = duckdb.Error


def literal(value: object) -> str:
    """A value as a SQL text literal; quotes doubled."""
    return "'" + str(value).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A column's name as SQL writes it; quotes doubled."""
    return '"' + name.replace('"', '""') + '"'


def parquet(paths: Sequence[Path | str]) -> str:
    """The table expression that reads these Parquet files as one table."""
    listed = ", ".join(literal(path) for path in paths)
    # Why: with one file there is nothing to unite, and reading the footer twice costs.
    return f"read_parquet([{listed}]{', union_by_name = true' if len(paths) > 1 else ''})"


class DuckEngine:
    """Runs one SQL text and answers with a Polars frame or a Parquet file.

    Parameters
    ----------
    memory_limit : such as '4GiB'; above it DuckDB spills to `spill_dir`
    threads : number of worker threads
    spill_dir : where intermediate results go that do not fit in memory
    keep_order : rows come out in the order they went in; costs memory out of core
    """

    def __init__(
        self,
        *,
        memory_limit: str | None = None,
        threads: int | None = None,
        spill_dir: Path | None = None,
        keep_order: bool = False,
    ) -> None:
        if spill_dir is None:
            spill_dir = Path(tempfile.mkdtemp(prefix="patronage-spill-"))
            atexit.register(shutil.rmtree, spill_dir, ignore_errors=True)
        settings: dict[str, Any] = {"temp_directory": str(spill_dir)}
        if memory_limit is not None:
            settings["memory_limit"] = memory_limit
        if threads is not None:
            settings["threads"] = threads
        self._connection = duckdb.connect(":memory:", config=settings)
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.execute(f"SET preserve_insertion_order = {str(keep_order).lower()}")
        self._lock = threading.Lock()

    def frame(self, sql: str, parameters: Mapping[str, object] | None = None) -> pl.DataFrame:
        """The result as a Polars frame, in no order; `$name` is taken from `parameters`."""
        with self._cursor() as cursor:
            return _frame(cursor.sql(sql, params=dict(parameters or {})))

    def over(self, frame: pl.DataFrame, sql: str) -> pl.DataFrame:
        """The result of a query over a frame, which it calls `frame`."""
        with self._cursor() as cursor:
            cursor.register("frame", frame.to_arrow())
            return pl.DataFrame(cursor.sql(sql).to_arrow_table())

    def rows(
        self, sql: str, parameters: Mapping[str, object] | None = None
    ) -> list[tuple[Any, ...]]:
        """All rows of a small result."""
        with self._cursor() as cursor:
            return [tuple(row) for row in cursor.execute(sql, dict(parameters or {})).fetchall()]

    def row(self, sql: str, parameters: Mapping[str, object] | None = None) -> tuple[Any, ...]:
        """The first row of the result."""
        with self._cursor() as cursor:
            found = cursor.execute(sql, dict(parameters or {})).fetchone()
        if found is None:
            raise LookupError("the query has no rows")
        return tuple(found)

    def write(
        self,
        sql: str,
        path: Path,
        parameters: Mapping[str, object] | None = None,
        *,
        compression: str = "snappy",
    ) -> Path:
        """Write the result to one Parquet file and return its path."""
        # Why snappy: what is written here is read again soon; zstd takes a third of the time of a
        # compaction for a fifth of the bytes.
        with self._cursor() as cursor:
            cursor.execute(
                f"COPY ({sql}) TO {literal(path)} (FORMAT parquet, COMPRESSION {compression})",
                dict(parameters or {}),
            )
        return path

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            return self._connection.cursor()


def _frame(found: duckdb.DuckDBPyRelation) -> pl.DataFrame:
    # Why not in one piece: who needs it so copies it then, and most do not.
    frame = pl.from_arrow(found.to_arrow_table(), rechunk=False)
    assert isinstance(frame, pl.DataFrame)
    return frame


@cache
def default_engine() -> DuckEngine:
    """The process's engine; PATRONAGE_MEMORY_LIMIT (such as '8GiB') bounds its memory."""
    return DuckEngine(memory_limit=os.environ.get("PATRONAGE_MEMORY_LIMIT"))


def frames(queries: Sequence[str]) -> list[pl.DataFrame]:
    """The results of queries that do not need each other: one thread each, as many as cores."""
    return side_by_side(DuckEngine.frame, queries)


def side_by_side(work: Callable[[DuckEngine, Part], Made], parts: Sequence[Part]) -> list[Made]:
    """What work makes of parts that do not need each other: one thread each, as many as cores.

    work : from an engine of one thread that keeps the order of rows, and a part
    """
    # Why: threads that group together each fill a table and then merge them; on two cores that
    # costs the gain. Queries on one thread each merge nothing: 3.6 CPU seconds instead of 4.8 for
    # ten million rows by customer and day.
    with ThreadPoolExecutor(min(len(parts), cores())) as pool:
        return list(pool.map(lambda part: work(_single_engine(), part), parts))


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _single_engine() -> DuckEngine:
    limit = os.environ.get("PATRONAGE_MEMORY_LIMIT")
    return DuckEngine(memory_limit=limit, threads=1, keep_order=True)


@cache
def ordered_engine() -> DuckEngine:
    """A second engine that keeps the order of rows: of text files, and of what is sorted."""
    return DuckEngine(memory_limit=os.environ.get("PATRONAGE_MEMORY_LIMIT"), keep_order=True)
