"""A Poisson number of gamma amounts with known rates: what a Tweedie distribution is made of."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy.special import gammainc, gammaln, xlogy

from patronage.forecast.counts import AbstractCounts
from patronage.forecast.spend import AbstractSpend

__all__ = ["GammaSpend", "PoissonCounts"]


@final
@dataclass(frozen=True)
class PoissonCounts(AbstractCounts):
    """Purchases at a known rate per day, for ever."""

    rate: Float[np.ndarray, " customers"]

    @property
    def p_alive(self) -> Float[np.ndarray, " customers"]:
        return np.ones(len(self.rate))

    def mean(self, edges: Float[np.ndarray, " edges"]) -> Float[np.ndarray, "customers periods"]:
        return self.rate[:, None] * np.diff(edges)

    def pmf(self, days: float, n_max: int) -> Float[np.ndarray, "customers counts"]:
        n, expected = np.arange(n_max + 1), self.rate[:, None] * days
        return np.asarray(np.exp(xlogy(n, expected) - expected - gammaln(n + 1)))

    def sample(
        self, edges: Float[np.ndarray, " edges"], n_draws: int, rng: np.random.Generator
    ) -> Int[np.ndarray, "draws customers periods"]:
        expected = self.mean(edges)
        return rng.poisson(expected, size=(n_draws, *expected.shape))

    def take(self, rows: slice | Shaped[np.ndarray, " rows"]) -> "PoissonCounts":
        return PoissonCounts(self.rate[rows])


@final
@dataclass(frozen=True)
class GammaSpend(AbstractSpend):
    """Independent gamma spends of known shape and scale."""

    shape: float
    scale: Float[np.ndarray, " customers"]
    lattice: ClassVar[None] = None

    def mean(self) -> Float[np.ndarray, " customers"]:
        return self.shape * self.scale

    def sum_cdf(
        self, n: int | float, total: Float[np.ndarray, " customers"]
    ) -> Float[np.ndarray, " customers"]:
        if n == 0:
            return (total >= 0).astype(float)
        return np.asarray(gammainc(self.shape * n, np.maximum(total, 0.0) / self.scale))

    def sum_pdf(
        self, n: int | float, total: Float[np.ndarray, " customers"]
    ) -> Float[np.ndarray, " customers"]:
        if n == 0:
            return np.zeros_like(total)
        k, z = self.shape * n, np.maximum(total, 1e-300) / self.scale
        density = np.exp(k * np.log(z) - z - gammaln(k)) / np.maximum(total, 1e-300)
        return np.where(total > 0, density, 0.0)

    def sample_sums(
        self, counts: Int[np.ndarray, "draws customers periods"], rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers periods"]:
        return np.asarray(rng.standard_gamma(self.shape * counts) * self.scale[:, None])

    def standard(
        self,
    ) -> tuple["GammaSpend", Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        ones = np.ones_like(self.scale)
        return GammaSpend(self.shape, ones), self.scale, ones

    def sample_each(
        self,
        n: Int[np.ndarray, " draws"],
        rows: Int[np.ndarray, " draws"],
        rng: np.random.Generator,
    ) -> Float[np.ndarray, " draws"]:
        return np.asarray(rng.standard_gamma(self.shape * n) * self.scale[rows])

    def take(self, rows: slice | Shaped[np.ndarray, " rows"]) -> "GammaSpend":
        return GammaSpend(self.shape, self.scale[rows])
