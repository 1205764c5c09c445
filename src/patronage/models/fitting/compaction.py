"""Compaction: equal histories become one row with a weight, and a way back to every customer.

In days there are few distinct histories: a million customers make about a hundred thousand rows.
All columns are packed into one whole number together with the row's position, so that one
sort of machine integers finds the groups; measured, that costs what a table addressed directly by
the key does (6 ms a million), and needs no bound on the table.
"""

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from patronage.models.likelihoods.base import Table

__all__ = ["Compacted", "compact"]

# Rows looked at to see whether anything ties at all, and the share of tied rows worth the work.
_PROBE: Final = 20_000
_WORTH: Final = 0.2
_WHOLE: Final = 1e-9

TableT = TypeVar("TableT", bound=Table)


@dataclass(frozen=True)
class Compacted(Generic[TableT]):
    """Distinct rows, and for each source row the one that it equals.

    Attributes
    ----------
    table : the distinct rows, with summed weights
    inverse : source row → distinct row; None where every row is its own, in the source's order
    """

    table: TableT
    inverse: Int[np.ndarray, " source"] | None

    def expand(
        self, values: Shaped[np.ndarray, "rows *rest"]
    ) -> Shaped[np.ndarray, "source *rest"]:
        """From a value per distinct row to one per source row."""
        return values if self.inverse is None else values[self.inverse]


def compact(table: TableT) -> Compacted[TableT]:
    """Group equal rows; where (nearly) nothing ties, the rows are returned as they are."""
    n, columns = len(table), table.columns
    whole = [_whole(column) for column in columns]
    keys = None
    if all(column is not None for column in whole):
        keys = _packed([column for column in whole if column is not None])
    exact = keys is not None
    if keys is None:
        if not _ties(columns):
            return Compacted(table, None)
        keys = _hashed(columns)
    position_bits = max(int(n - 1).bit_length(), 1)
    if int(keys.max(initial=0)).bit_length() + position_bits <= 63:
        order = np.sort((keys << position_bits) | np.arange(n))
        keys_sorted = order >> position_bits
        order &= (1 << position_bits) - 1
    else:
        order = np.argsort(keys)
        keys_sorted = keys[order]
    starts_group = np.empty(n, dtype=bool)
    starts_group[:1] = True
    np.not_equal(keys_sorted[1:], keys_sorted[:-1], out=starts_group[1:])
    first = order[starts_group]
    if len(first) > (1 - _WORTH) * n:
        return Compacted(table, None)
    inverse = np.empty(n, dtype=np.intp)
    inverse[order] = np.cumsum(starts_group) - 1
    if not exact and not _same(columns, first, inverse):
        return Compacted(table, None)
    weight = np.bincount(inverse, weights=table.weight, minlength=len(first))
    return Compacted(table.grouped(first, weight), inverse)


def _whole(column: Float[np.ndarray, " rows"]) -> Int[np.ndarray, " rows"] | None:
    """The column as whole numbers, or None; k/7 weeks times 7 days is whole to rounding."""
    nearest = np.rint(column)
    if np.abs(column - nearest).max(initial=0.0) > _WHOLE * max(1.0, float(nearest.max(initial=0))):
        return None
    return np.asarray(nearest, dtype=np.int64)


def _packed(columns: list[Int[np.ndarray, " rows"]]) -> Int[np.ndarray, " rows"] | None:
    """One whole number per row, the first column highest; None where 63 bits do not suffice."""
    key = columns[0]
    bits = int(key.max(initial=0)).bit_length()
    for column in columns[1:]:
        width = int(column.max(initial=0)).bit_length()
        bits += width
        if bits > 63:
            return None
        key = (key << width) | column
    return key


def _mixed(column: Float[np.ndarray, " rows"], factor: int) -> Shaped[np.ndarray, " rows"]:
    bits = np.ascontiguousarray(column).view(np.uint64) * np.uint64(factor)
    return np.asarray(bits ^ (bits >> np.uint64(29)))


_FACTORS: Final = (0xA0761D6478BD642F, 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)


def _hashed(columns: tuple[Float[np.ndarray, " rows"], ...]) -> Int[np.ndarray, " rows"]:
    key = np.zeros(len(columns[0]), dtype=np.uint64)
    for place, column in enumerate(columns):
        key += _mixed(column, _FACTORS[place % 3])
        key = (key ^ (key >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
    return np.asarray(key >> np.uint64(1), dtype=np.int64)


def _ties(columns: tuple[Float[np.ndarray, " rows"], ...]) -> bool:
    step = max(len(columns[0]) // _PROBE, 1)
    keys = _hashed(tuple(column[::step] for column in columns))
    repeated = len(keys) - len(np.unique(keys))
    # In a sample one in `step`, a pair of equal rows survives with probability 1/step².
    return repeated * step > _WORTH * len(keys) / 2


def _same(
    columns: tuple[Float[np.ndarray, " rows"], ...],
    first: Int[np.ndarray, " distinct"],
    inverse: Int[np.ndarray, " rows"],
) -> bool:
    equal: Bool[np.ndarray, " rows"] = np.ones(len(inverse), dtype=bool)
    for column in columns:
        equal &= column[first][inverse] == column
    return bool(equal.all())
