"""Gamma-Gamma of each amount, not of their mean: what may be compared with other densities.

With M = Σ z and L = Σ ln z of n amounts, each Gamma(p, ν), and ν ~ Gamma(q, γ) over customers,

    ln f = ln Γ(pn+q) - ln Γ(q) - n ln Γ(p) + q ln γ + (p-1) L - (pn+q) ln(γ + M).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float
from scipy.special import digamma, gammaln, zeta

from patronage.models.likelihoods.amounts import Amounts
from patronage.models.likelihoods.base import Limit, Moments, natural_to_log
from patronage.models.likelihoods.gamma_gamma import GammaGammaLikelihood

__all__ = ["GammaGammaAmountsLikelihood"]


@final
@dataclass(frozen=True)
class GammaGammaAmountsLikelihood:
    """θ = ln (p, q, gamma), of a table whose mean and scatter are of logarithms."""

    parameter_names: tuple[str, ...] = ("p", "q", "gamma")
    unit_bearing: tuple[bool, ...] = (False, False, True)
    limits: tuple[Limit, ...] = GammaGammaLikelihood.limits

    @property
    def effects(self) -> Mapping[str, tuple[float, ...]]:
        """On the mean spend, which is in proportion to gamma."""
        return {"spend": (0.0, 0.0, 1.0)}

    def starts(self, table: Amounts) -> Float[np.ndarray, "starts 3"]:
        """Levels that spread from much to little, with the mean spend near 1."""
        del table
        shapes = np.array([[1.5, 3.0], [5.0, 4.0], [1.0, 2.0], [50.0, 4.0], [50.0, 50.0]])
        return np.asarray(np.log(np.column_stack([shapes, (shapes[:, 1] - 0.5) / shapes[:, 0]])))

    def log_likelihood(
        self, theta: Float[np.ndarray, "*rows 3"], table: Amounts
    ) -> Float[np.ndarray, " rows"]:
        """Of each row, at one θ or its own."""
        p, q, gamma = np.exp(theta).T
        ends, logs = p * table.n + q, table.n * table.mean
        value = gammaln(ends) - gammaln(q) - table.n * gammaln(p) + q * np.log(gamma)
        return np.asarray(value + (p - 1) * logs - ends * np.log(gamma + table.money))

    def row_moments(self, theta: Float[np.ndarray, "rows 3"], table: Amounts) -> Moments:
        """Value, gradient and Hessian of each row at its own θ."""
        parameters = np.exp(theta)
        p, q, gamma = parameters.T
        n, money = table.n, gamma + table.money
        ends, log_money = p * n + q, np.log(money)
        psi, psi_1 = digamma(ends), zeta(2, ends)
        gradient = np.stack(
            [
                n * (psi - digamma(p) - log_money + table.mean),
                psi - digamma(q) + np.log(gamma) - log_money,
                q / gamma - ends / money,
            ],
            axis=-1,
        )
        hessian = np.empty((len(n), 3, 3))
        hessian[:, 0, 0] = n**2 * psi_1 - n * zeta(2, p)
        hessian[:, 0, 1] = hessian[:, 1, 0] = n * psi_1
        hessian[:, 0, 2] = hessian[:, 2, 0] = -n / money
        hessian[:, 1, 1] = psi_1 - zeta(2, q)
        hessian[:, 1, 2] = hessian[:, 2, 1] = 1 / gamma - 1 / money
        hessian[:, 2, 2] = -q / gamma**2 + ends / money**2
        value = self.log_likelihood(theta, table)
        return natural_to_log(Moments(value, gradient, hessian), parameters)

    def moments(self, theta: Float[np.ndarray, " 3"], table: Amounts) -> Moments:
        """Weighted sums over the rows at one θ."""
        rows = self.row_moments(np.tile(theta, (len(table), 1)), table)
        weight = table.weight
        hessian = np.einsum("r,rij->ij", weight, rows.hessian)
        return Moments(np.asarray(weight @ rows.value), weight @ rows.gradient, hessian)
