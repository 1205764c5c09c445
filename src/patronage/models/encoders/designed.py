"""Designed: any table of a likelihood with the covariates of its rows beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Generic, TypeVar, final

import numpy as np
from jaxtyping import Float, Int, Shaped

from patronage.models.likelihoods.base import Table

__all__ = ["Designed"]

# Sums over a group of rows with equal covariates cost a call, beside what its rows cost.
_FEWEST_ROWS_A_GROUP: Final = 100
# Values of a column that are looked up, and the rows that are looked at for them.
_FEW: Final = 8
# Share of the rows looked at whose values differ, from which on nothing is taken to tie.
_CONTINUOUS: Final = 0.95
_PROBE: Final = 2000
# Rows whose Hessians are held at once.
_RUN: Final = 4096

TableT = TypeVar("TableT", bound=Table)


@final
@dataclass(frozen=True)
class Designed(Generic[TableT]):
    """Rows whose covariates are one of some patterns; a table like the one that it wraps.

    Attributes
    ----------
    table : what the likelihood reads
    pattern : of each row, which of the patterns it has; whole numbers
    patterns : the distinct rows of the design matrix; all rows where nearly none are equal
    """

    table: TableT
    pattern: Int[np.ndarray, " rows"]
    patterns: Float[np.ndarray, "patterns columns"]

    @classmethod
    def of(cls, table: TableT, design: Float[np.ndarray, "rows columns"]) -> "Designed[TableT]":
        """The table beside a design matrix with a row for each of its rows."""
        if any(_continuous(column) for column in design.T):
            return cls(table, np.arange(len(design)), design)
        pattern, n_patterns = np.zeros(len(design), dtype=np.int64), 1
        for column in design.T:
            values, place = _distinct(column)
            if len(values) > 1:
                pattern, n_patterns = _numbered(pattern * len(values) + place)
        first = np.zeros(n_patterns, dtype=np.int64)
        first[pattern[::-1]] = np.arange(len(pattern))[::-1]
        return cls(table, pattern, design[first] if len(design) else design)

    @property
    def design(self) -> Float[np.ndarray, "rows columns"]:
        """The design matrix, row by row."""
        return np.asarray(self.patterns[self.pattern])

    @cached_property
    def groups(
        self,
    ) -> Sequence[tuple[Float[np.ndarray, " columns"], TableT]] | None:
        """The rows of each pattern together, where the groups are large enough to be worth it."""
        if 1 < len(self.patterns) == len(self):
            return None
        sizes = np.bincount(self.pattern, minlength=len(self.patterns))
        used = np.flatnonzero(sizes)
        if len(used) > 1 and len(self) < _FEWEST_ROWS_A_GROUP * len(used):
            return None
        order = np.argsort(self.pattern, kind="stable")
        parts = np.split(order, np.cumsum(sizes)[:-1])
        return [(self.patterns[at], self.table.take(parts[at])) for at in used]

    @cached_property
    def reach(self) -> Float[np.ndarray, " columns"]:
        """The largest size of each column."""
        low, high = self.patterns.min(axis=0, initial=0.0), self.patterns.max(axis=0, initial=0.0)
        return np.asarray(np.maximum(high, -low))

    @cached_property
    def alike(self) -> Int[np.ndarray, " rows"]:
        """The rows in an order in which neighbours are alike: falling in the first column."""
        first, *others = self.table.columns
        if not others:
            return np.argsort(-first, kind="stable")
        rest = np.asarray(np.sum(others, axis=0))
        share = rest / max(float(rest.max(initial=0.0)), 1e-300)
        return np.argsort(0.9 * share - np.floor(first))

    @cached_property
    def parts(self) -> "Sequence[_Part[TableT]]":
        """The rows in runs of what is alike, their designs, and (1, design) × weight.

        Why in that order: rows that are alike cost alike, and what a purchase adds is summed over
        the first so many rows of a run.
        """
        order = self.alike
        runs = [order[first : first + _RUN] for first in range(0, len(order), _RUN)]
        made = [(self.table.take(run), self.patterns[self.pattern[run]]) for run in runs]
        return [
            (table, np.ascontiguousarray(design.T), _weighted(design.T, table.weight))
            for table, design in made
        ]

    def __len__(self) -> int:
        return len(self.pattern)

    @property
    def columns(self) -> tuple[Float[np.ndarray, " rows"], ...]:
        """Those of the table, and the pattern."""
        return (*self.table.columns, self.pattern.astype(float))

    @property
    def weight(self) -> Float[np.ndarray, " rows"]:
        """Number of customers a row stands for."""
        return self.table.weight

    @property
    def unit(self) -> float:
        """That of the table."""
        return self.table.unit

    @property
    def unit_power(self) -> float:
        """That of the table."""
        return self.table.unit_power

    def grouped(
        self, first: Int[np.ndarray, " groups"], weight: Float[np.ndarray, " groups"]
    ) -> "Designed[TableT]":
        """The rows `first`, each standing for its group, with the weights given."""
        return Designed(self.table.grouped(first, weight), self.pattern[first], self.patterns)

    def take(self, rows: Shaped[np.ndarray, " taken"] | slice) -> "Designed[TableT]":
        """Some of the rows (a mask, indices or a slice)."""
        table, pattern = self.table.take(rows), self.pattern[rows]
        if len(self.patterns) < len(self):
            return Designed(table, pattern, self.patterns)
        return Designed(table, np.arange(len(table)), self.patterns[pattern])

    def rescaled(self, unit: float) -> "Designed[TableT]":
        """The same rows in another unit; covariates have none."""
        return Designed(self.table.rescaled(unit), self.pattern, self.patterns)

    def thinned(self, every: int) -> "Designed[TableT]":
        """Every so-many-th row, of each pattern where there are few, and of what is alike."""
        order = self.alike
        # Why: in compacted rows patterns take turns, and a step of ten would skip half of four.
        if _FEWEST_ROWS_A_GROUP * len(self.patterns) <= len(self):
            order = order[np.argsort(self.pattern[order], kind="stable")]
        return self.take(order[every // 2 :: every])

    def coarse(self) -> "Designed[Any]":
        """The table's times rounded, the covariates as they are."""
        table: Any = self.table
        return Designed(table.coarse(), self.pattern, self.patterns)


