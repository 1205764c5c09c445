"""The days of a compacted log, written down once for the snapshots of many days."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final
from uuid import uuid4
from weakref import WeakKeyDictionary

import numpy as np
import polars as pl

from patronage.engines import DuckEngine, decimal_column, parquet, side_by_side
from patronage.events import EventLog
from patronage.events.workspace import Workspace
from patronage.snapshots.by_customer import ranges
from patronage.snapshots.grains.added import ADDED, MONEY
from patronage.snapshots.grains.by_day import ByDay, by_day
from patronage.snapshots.grains.grain import Asked
from patronage.snapshots.grains.ordered import Cells, in_order
from patronage.snapshots.grains.timeline import Timeline

__all__ = ["days_written", "has_timelines", "made_of_timelines"]

# Held at once, sixty bytes a row and more; every range of customers reads the log again.
_ROWS_READ_AT_ONCE: Final = 25_000_000
# Each thread works on so many.
_ROWS_AT_ONCE: Final = 4_000_000

# Kept as long as the log: to map an array again costs what reading it does.
_MAPPED: Final = WeakKeyDictionary[Workspace, dict[Path, list[Timeline]]]()


def days_written(asked: Asked, *, make: bool = True) -> str | None:
    """SQL text of the activity by event day and known day, of a compacted log.

    Where no news comes late, it also has the `gap` of `days`: what a day looks back on is then the
    same at every later as_of.

    make : write it where it is not there yet
    """
    log = asked.log
    if log.ledger is None or log.workspace is None:
        return None
    folder = _folder(log, "activity")
    if not make and not folder.exists():
        return None
    _once(folder, asked, lambda rows, path: _frame(rows).write_parquet(path, compression="lz4"))
    known = f" AND known_day < {asked.day}" if log.has_known_time else ""
    written = parquet(sorted(folder.iterdir()))
    return asked.some(f"SELECT * FROM {written} WHERE event_day < {asked.day}{known}")


def has_timelines(log: EventLog) -> bool:
    """Whether the timelines of a log are written down already."""
    return _keeps_timelines(log) and _folder(log, "timelines").exists()


def made_of_timelines(
    asked: Asked, make: Callable[[DuckEngine, Timeline], pl.DataFrame]
) -> pl.DataFrame:
    """What is made of the timelines of one range of customers after another.

    Those of a compacted log are kept, and go on beyond as_of.
    """
    if not _keeps_timelines(asked.log):

        def of_some(engine: DuckEngine, cells: Cells) -> pl.DataFrame:
            return make(engine, Timeline.of(by_day(cells)))

        parts = [side_by_side(of_some, pieces) for pieces in _read(asked)]
        return pl.concat([part for some in parts for part in some], rechunk=False)
    folder = _folder(asked.log, "timelines")
    _once(folder, asked, lambda rows, path: Timeline.of(rows).save(path))

    assert asked.log.workspace is not None
    mapped = _MAPPED.setdefault(asked.log.workspace, {})
    if folder not in mapped:
        mapped[folder] = [Timeline.load(path) for path in sorted(folder.iterdir())]
    return pl.concat(side_by_side(make, mapped[folder]), rechunk=False)


def _keeps_timelines(log: EventLog) -> bool:
    """What news come late changes days of the past, so that each as_of has timelines of its own."""
    return log.ledger is not None and log.workspace is not None and not log.has_known_time


def _folder(log: EventLog, form: str) -> Path:
    assert log.ledger is not None
    path = log.ledger.path
    return path.with_name(f"{form}-{path.stem}")


def _read(asked: Asked, *, and_known_day: bool = False) -> Iterator[list[Cells]]:
    """The cells of all customers, in pieces; as many at once as memory has room for."""
    for among in ranges(asked.log, rows_at_once=_ROWS_READ_AT_ONCE) or [""]:
        cells = in_order(replace(asked, among=among), and_known_day=and_known_day)
        yield cells.pieces(_ROWS_AT_ONCE)


def _once(folder: Path, asked: Asked, write: Callable[[ByDay, Path], None]) -> None:
    """Fill a folder with the days of the whole log, a range of customers under each path."""
    if folder.exists():
        return
    part = folder.with_name(uuid4().hex)
    part.mkdir()

    def write_some(engine: DuckEngine, numbered: tuple[int, Cells]) -> None:
        del engine
        number, cells = numbered
        write(by_day(cells), part / f"{number:05}")

    n_written = 0
    whole = replace(asked, log=replace(asked.log, cut=None))
    for pieces in _read(whole, and_known_day=asked.log.has_known_time):
        side_by_side(write_some, list(enumerate(pieces, n_written)))
        n_written += len(pieces)
    try:
        part.rename(folder)
    except OSError:
        # Another thread was quicker, and wrote the same.
        shutil.rmtree(part)


def _frame(rows: ByDay) -> pl.DataFrame:
    """The rows as a table, of the types that the ledger has."""
    added = {name: np.diff(sums).astype(np.int64) for name, sums in rows.sums.items()}
    days = rows.keys.with_columns(
        decimal_column(units, 18, 4).alias(name)
        if ADDED[name][0] in MONEY
        else pl.Series(name, units)
        for name, units in added.items()
    )
    if "known_day" in days.columns:
        return days
    at = np.flatnonzero(added["spent"] > 0) if "spent" in added else np.empty(0, np.int64)
    gaps = np.zeros(len(days), np.int64)
    gaps[at] = rows.gaps(at)
    found = pl.Series("gap", gaps)
    return days.with_columns(found.set(found == 0, None))
