"""CompactedCounts: formulas are evaluated once per distinct history, and mapped to customers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from jaxtyping import Float, Int, Shaped

from patronage.forecast.counts import AbstractCounts

__all__ = ["CompactedCounts"]


@final
@dataclass(frozen=True)
class CompactedCounts(AbstractCounts):
    """Counts of customers of whom many share a history.

    Attributes
    ----------
    distinct : the counts of each distinct history
    inverse : customer → distinct history
    """

    distinct: AbstractCounts
    inverse: Int[np.ndarray, " customers"]

    @cached_property
    def p_alive(self) -> Float[np.ndarray, " customers"]:
        """P(alive at as_of | history)."""
        return np.asarray(self.distinct.p_alive[self.inverse])

    def mean(self, edges: Float[np.ndarray, " edges"]) -> Float[np.ndarray, "customers periods"]:
        """Expected purchases between neighbouring edges."""
        return np.asarray(self.distinct.mean(edges)[self.inverse])

    def pmf(self, days: float, n_max: int) -> Float[np.ndarray, "customers counts"]:
        """P(N = n), n = 0 … n_max."""
        return np.asarray(self.distinct.pmf(days, n_max)[self.inverse])

    def sample(
        self, edges: Float[np.ndarray, " edges"], n_draws: int, rng: np.random.Generator
    ) -> Int[np.ndarray, "draws customers periods"]:
        """Joint draws; customers with equal histories are drawn apart."""
        return self.distinct.take(self.inverse).sample(edges, n_draws, rng)

    def survival(
        self, days: Float[np.ndarray, " times"]
    ) -> Float[np.ndarray, "customers times"] | None:
        """P(alive at as_of + days)."""
        found = self.distinct.survival(days)
        return None if found is None else found[self.inverse]

    def p_active(self, days: Float[np.ndarray, " times"]) -> Float[np.ndarray, "customers times"]:
        """P(a purchase in [0, days))."""
        return np.asarray(self.distinct.p_active(days)[self.inverse])

    @property
    def p_never(self) -> Float[np.ndarray, " customers"]:
        """P(no purchase ever again)."""
        return np.asarray(self.distinct.p_never[self.inverse])

    def next_purchase(self, levels: Sequence[float]) -> Float[np.ndarray, "customers levels"]:
        """Quantiles of the days until the next purchase."""
        return np.asarray(self.distinct.next_purchase(levels)[self.inverse])

    def quantile(self, days: float, levels: Sequence[float]) -> Int[np.ndarray, "customers levels"]:
        """Quantiles of the purchases in [0, days)."""
        return np.asarray(self.distinct.quantile(days, levels)[self.inverse])

    def dert(
        self, annual_discount_rate: float, *, days: float = np.inf, tolerance: float = 1e-4
    ) -> Float[np.ndarray, " customers"]:
        """Discounted expected purchases in [0, days)."""
        found = self.distinct.dert(annual_discount_rate, days=days, tolerance=tolerance)
        return np.asarray(found[self.inverse])

    def compacted(self) -> tuple[AbstractCounts, Int[np.ndarray, " customers"]]:
        """Counts of the distinct histories, and each customer's."""
        return self.distinct, self.inverse

    def take(self, rows: slice | Shaped[np.ndarray, " rows"]) -> AbstractCounts:
        """The same for some of the customers."""
        kept, inverse = np.unique(self.inverse[rows], return_inverse=True)
        return CompactedCounts(self.distinct.take(kept), inverse)
