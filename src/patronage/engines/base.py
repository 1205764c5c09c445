"""Engine: runs DuckDB's SQL text, wherever that is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol, final, runtime_checkable

import polars as pl

from patronage.errors import SettingsError

__all__ = ["ENGINES", "NO_ENGINE", "Engine", "check_engine"]

ENGINES: Final = ("duckdb", "spark")


def check_engine(name: str) -> None:
    """Raise SettingsError unless there is an engine of this name."""
    if name not in ENGINES:
        raise SettingsError(f"there is no engine {name!r}.\nTo mend: one of {', '.join(ENGINES)}.")


@runtime_checkable
class Engine(Protocol):
    """What a log runs its SQL on."""

    def frame(self, sql: str, parameters: Mapping[str, object] | None = None) -> pl.DataFrame:
        """The result as a Polars frame, in no order but that of its ORDER BY."""
        ...

    def rows(
        self, sql: str, parameters: Mapping[str, object] | None = None
    ) -> list[tuple[Any, ...]]:
        """All rows of a small result."""
        ...

    def row(self, sql: str, parameters: Mapping[str, object] | None = None) -> tuple[Any, ...]:
        """The first row of the result."""
        ...

    def write(
        self,
        sql: str,
        path: Path,
        parameters: Mapping[str, object] | None = None,
        *,
        compression: str = "snappy",
    ) -> Path:
        """Write the result to one Parquet file and return its path."""
        ...


@final
class _NoEngine:
    """Where only the rows of a snapshot are at hand, and not the events behind them."""

    def frame(self, sql: str, parameters: Mapping[str, object] | None = None) -> pl.DataFrame:
        del sql, parameters
        raise _no_events()

    def rows(
        self, sql: str, parameters: Mapping[str, object] | None = None
    ) -> list[tuple[Any, ...]]:
        del sql, parameters
        raise _no_events()

    def row(self, sql: str, parameters: Mapping[str, object] | None = None) -> tuple[Any, ...]:
        del sql, parameters
        raise _no_events()

    def write(
        self,
        sql: str,
        path: Path,
        parameters: Mapping[str, object] | None = None,
        *,
        compression: str = "snappy",
    ) -> Path:
        del sql, path, parameters, compression
        raise _no_events()


def _no_events() -> SettingsError:
    return SettingsError(
        "this model reads events beside the columns of the snapshot, and on Spark a part of the "
        "customers travels without them.\n"
        "To mend: --engine duckdb."
    )


NO_ENGINE: Final[Engine] = _NoEngine()
