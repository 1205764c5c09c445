"""Opportunities: what customers did at the chances they had, with weights."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

__all__ = ["Opportunities"]


@dataclass(frozen=True)
class Opportunities:
    """One row per distinct history; all numbers are whole.

    Attributes
    ----------
    x : number of opportunities at which the customer bought
    t_x : the last of these, counted from 1; 0 where x is 0
    n : number of opportunities the customer has had
    weight : number of customers with this history
    """

    x: Float[np.ndarray, " rows"]
    t_x: Float[np.ndarray, " rows"]
    n: Float[np.ndarray, " rows"]
    weight: Float[np.ndarray, " rows"]

    def __len__(self) -> int:
        return len(self.x)

    @property
    def columns(self) -> tuple[Float[np.ndarray, " rows"], ...]:
        """x, t_x and n."""
        return self.x, self.t_x, self.n

    @property
    def unit(self) -> float:
        """1: opportunities are counted."""
        return 1.0

    @property
    def unit_power(self) -> float:
        """0: a history has a probability, not a density."""
        return 0.0

    def rescaled(self, unit: float) -> "Opportunities":
        """The same: numbers have no unit."""
        del unit
        return self

    def coarse(self) -> "Opportunities":
        """The same: whole numbers tie as they are."""
        return self

    def grouped(
        self, first: Int[np.ndarray, " groups"], weight: Float[np.ndarray, " groups"]
    ) -> "Opportunities":
        """The rows `first`, each standing for its group, with the weights given."""
        return Opportunities(self.x[first], self.t_x[first], self.n[first], weight)

    def thinned(self, every: int) -> "Opportunities":
        """Every so-many-th row."""
        return self.take(slice(every // 2, None, every))

    def take(self, rows: Shaped[np.ndarray, " taken"] | slice) -> "Opportunities":
        """Some of the rows (a mask, indices or a slice)."""
        return Opportunities(self.x[rows], self.t_x[rows], self.n[rows], self.weight[rows])

    def chunks(self, size: int) -> "Iterator[Opportunities]":
        """The rows in runs of at most `size`."""
        for first in range(0, len(self), size):
            yield self.take(slice(first, first + size))
