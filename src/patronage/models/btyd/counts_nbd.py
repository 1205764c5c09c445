"""Purchases ahead under the NBD: a rate of the customer's own, for ever."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int, Shaped

from patronage.forecast.counts import AbstractCounts
from patronage.models.btyd.negative_binomials import mixed_negative_binomials

__all__ = ["NBDCounts"]


@final
@dataclass(frozen=True)
class NBDCounts(AbstractCounts):
    """Given the history, lambda ~ Gamma(r + x, alpha + T) purchases a day.

    Attributes
    ----------
    r, alpha : population parameters, alpha in days; or a value per customer
    x : number of repeat purchases
    T : days from first purchase to as_of
    """

    r: float | Float[np.ndarray, " customers"]
    alpha: float | Float[np.ndarray, " customers"]
    x: Float[np.ndarray, " customers"]
    T: Float[np.ndarray, " customers"]

    @property
    def p_alive(self) -> Float[np.ndarray, " customers"]:
        """1: nobody leaves."""
        return np.ones(len(self.x))

    def mean(self, edges: Float[np.ndarray, " edges"]) -> Float[np.ndarray, "customers periods"]:
        """(r+x)/(alpha+T) × the length of each period."""
        rate = (self.r + self.x) / (self.alpha + self.T)
        return np.asarray(rate[:, None] * np.diff(edges))

    def pmf(self, days: float, n_max: int) -> Float[np.ndarray, "customers counts"]:
        """Negative binomials."""
        odds = (days / (self.alpha + self.T))[:, None]
        return mixed_negative_binomials(self.r + self.x, odds, np.ones_like(odds), n_max)

    def sample(
        self, edges: Float[np.ndarray, " edges"], n_draws: int, rng: np.random.Generator
    ) -> Int[np.ndarray, "draws customers periods"]:
        rate = rng.standard_gamma(self.r + self.x, size=(n_draws, len(self.x)))
        rate /= self.alpha + self.T
        return np.asarray(rng.poisson(rate[:, :, None] * np.diff(edges)))

    def survival(self, days: Float[np.ndarray, " times"]) -> Float[np.ndarray, "customers times"]:
        """1 at any time."""
        return np.ones((len(self.x), len(days)))

    def take(self, rows: slice | Shaped[np.ndarray, " rows"]) -> "NBDCounts":
        r, alpha = (
            value[rows] if isinstance(value, np.ndarray) else value
            for value in (self.r, self.alpha)
        )
        return NBDCounts(r, alpha, self.x[rows], self.T[rows])
