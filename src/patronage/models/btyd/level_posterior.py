"""What is known of a customer's level after n amounts, where levels and amounts are normal."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from patronage.models.likelihoods.amounts import Amounts
from patronage.snapshots import AmountSums

__all__ = ["LevelPosterior", "amounts_of"]


@dataclass(frozen=True)
class LevelPosterior:
    """level | n amounts of mean ȳ ~ N(location, variance), and the slopes of both.

    With D = σ² + n τ² and the credibility K = n τ² / D, the location is μ + K (ȳ − μ) and the
    variance τ² σ² / D.

    Attributes
    ----------
    mu, sigma, tau : of the population
    n, mean : of each customer's amounts; n may be 0
    """

    mu: float
    sigma: float
    tau: float
    n: Float[np.ndarray, " customers"]
    mean: Float[np.ndarray, " customers"]

    @property
    def credibility(self) -> Float[np.ndarray, " customers"]:
        """K: 0 where nothing was seen, near 1 where much was."""
        ours = self.n * self.tau**2
        return np.asarray(ours / (self.sigma**2 + ours))

    @property
    def location(self) -> Float[np.ndarray, " customers"]:
        return np.asarray(self.mu + self.credibility * (self.mean - self.mu))

    @property
    def variance(self) -> Float[np.ndarray, " customers"]:
        return np.asarray(self.tau**2 * (1 - self.credibility))

    @property
    def location_slopes(self) -> Float[np.ndarray, "customers 3"]:
        """d location / d (μ, ln σ, ln τ)."""
        K, away = self.credibility, self.mean - self.mu
        bend = 2 * K * (1 - K) * away
        return np.column_stack([1 - K, -bend, bend])

    @property
    def variance_slopes(self) -> Float[np.ndarray, "customers 3"]:
        """d variance / d (μ, ln σ, ln τ)."""
        K = self.credibility
        return np.asarray(np.column_stack([0 * K, K, 1 - K]) * (2 * self.variance[:, None]))


def amounts_of(
    sums: AmountSums,
    *,
    money: Float[np.ndarray, " customers"],
    weight: Float[np.ndarray, " customers"],
    logarithmic: bool,
) -> Amounts:
    """The rows of a likelihood; without rows that have no amounts."""
    known = np.isfinite(sums.scatter)
    scatter = np.where(known, sums.scatter, 0.0)
    dof = np.where(known, np.maximum(sums.n - 1, 0.0), 0.0)
    table = Amounts(sums.n, sums.mean, scatter, dof, money, weight, logarithmic)
    return table.take(sums.n > 0)
