"""The NBD likelihood: customers buy at a rate of their own, and nobody ever leaves.

Ehrenberg (1959), The pattern of consumer purchases, Applied Statistics 8(1). Purchase rates
λ ~ Gamma(r, alpha); as a density in the times of the x purchases,

    L = Γ(r+x)/Γ(r) α^r (α+T)^-(r+x),

so that x and T are all that a history tells. It is what Pareto/NBD becomes without dropout.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from patronage.models.likelihoods.base import Column, Limit, Moments, unpacked
from patronage.models.likelihoods.histories import Histories
from patronage.models.likelihoods.purchasing import listed_rising, log_rising, rate_start

__all__ = ["NBDLikelihood"]


@final
@dataclass(frozen=True)
class NBDLikelihood:
    """θ = ln (r, alpha)."""

    parameter_names: tuple[str, ...] = ("r", "alpha")
    unit_bearing: tuple[int, ...] = (0, 1)
    limits: tuple[Limit, ...] = (
        Limit("purchases", (1, 1), "Poisson purchasing", "customers share one purchase rate"),
        Limit("purchases", (-1, -1), "logarithmic series", "rates differ without measure"),
        Limit("purchases", (-1, 0), "no repeat purchases", "hardly anybody buys again"),
        Limit("purchases", (0, 1), "no repeat purchases", "hardly anybody buys again"),
    )

    @property
    def effects(self) -> Mapping[str, tuple[float, ...]]:
        """On the purchase rate."""
        return {"purchases": (0.0, -1.0)}

    def starts(self, table: Histories) -> Float[np.ndarray, "starts 2"]:
        """Moments of the rates, and some more or less even."""
        r, alpha = rate_start(table)
        return np.log([[r, alpha], [0.3 * r, 0.3 * alpha], [3 * r, 3 * alpha]])

    def log_likelihood(
        self, theta: Float[np.ndarray, "*rows 2"], table: Histories
    ) -> Float[np.ndarray, " rows"]:
        """Of each row, at one θ or its own."""
        r, alpha = np.exp(theta).T
        rising, _, _ = log_rising(r, table.x)
        # Why: with alpha in the thousands the two powers cancel, and their ratio does not.
        return np.asarray(
            rising - r * np.log1p(table.T / alpha) - table.x * np.log(alpha + table.T)
        )

    def row_moments(self, theta: Float[np.ndarray, "rows 2"], table: Histories) -> Moments:
        """Value, gradient and Hessian of each row at its own θ."""
        return unpacked(self.packed_moments(list(theta.T), table), 2)

    def packed_moments(
        self, theta: Sequence[Column], table: Histories
    ) -> Float[np.ndarray, "6 rows"]:
        """The same, packed."""
        r, alpha = (np.exp(column) for column in theta)
        rising, rising_1, rising_2 = listed_rising(r, table.x)
        ends, n = alpha + table.T, r + table.x
        share, left = alpha / ends, table.T / ends
        # Why: with alpha in the thousands the two powers cancel, and their ratio does not.
        log_ratio, log_ends = np.log1p(table.T / alpha), np.log(ends)
        found = np.empty((6, len(table)))
        found[0] = rising - r * log_ratio - table.x * log_ends
        found[1] = r * (rising_1 - log_ratio)
        found[2] = r - n * share
        found[3] = found[1] + r**2 * rising_2
        found[4] = r * left
        found[5] = -n * share * left
        return found

    def moments(self, theta: Float[np.ndarray, " 2"], table: Histories) -> Moments:
        """Weighted sums over the rows, which are few: one for each x and T."""
        value, *slope, rr, cross, bent = self.packed_moments(theta.tolist(), table) @ table.weight
        hessian = np.array([[rr, cross], [cross, bent]])
        return Moments(np.asarray(value), np.array(slope), hessian)
