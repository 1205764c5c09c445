"""Whatever the source is, Parquet of its own columns comes out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from patronage.engines import EngineError, literal, ordered_engine
from patronage.errors import EventSchemaError
from patronage.events.delimited import BROKEN, land_text
from patronage.events.places import find_place
from patronage.events.raw import RawTable

__all__ = ["land_frame", "land_source", "to_polars"]


def land_source(
    source: str | Path, workspace: Path, name: str = "events", *, query: str | None = None
) -> RawTable:
    """The files behind `source` as Parquet: the user's own where they are, else copies."""
    place = find_place(source, workspace / name, query=query)
    if place.kind == "parquet":
        inside = all(path.is_relative_to(workspace) for path in place.paths)
        return RawTable.of(place.paths, in_place=not inside)
    targets = [workspace / f"raw-{name}-{index}.parquet" for index in range(len(place.paths))]
    if place.kind == "json":
        for path, target in zip(place.paths, targets, strict=True):
            _land_json(path, target)
        return RawTable.of(tuple(targets), in_place=False)
    notes: list[str] = []
    broken = False
    for path, target in zip(place.paths, targets, strict=True):
        said, spoiled = land_text(path, target)
        notes.extend(said)
        broken = broken or spoiled
    return RawTable.of(
        tuple(targets),
        in_place=False,
        notes=tuple(dict.fromkeys(notes)),
        broken=BROKEN if broken else None,
    )


def _land_json(path: Path, target: Path) -> None:
    sample = f"read_json({literal(path)}, maximum_object_size = 67108864"
    try:
        described = ordered_engine().rows(f"DESCRIBE SELECT * FROM {sample})")
        names = [str(row[0]) for row in described]
        # Why: a reader that guesses types would take 05/01/2020 for whichever day it likes.
        columns = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in names)
        read = f"SELECT * FROM {sample}, columns = {{{columns}}})"
        ordered_engine().write(read, target, compression="snappy")
    except EngineError as error:
        raise EventSchemaError(
            f"cannot read {path} as JSON: {str(error).splitlines()[0][:300]}\n"
            "To mend: give one object per line (NDJSON) or one array of objects."
        ) from error


def land_frame(frame: Any, workspace: Path, name: str = "events") -> RawTable:
    """A table in memory, written down once so that the log is a handle on Parquet."""
    table = to_polars(frame)
    path = workspace / f"raw-{name}.parquet"
    table.write_parquet(path, compression="lz4", statistics=False)
    return RawTable.of((path,), in_place=False)


def to_polars(frame: Any) -> pl.DataFrame:
    """A Polars frame from Polars, pandas, pyarrow or anything that speaks Arrow or dataframe."""
    if isinstance(frame, pl.LazyFrame):
        frame = frame.collect()
    if isinstance(frame, pl.DataFrame):
        return _storable(frame)
    if type(frame).__module__.partition(".")[0] == "pandas":
        return _storable(_from_pandas(frame))
    if hasattr(frame, "__arrow_c_stream__") or hasattr(frame, "__arrow_c_array__"):
        return _storable(pl.DataFrame(frame))
    if hasattr(frame, "__dataframe__"):
        return _storable(pl.from_dataframe(frame))
    try:
        return _storable(pl.DataFrame(frame, strict=False))
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise EventSchemaError(
            f"cannot read a {type(frame).__name__} as a table of events.\n"
            "To mend: pass a pandas, Polars or pyarrow table, or a dict of columns."
        ) from error


def _from_pandas(frame: Any) -> pl.DataFrame:
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    names = _distinct([str(name) for name in frame.columns])
    series = []
    for position, name in enumerate(names):
        column = frame.iloc[:, position]
        try:
            series.append(pl.Series(pl.from_pandas(column, nan_to_null=True)).alias(name))
        except Exception:
            # Why: a column of mixed objects (numbers, texts, dates) has no Arrow type; as text
            # each value is judged on its own.
            values = [None if _is_null(value) else str(value) for value in column]
            series.append(pl.Series(name, values, dtype=pl.String))
    return pl.DataFrame(series)


def _is_null(value: object) -> bool:
    return value is None or value != value or str(value) in ("<NA>", "NaT")


def _distinct(names: Sequence[str]) -> list[str]:
    taken: set[str] = set()
    distinct = []
    for name in names:
        unique, copy = name, 1
        while unique.lower() in taken:
            copy += 1
            unique = f"{name}_{copy}"
        taken.add(unique.lower())
        distinct.append(unique)
    return distinct


def _storable(table: pl.DataFrame) -> pl.DataFrame:
    """The same table in types that Parquet and SQL hold; names that differ without case."""
    table = table.rename(dict(zip(table.columns, _distinct(table.columns), strict=True)))
    odd = [
        name
        for name, dtype in table.schema.items()
        if isinstance(dtype, pl.Object | pl.Null | pl.Categorical | pl.Enum)
    ]
    texts = [
        pl.Series(name, [None if _is_null(v) else str(v) for v in table[name]], dtype=pl.String)
        if isinstance(table.schema[name], pl.Object)
        else table[name].cast(pl.String)
        for name in odd
    ]
    return table.with_columns(texts)
