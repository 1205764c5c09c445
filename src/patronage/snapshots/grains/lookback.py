"""Lookback: where the days before as_of, and those of each window, lie in a timeline."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Int

from patronage.snapshots.grains.timeline import Timeline

__all__ = ["Lookback", "Within", "look_back"]

_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, order=True)
class Within:
    """The sum of a column over the last `days` days without the last `after` of them."""

    column: str
    days: int
    after: int = 0

    @property
    def name(self) -> str:
        """The column that holds it."""
        return f"{self.column}_{self.days}_without_{self.after}"


@dataclass(frozen=True)
class Lookback:
    """The customers with a day before as_of, and what lies before it.

    Attributes
    ----------
    customer_id : the customers, sorted
    arrays : of the timeline
    first, end : edges of the rows of each before as_of
    starts : window → the edge at which the last days of each customer begin
    """

    customer_id: pl.Series
    arrays: Mapping[str, np.ndarray]
    first: Int[np.ndarray, " customers"]
    end: Int[np.ndarray, " customers"]
    starts: Mapping[int, Int[np.ndarray, " customers"]]
    _listed: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict, repr=False)

    def sums(self, asked: Iterable[Within]) -> dict[Within, Int[np.ndarray, " customers"]]:
        """Sums over windows, whole numbers; money in ten-thousandths."""
        found: dict[Within, np.ndarray] = {}
        for column, group in groupby(sorted(asked), key=lambda one: one.column):
            sums = self.arrays.get(column, np.zeros(1, np.int64))
            at: dict[int, np.ndarray] = {}
            for one in group:
                for days in (one.days, one.after):
                    if days not in at:
                        # Why clipped: of a column that does not occur there is but one edge.
                        at[days] = sums.take(self.starts[days], mode="clip")
                found[one] = (at[one.after] - at[one.days]).astype(np.int64, copy=False)
        return found

    def listed(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """The edges of each customer in the list of the days of a name."""
        if name not in self._listed:
            n = self.arrays[name]
            low, high = n.take(self.first), n.take(self.end)
            self._listed[name] = low.astype(np.int64), high.astype(np.int64)
        return self._listed[name]


def look_back(timeline: Timeline, as_of: date, windows: Iterable[int] = ()) -> Lookback:
    """What of a timeline lies before as_of."""
    arrays = timeline.arrays
    edges = arrays["first"].astype(np.int64)
    first, day = edges[:-1], arrays["day"]
    today = (as_of - _EPOCH).days
    is_before = np.empty(len(day), bool)
    n_before = np.zeros(len(day) + 1, np.int32)
    starts: dict[int, np.ndarray] = {}
    for days in {0, *windows}:
        # Why not searched: to count along all days costs less than steps from day to day.
        np.less(day, today - days, out=is_before)
        np.cumsum(is_before, out=n_before[1:])
        starts[days] = first + np.diff(n_before.take(edges))
    is_known = starts[0] > first
    if not is_known.all():
        first = first[is_known]
        starts = {days: edge[is_known] for days, edge in starts.items()}
    return Lookback(timeline.customer_id.filter(is_known), arrays, first, starts[0], starts)