_Part = tuple[TableT, Float[np.ndarray, "columns part"], Float[np.ndarray, "_ part"]]


def _weighted(
    columns: Float[np.ndarray, "columns rows"], weight: Float[np.ndarray, " rows"]
) -> Float[np.ndarray, "_ rows"]:
    return np.concatenate([weight[None, :], columns * weight])


def _continuous(column: Float[np.ndarray, " rows"]) -> bool:
    """Whether hardly two rows have the same value, as far as some rows tell."""
    probe = column[:: max(len(column) // _PROBE, 1)]
    return len(probe) > _PROBE // 2 and len(np.unique(probe)) > _CONTINUOUS * len(probe)


def _distinct(
    column: Float[np.ndarray, " rows"],
) -> tuple[Float[np.ndarray, " values"], Int[np.ndarray, " rows"]]:
    """The distinct values of a column, sorted, and the place of each row's among them."""
    # Why: most columns show a few values, which a look-up numbers ten times as fast as a sort.
    values = np.unique(column[:: max(len(column) // _PROBE, 1)])
    if 0 < len(values) <= _FEW:
        place = np.zeros(len(column), dtype=np.int64)
        for edge in values[1:]:
            place += column >= edge
        if np.array_equal(values[place], column):
            return values, place
    values, place = np.unique(column, return_inverse=True)
    return values, place


def _numbered(keys: Int[np.ndarray, " rows"]) -> tuple[Int[np.ndarray, " rows"], int]:
    """Keys of 0 and above by numbers without gaps, in the order of the keys."""
    highest = int(keys.max(initial=0))
    if highest < 4 * len(keys):
        seen = np.bincount(keys, minlength=highest + 1) > 0
        return (np.cumsum(seen) - 1)[keys], int(seen.sum())
    values, place = np.unique(keys, return_inverse=True)
    return place, len(values)
