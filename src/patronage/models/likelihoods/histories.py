"""Histories: purchase histories (x, t_x, T) with weights, in the order that likelihoods like."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int, Shaped

__all__ = ["CHUNK", "Histories"]

# Rows of a chunk: its dozen or so temporary columns stay in a core's own cache.
CHUNK = 8192


@dataclass(frozen=True)
class Histories:
    """One row per distinct history.

    Attributes
    ----------
    x : number of repeat purchases, whole
    t_x : time from first to last purchase
    T : time from first purchase to as_of
    weight : number of customers with this history
    """

    x: Float[np.ndarray, " rows"]
    t_x: Float[np.ndarray, " rows"]
    T: Float[np.ndarray, " rows"]
    weight: Float[np.ndarray, " rows"]

    def __len__(self) -> int:
        return len(self.x)

    @property
    def columns(self) -> tuple[Float[np.ndarray, " rows"], ...]:
        """x, t_x and T."""
        return self.x, self.t_x, self.T

    def grouped(
        self, first: Int[np.ndarray, " groups"], weight: Float[np.ndarray, " groups"]
    ) -> "Histories":
        """The rows `first`, each standing for its group, with the weights given."""
        return Histories(self.x[first], self.t_x[first], self.T[first], weight)

    @cached_property
    def unit(self) -> float:
        """A tenth of the mean T, so that times are around 10."""
        mean = float(self.weight @ self.T) / float(self.weight.sum())
        return mean / 10 if mean > 0 else 1.0

    @cached_property
    def unit_power(self) -> float:
        """A history is a density in the times of its x purchases."""
        return float(self.weight @ self.x)

    @cached_property
    def frequencies(self) -> tuple[Float[np.ndarray, " values"], Float[np.ndarray, " values"]]:
        """The distinct x and the weight of each: what terms in x alone are summed over."""
        highest = int(self.x.max(initial=0.0))
        if highest > 4 * len(self) + 1024:
            values, inverse = np.unique(self.x, return_inverse=True)
            return values, np.bincount(inverse, weights=self.weight)
        counts = np.bincount(self.x.astype(np.int64), weights=self.weight)
        values = np.flatnonzero(counts)
        return values.astype(np.float64), counts[values]

    def rescaled(self, unit: float) -> "Histories":
        """The same rows with times divided by `unit`."""
        return Histories(self.x, self.t_x / unit, self.T / unit, self.weight)

    def thinned(self, every: int) -> "Histories":
        """Every so-many-th row."""
        step = slice(every // 2, None, every)
        return Histories(self.x[step], self.t_x[step], self.T[step], self.weight[step])

    def coarse(self) -> "Histories":
        """Times rounded to a 250th of the mean T, so that more rows are equal."""
        grid = 10 * self.unit / 250
        t_x, T = np.rint(self.t_x / grid) * grid, np.rint(self.T / grid) * grid
        return Histories(self.x, t_x, T, self.weight)

    def take(self, rows: Shaped[np.ndarray, " taken"] | slice) -> "Histories":
        """Some of the rows (a mask, indices or a slice)."""
        return Histories(self.x[rows], self.t_x[rows], self.T[rows], self.weight[rows])

    def chunks(self, size: int = CHUNK) -> "Iterator[Histories]":
        """The rows in runs of at most `size`."""
        for first in range(0, len(self), size):
            yield self.take(slice(first, first + size))
