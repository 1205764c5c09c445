"""The NBD likelihood: customers buy at a rate of their own, and nobody ever leaves.

Ehrenberg (1959), The pattern of consumer purchases, Applied Statistics 8(1). Purchase rates
λ ~ Gamma(r, alpha); as a density in the times of the x purchases,

    L = Γ(r+x)/Γ(r) α^r (α+T)^-(r+x),

so that x and T are all that a history tells. It is what Pareto/NBD becomes without dropout.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from patronage.models.likelihoods.base import Limit, Moments, natural_to_log
from patronage.models.likelihoods.histories import Histories
from patronage.models.likelihoods.purchasing import log_rising, rate_start

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
        parameters = np.exp(theta)
        r, alpha = parameters.T
        _, rising_1, rising_2 = log_rising(r, table.x)
        n, per_T = r + table.x, 1 / (alpha + table.T)
        gradient = np.stack([rising_1 - np.log1p(table.T / alpha), r / alpha - n * per_T], axis=-1)
        hessian = np.empty((len(table), 2, 2))
        hessian[:, 0, 0] = rising_2
        hessian[:, 0, 1] = hessian[:, 1, 0] = 1 / alpha - per_T
        hessian[:, 1, 1] = n * per_T**2 - r / alpha**2
        value = self.log_likelihood(theta, table)
        return natural_to_log(Moments(value, gradient, hessian), parameters)

    def moments(self, theta: Float[np.ndarray, " 2"], table: Histories) -> Moments:
        """Weighted sums over the rows, which are few: one for each x and T."""
        rows = self.row_moments(np.tile(theta, (len(table), 1)), table)
        weight = table.weight
        hessian = np.einsum("r,rij->ij", weight, rows.hessian)
        return Moments(np.asarray(weight @ rows.value), weight @ rows.gradient, hessian)
