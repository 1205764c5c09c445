"""DuckDB as an engine over Parquet: in memory, out of core, one connection per process."""

import atexit
import os
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

__all__ = ["DuckEngine", "default_engine", "literal", "parquet"]


def literal(value: object) -> str:
    """A value as a SQL text literal; quotes doubled."""
    return "'" + str(value).replace("'", "''") + "'"


def parquet(paths: Sequence[Path | str]) -> str:
    """The table expression that reads these Parquet files as one table."""
    return f"read_parquet([{', '.join(literal(path) for path in paths)}], union_by_name = true)"


class DuckEngine:
    """Runs one SQL text and answers with a Polars frame or a Parquet file.

    Parameters
    ----------
    memory_limit : such as '4GiB'; above it DuckDB spills to `spill_dir`
    threads : number of worker threads
    spill_dir : where intermediate results go that do not fit in memory
    """

    def __init__(
        self,
        *,
        memory_limit: str | None = None,
        threads: int | None = None,
        spill_dir: Path | None = None,
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
        # Why: row order is never relied upon, and keeping it costs memory out of core.
        self._connection.execute("SET preserve_insertion_order = false")
        self._lock = threading.Lock()

    def frame(self, sql: str, parameters: Mapping[str, object] | None = None) -> pl.DataFrame:
        """The result as a Polars frame, in no order; `$name` is taken from `parameters`."""
        with self._cursor() as cursor:
            return pl.DataFrame(cursor.sql(sql, params=dict(parameters or {})).to_arrow_table())

    def row(self, sql: str, parameters: Mapping[str, object] | None = None) -> tuple[Any, ...]:
        """The first row of the result."""
        with self._cursor() as cursor:
            found = cursor.execute(sql, dict(parameters or {})).fetchone()
        if found is None:
            raise LookupError("the query has no rows")
        return tuple(found)

    def write(self, sql: str, path: Path, parameters: Mapping[str, object] | None = None) -> Path:
        """Write the result to one Parquet file (zstd) and return its path."""
        with self._cursor() as cursor:
            cursor.execute(
                f"COPY ({sql}) TO {literal(path)} (FORMAT parquet, COMPRESSION zstd)",
                dict(parameters or {}),
            )
        return path

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            return self._connection.cursor()


@cache
def default_engine() -> DuckEngine:
    """The process's engine; PATRONAGE_MEMORY_LIMIT (such as '8GiB') bounds its memory."""
    return DuckEngine(memory_limit=os.environ.get("PATRONAGE_MEMORY_LIMIT"))
