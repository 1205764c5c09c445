"""The cells of a ledger in the order of customers and days.

Where customers are integers, a cell is one integer: from the highest bits down the customer, the
days, the kind and the place it came from. Sorted, cells are in order, and all but what they measure
is read off the integer; rows sorted in a frame take ten times as long.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import reduce
from math import ceil
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Bool, Int, Int64, Shaped

from patronage.engines import cores, default_engine
from patronage.events import EventLog
from patronage.snapshots.grains.added import ADDED, occurring
from patronage.snapshots.grains.cells import whole_ledger
from patronage.snapshots.grains.grain import Asked, listed

__all__ = ["Cells", "begins", "in_order"]

_BITS: Final = 63
# Rows whose intermediate arrays stay in cache.
_SLICE: Final = 250_000

# Name → what 0 stands for, lowest bit and number of bits.
_Layout = Mapping[str, tuple[int, int, int]]


@dataclass(frozen=True)
class Cells:
    """Cells of a log, or some of them with all those of their customers.

    Attributes
    ----------
    key_types : no rows of customer_id, event_day and, where asked for, known_day: what the cells
        are in the order of
    packed : one integer a cell, in order
    layout : where in it the keys and the kind lie (0: none that the log lists), and the `place` of
        the cell among all that were read
    columns : name → value at each place: measures of the ledger (money in ten-thousandths), of
        logs with clocks first_time in microseconds, and what the integers have no room for. No
        n_events: there is a cell for each event
    """

    log: EventLog
    key_types: pl.DataFrame
    packed: Int64[np.ndarray, " cells"]
    layout: _Layout
    columns: Mapping[str, pl.Series]

    def __len__(self) -> int:
        return len(self.packed)

    def __getitem__(self, at: slice | Int[np.ndarray, " some"]) -> "Cells":
        """Some of them."""
        return replace(self, packed=self.packed[at])

    def array(self, name: str) -> Shaped[np.ndarray, " cells"]:
        """A column in order, other than a key."""
        if name in self.layout:
            return self._bits(name)
        return self.columns[name].to_numpy().take(self._bits("place"))

    def keys(self) -> pl.DataFrame:
        """The columns that they are in the order of."""
        return pl.DataFrame(
            pl.Series(name, self._bits(name)).cast(kind)
            if name in self.layout
            else self.columns[name].gather(self._bits("place"))
            for name, kind in self.key_types.schema.items()
        )

    def begins(self) -> Bool[np.ndarray, " cells"]:
        """Where one of the keys differs from that of the cell before it."""
        if "kind" not in self.layout:
            return reduce(np.logical_or, [begins(column) for column in self.keys()])
        _, low, width = self.layout["kind"]
        keys = self.packed >> (low + width)
        return np.concatenate([np.ones(min(1, len(keys)), bool), keys[1:] != keys[:-1]])

    def pieces(self, cells_at_once: int) -> list["Cells"]:
        """In about equal parts, as many as keep all cores at work."""
        n, lanes = len(self), cores()
        n_pieces = ceil(n / cells_at_once)
        if n > cells_at_once // 8:
            n_pieces = lanes * ceil(n_pieces / lanes)
        if n_pieces < 2:
            return [self]
        at = np.array([n * k // n_pieces for k in range(1, n_pieces)])
        if "customer_id" in self.layout:
            low = self.layout["customer_id"][1]
            cuts = np.searchsorted(self.packed, self.packed[at] >> low << low)
        else:
            customers = self.keys()["customer_id"]
            cuts = customers.search_sorted(customers.gather(at)).to_numpy()
        parts = np.split(self.packed, cuts)
        return [replace(self, packed=part) for part in parts if len(part)]

    def _bits(self, name: str) -> Int64[np.ndarray, " cells"]:
        least, low, width = self.layout[name]
        found = self.packed >> low
        found &= (1 << width) - 1
        found += least
        return found


def in_order(asked: Asked, *, and_known_day: bool = False) -> Cells:
    """What the log knows of the customers asked for; on DuckDB."""
    log = asked.log
    # Why: the days are the same from the events, which cost less to read than a ledger to write.
    by_event = log.ledger is None or not log.ledger.is_written
    keys = ["customer_id", "event_day", *(["known_day"] if and_known_day else [])]
    measures = {ADDED[name][0] for name in occurring(log)}
    if by_event:
        measures.discard("n_events")
    times = ["epoch_us(first_time) AS first_time"] if log.has_clock else []
    # Why a number: a text for each row would take a third of the query.
    kind = f"coalesce(list_position([{listed(log.kinds)}], kind), 0)::UTINYINT AS kind"
    cells = default_engine().frame(
        f"SELECT {', '.join([*keys, kind, *sorted(measures), *times])} "
        f"FROM ({whole_ledger(asked, by_event=by_event)})"
    )
    key_types = cells.select(keys).clear()
    layout = _layout(cells, keys)
    columns = [name for name in cells.columns if name not in layout]
    with ThreadPoolExecutor(cores()) as pool:
        if "kind" in layout:
            packed = _packed(cells, layout, pool)
        else:
            order = cells.select(pl.arg_sort_by(keys, maintain_order=True)).to_series()
            packed = order.to_numpy().astype(np.int64)
        kept = pool.map(lambda name: _plain(cells[name], is_key=name in keys), columns)
        return Cells(log, key_types, packed, layout, dict(zip(columns, kept, strict=True)))


def begins(column: pl.Series) -> Bool[np.ndarray, " n"]:
    """Where a value differs from that before it."""
    values = column.to_physical()
    return (values != values.shift()).fill_null(value=True).to_numpy()


def _plain(column: pl.Series, *, is_key: bool) -> pl.Series:
    """In one piece; counts, or money in ten-thousandths: 0 where nothing is known."""
    if not is_key:
        # Why not multiplied in SQL: a trillion has no room for it in DECIMAL(18,4).
        column = column.to_physical().cast(pl.Int64).fill_null(0)
    return column.rechunk()


def _layout(cells: pl.DataFrame, keys: list[str]) -> _Layout:
    """Where all that orders the cells lies, if there is room; else of the place alone."""
    low = len(cells).bit_length()
    alone = {"place": (0, 0, low)}
    if cells.schema["customer_id"] != pl.Int64 or cells.is_empty():
        return alone
    layout = dict(alone)
    for name in ("kind", *reversed(keys)):
        values = cells[name].to_physical()
        least, most = values.min(), values.max()
        assert isinstance(least, int)
        assert isinstance(most, int)
        layout[name] = least, low, (most - least).bit_length()
        low += layout[name][2]
    return layout if low <= _BITS else alone


def _packed(
    cells: pl.DataFrame, layout: _Layout, pool: ThreadPoolExecutor
) -> Int64[np.ndarray, " cells"]:
    """Sorted."""
    packed = np.empty(len(cells), np.int64)

    def pack(first: int) -> None:
        found = packed[first : first + _SLICE]
        found[:] = np.arange(first, first + len(found))
        for name, (least, low, _) in layout.items():
            if name != "place":
                values = cells[name].slice(first, _SLICE).to_physical().to_numpy()
                part = values.astype(np.int64)
                part -= least
                part <<= low
                found |= part

    list(pool.map(pack, range(0, len(packed), _SLICE)))
    cuts = [len(packed) * k // cores() for k in range(1, cores())]
    packed.partition(cuts)
    list(pool.map(np.ndarray.sort, np.split(packed, cuts)))
    return packed
