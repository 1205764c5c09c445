"""Beta-binomial: how many of a customer's purchases are paid.

Each of n purchases is paid with probability π of the customer's own, π ~ Beta(paid, free) over
customers, so that k paid ones in a given order have probability
B(paid + k, free + n - k) / B(paid, free).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy.special import betaln, digamma, zeta

from patronage.models.likelihoods.base import Limit, Moments, natural_to_log

__all__ = ["BetaBinomialLikelihood", "Shares"]


@dataclass(frozen=True)
class Shares:
    """One row per customer, or per group of equal ones.

    Attributes
    ----------
    paid, free : numbers of purchases
    weight : number of customers
    """

    paid: Float[np.ndarray, " rows"]
    free: Float[np.ndarray, " rows"]
    weight: Float[np.ndarray, " rows"]
    unit: float = 1.0
    unit_power: float = 0.0

    def __len__(self) -> int:
        return len(self.paid)

    @property
    def columns(self) -> tuple[Float[np.ndarray, " rows"], ...]:
        """paid and free."""
        return self.paid, self.free

    def grouped(
        self, first: Int[np.ndarray, " groups"], weight: Float[np.ndarray, " groups"]
    ) -> "Shares":
        """The rows `first`, each standing for its group, with the weights given."""
        return Shares(self.paid[first], self.free[first], weight)

    def take(self, rows: Shaped[np.ndarray, " taken"] | slice) -> "Shares":
        """Some of the rows."""
        return Shares(self.paid[rows], self.free[rows], self.weight[rows])

    def rescaled(self, unit: float) -> "Shares":
        """Counts have no unit."""
        del unit
        return self

    def thinned(self, every: int) -> "Shares":
        """Every so-many-th row."""
        return self.take(slice(every // 2, None, every))


@final
@dataclass(frozen=True)
class BetaBinomialLikelihood:
    """θ = ln (paid, free)."""

    parameter_names: tuple[str, ...] = ("paid", "free")
    unit_bearing: tuple[bool, ...] = (False, False)
    limits: tuple[Limit, ...] = (
        Limit("spend", (1, 1), "one share", "all customers have the same share of free purchases"),
        Limit("spend", (-1, -1), "two kinds", "a customer pays always or never"),
    )

    @property
    def effects(self) -> Mapping[str, tuple[float, ...]]:
        """None that multiplies the mean spend."""
        return {}

    def starts(self, table: Shares) -> Float[np.ndarray, "starts 2"]:
        """The share over all purchases, certain to a different degree."""
        paid, free = (float(table.weight @ column) + 0.5 for column in table.columns)
        share = paid / (paid + free)
        return np.log([[size * share, size * (1 - share)] for size in (2.0, 0.5, 20.0)])

    def log_likelihood(
        self, theta: Float[np.ndarray, "*rows 2"], table: Shares
    ) -> Float[np.ndarray, " rows"]:
        """Of each row, at one θ or its own."""
        a, b = np.exp(theta).T
        return np.asarray(betaln(a + table.paid, b + table.free) - betaln(a, b))

    def row_moments(self, theta: Float[np.ndarray, "rows 2"], table: Shares) -> Moments:
        """Value, gradient and Hessian of each row at its own θ."""
        parameters = np.exp(theta)
        a, b = parameters.T
        n = table.paid + table.free
        both = digamma(a + b) - digamma(a + b + n)
        gradient = np.stack(
            [
                digamma(a + table.paid) - digamma(a) + both,
                digamma(b + table.free) - digamma(b) + both,
            ],
            axis=-1,
        )
        hessian = np.empty((len(n), 2, 2))
        hessian[:] = (zeta(2, a + b) - zeta(2, a + b + n))[:, None, None]
        hessian[:, 0, 0] += zeta(2, a + table.paid) - zeta(2, a)
        hessian[:, 1, 1] += zeta(2, b + table.free) - zeta(2, b)
        value = self.log_likelihood(theta, table)
        return natural_to_log(Moments(value, gradient, hessian), parameters)

    def moments(self, theta: Float[np.ndarray, " 2"], table: Shares) -> Moments:
        """Weighted sums over the rows at one θ."""
        rows = self.row_moments(np.tile(theta, (len(table), 1)), table)
        weight = table.weight
        hessian = np.einsum("r,rij->ij", weight, rows.hessian)
        return Moments(np.asarray(weight @ rows.value), weight @ rows.gradient, hessian)
