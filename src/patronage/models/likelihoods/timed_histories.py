"""Timed histories: (x, t_x, T) and how evenly the purchases are spread, for regular timing."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from jaxtyping import Float, Int, Shaped

from patronage.models.likelihoods.histories import CHUNK, Histories

__all__ = ["TimedHistories"]


@final
@dataclass(frozen=True)
class TimedHistories:
    """One row per distinct history.

    Attributes
    ----------
    x : number of repeat purchases, whole
    t_x : time from first to last purchase
    T : time from first purchase to as_of
    log_gaps : Σ ln(time between consecutive purchases); at most x ln(t_x / x), which is perfect
        regularity
    weight : number of customers with this history
    """

    x: Float[np.ndarray, " rows"]
    t_x: Float[np.ndarray, " rows"]
    T: Float[np.ndarray, " rows"]
    log_gaps: Float[np.ndarray, " rows"]
    weight: Float[np.ndarray, " rows"]

    def __len__(self) -> int:
        return len(self.x)

    @property
    def columns(self) -> tuple[Float[np.ndarray, " rows"], ...]:
        """x, t_x, T and log_gaps."""
        return self.x, self.t_x, self.T, self.log_gaps

    @cached_property
    def plain(self) -> Histories:
        """The same rows without their timing."""
        return Histories(self.x, self.t_x, self.T, self.weight)

    @property
    def unit(self) -> float:
        """A tenth of the mean T, so that times are around 10."""
        return self.plain.unit

    @property
    def unit_power(self) -> float:
        """A history is a density in the times of its x purchases."""
        return self.plain.unit_power

    def grouped(
        self, first: Int[np.ndarray, " groups"], weight: Float[np.ndarray, " groups"]
    ) -> "TimedHistories":
        """The rows `first`, each standing for its group, with the weights given."""
        x, t_x, T, log_gaps = (column[first] for column in self.columns)
        return TimedHistories(x, t_x, T, log_gaps, weight)

    def rescaled(self, unit: float) -> "TimedHistories":
        """The same rows with times divided by `unit`."""
        log_gaps = self.log_gaps - self.x * np.log(unit)
        return TimedHistories(self.x, self.t_x / unit, self.T / unit, log_gaps, self.weight)

    def thinned(self, every: int) -> "TimedHistories":
        """Every so-many-th row."""
        return self.take(slice(every // 2, None, every))

    def coarse(self) -> "TimedHistories":
        """Times rounded to a 250th of the mean T, irregularity to a tenth: more rows are equal."""
        grid = 10 * self.unit / 250
        t_x, T = np.rint(self.t_x / grid) * grid, np.rint(self.T / grid) * grid
        bought = np.maximum(self.x, 1.0)
        t_x = np.where(self.x > 0, np.clip(t_x, grid, np.maximum(T, grid)), 0.0)
        T = np.maximum(T, t_x)
        uneven = self.x * np.log(np.maximum(self.t_x, 1e-300) / bought) - self.log_gaps
        uneven = np.rint(10 * uneven) / 10
        level = np.log(np.maximum(t_x, 1e-300) / bought)
        log_gaps = np.where(self.x > 0, self.x * level - uneven, 0.0)
        return TimedHistories(self.x, t_x, T, log_gaps, self.weight)

    def take(self, rows: Shaped[np.ndarray, " taken"] | slice) -> "TimedHistories":
        """Some of the rows (a mask, indices or a slice)."""
        x, t_x, T, log_gaps = (column[rows] for column in self.columns)
        return TimedHistories(x, t_x, T, log_gaps, self.weight[rows])

    def chunks(self, size: int = CHUNK) -> "Iterator[TimedHistories]":
        """The rows in runs of at most `size`."""
        for first in range(0, len(self), size):
            yield self.take(slice(first, first + size))
