"""Customers, products, links and calendar: read, matched by spelling, and dated."""

from datetime import datetime
from pathlib import Path
from typing import Any, Final

import polars as pl

from patronage.engines import default_engine, identifier
from patronage.errors import EventSchemaError
from patronage.events.customer_ids import cast_id
from patronage.events.landing import land_frame, land_source
from patronage.events.matching import find_column
from patronage.events.raw import RawTable, Reading, blank, text_of
from patronage.events.spellings import SPELLINGS
from patronage.events.tables import KEYS, SideTables
from patronage.events.times import read_times

__all__ = ["read_side_tables"]

_SPELLINGS: Final = {
    "customer_id": SPELLINGS["customer_id"],
    "known_time": (*SPELLINGS["known_time"], "valid_from", "updated_at", "as_known"),
    "product_id": SPELLINGS["product_id"],
    "other_id": (
        *("other_id", "other", "other_customer_id", "to", "to_id", "target", "target_id"),
        *("friend_id", "friend", "referred_id", "referred", "related_id", "linked_id", "member_id"),
    ),
    "relation": ("relation", "relationship", "link", "link_type", "type", "kind"),
    "start": ("start", "start_date", "from", "begin", "date", "day"),
    "end": ("end", "end_date", "to", "until", "stop"),
    "name": ("name", "event", "holiday", "title", "description"),
    "kind": ("kind", "type", "category"),
    "launch": ("launch", "launch_date", "launched_at"),
}

_COLUMNS: Final = {
    "customers": ("customer_id", "known_time"),
    "products": ("product_id", "known_time", "launch", "end"),
    "links": ("customer_id", "other_id", "relation", "known_time"),
    "calendar": ("start", "end", "name", "kind", "known_time"),
}

_TIMES: Final = ("known_time", "start", "end", "launch")

# A row without a known_time was known before anything happened.
_EVER: Final = datetime(1900, 1, 1)


def read_side_tables(
    sources: dict[str, Any], *, id_type: str, workspace: Path, zone: str | None = None
) -> tuple[SideTables, tuple[str, ...]]:
    """Read the tables given (name → file or frame, or None), and what was assumed.

    id_type : BIGINT or VARCHAR, as in the log

    Raises
    ------
    EventSchemaError : a table lacks its key
    """
    tables: dict[str, pl.DataFrame | None] = {}
    notes: list[str] = []
    for name, source in sources.items():
        if source is None:
            tables[name] = None
            continue
        raw = (
            land_source(source, workspace, name)
            if isinstance(source, str | Path)
            else land_frame(source, workspace, name)
        )
        tables[name], said = _read(name, raw, id_type, zone)
        notes.extend(said)
    return SideTables(**tables), tuple(notes)


def _read(
    table: str, raw: RawTable, id_type: str, zone: str | None
) -> tuple[pl.DataFrame, list[str]]:
    found: dict[str, str] = {}
    for column in _COLUMNS[table]:
        names = [name for name in raw.columns if name not in found.values()]
        hits = find_column(names, _SPELLINGS[column])
        if hits:
            found[column] = hits[0]
    optional = {"known_time", "relation", "end", "launch", "kind", "name"}
    missing = [
        column for column in _COLUMNS[table] if column not in found and column not in optional
    ]
    if missing:
        raise EventSchemaError(
            f"the table of {table} lacks {' and '.join(missing)}; it has {list(raw.columns)}.\n"
            f"To mend: name the column {missing[0]!r} in that table."
        )
    notes: list[str] = []
    columns = []
    for column, source in found.items():
        if column in ("customer_id", "other_id"):
            sql = cast_id(text_of(source), id_type)
        elif column == "product_id":
            sql = f"CASE WHEN NOT {blank(text_of(source))} THEN {text_of(source)} END"
        elif column in _TIMES:
            reading: Reading = read_times(raw, source, zone=zone)
            sql = reading.sql
            notes += [f"{table}: {note}" for note in reading.notes if "converted" in note]
        else:
            sql = text_of(source)
        columns.append(f"{sql} AS {column}")
    rest = [name for name in raw.columns if name not in found.values() and name != raw.broken]
    columns += [identifier(name) for name in rest if name.lower() not in found]
    frame = default_engine().frame(f"SELECT {', '.join(columns)} FROM {raw.sql()}")
    frame, said = _dated(table, frame)
    keys = [key for key in KEYS[table] if key in frame.columns]
    kept = frame.drop_nulls([key for key in keys if key in ("customer_id", "product_id", "start")])
    if len(kept) < len(frame):
        said.append(f"{table}: {len(frame) - len(kept)} rows without a key were left out.")
    order = [name for name in (*keys, "known_time") if name in kept.columns]
    return kept.sort(order, maintain_order=True), notes + said


def _dated(table: str, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """The frame with known_time in every row and every column of its kind."""
    ever = pl.lit(_EVER).cast(pl.Datetime("us"))
    if table == "links" and "relation" not in frame.columns:
        frame = frame.with_columns(relation=pl.lit("linked"))
    if table == "calendar":
        if "end" not in frame.columns:
            frame = frame.with_columns(end=pl.col("start"))
        for column in ("name", "kind"):
            if column not in frame.columns:
                frame = frame.with_columns(pl.lit("event").alias(column))
    if "known_time" not in frame.columns:
        note = (
            f"{table}: no column says when a row was learned; all were taken as known ever since."
        )
        return frame.with_columns(known_time=ever), [note]
    unknown = int(frame["known_time"].null_count())
    if not unknown:
        return frame, []
    note = f"{table}: {unknown} rows without a known time were taken as known ever since."
    return frame.with_columns(pl.col("known_time").fill_null(ever)), [note]
