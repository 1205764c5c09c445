"""The Gamma-Gamma likelihood of the mean spend of a customer's purchases.

Fader & Hardie (2013), The gamma-gamma model of monetary value. Each purchase ~ Gamma(p, rate ν),
and ν ~ Gamma(q, rate γ) over customers, so that the mean m of n purchases has the density

    f(m) = Γ(pn+q) / (Γ(pn) Γ(q)) · γ^q m^(pn-1) n^(pn) / (γ + n m)^(pn+q),

the form whose log-likelihood on CDNOW is -4055.9; others drop terms without parameters.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self, final

import numpy as np
from jaxtyping import Float
from scipy.special import digamma, gammaln, zeta

from patronage.models.likelihoods.base import Limit, Moments, natural_to_log

__all__ = ["GammaGammaLikelihood", "Spends", "log_likelihood"]

Parameter = float | Float[np.ndarray, " rows"]


@dataclass(frozen=True)
class Spends:
    """One row per customer (or per group of equal ones).

    Attributes
    ----------
    n : number of purchases, 1 or more
    mean : their mean money, above 0
    weight : number of customers
    """

    n: Float[np.ndarray, " rows"]
    mean: Float[np.ndarray, " rows"]
    weight: Float[np.ndarray, " rows"]

    @cached_property
    def unit(self) -> float:
        """The geometric mean spend, which no single huge order can move."""
        return float(np.exp(self.weight @ np.log(self.mean) / self.weight.sum()))

    @cached_property
    def unit_power(self) -> float:
        """Each row is one density in money."""
        return float(self.weight.sum())

    @cached_property
    def counts(self) -> tuple[Float[np.ndarray, " values"], Float[np.ndarray, " values"]]:
        """The distinct n and the weight of each."""
        values, inverse = np.unique(self.n, return_inverse=True)
        return values, np.bincount(inverse, weights=self.weight)

    def rescaled(self, unit: float) -> Self:
        """The same rows with money divided by `unit`."""
        return type(self)(self.n, self.mean / unit, self.weight)

    def thinned(self, every: int) -> Self:
        """Every so-many-th row."""
        step = slice(every // 2, None, every)
        return type(self)(self.n[step], self.mean[step], self.weight[step])


def log_likelihood(
    p: Parameter,
    q: Parameter,
    gamma: Parameter,
    n: Float[np.ndarray, " rows"],
    mean: Float[np.ndarray, " rows"],
) -> Float[np.ndarray, " rows"]:
    """ln f(mean) of each row (module docstring).

    Parameters
    ----------
    p, q, gamma : gamma in money; all three numbers, or one value per row
    n, mean : number of purchases, and their mean money
    """
    pn = p * n
    return np.asarray(
        gammaln(pn + q)
        - gammaln(pn)
        - gammaln(q)
        + q * np.log(gamma)
        + (pn - 1) * np.log(mean)
        + pn * np.log(n)
        - (pn + q) * np.log(gamma + n * mean)
    )


@final
@dataclass(frozen=True)
class GammaGammaLikelihood:
    """θ = ln (p, q, gamma)."""

    parameter_names: tuple[str, ...] = ("p", "q", "gamma")
    unit_bearing: tuple[bool, ...] = (False, False, True)
    limits: tuple[Limit, ...] = (
        Limit("spend", (0, 1, 1), "one spend level", "customers do not differ in what they spend"),
        Limit("spend", (-1, 1, 0), "one spend level", "customers do not differ in what they spend"),
        Limit("spend", (1, 0, -1), "constant spend", "a customer spends the same each time"),
        Limit("spend", (1, 1, 0), "equal amounts", "nearly all purchases cost the same"),
    )

    def starts(self, table: Spends) -> Float[np.ndarray, "starts 3"]:
        """Levels that spread from much to little, with the mean spend near 1."""
        del table
        shapes = np.array([[5.0, 4.0], [1.0, 2.0], [2.0, 20.0], [50.0, 4.0], [50.0, 50.0]])
        levels = (shapes[:, 1] - 0.5) / shapes[:, 0]
        return np.asarray(np.log(np.column_stack([shapes, levels])))

    def row_moments(self, theta: Float[np.ndarray, "rows 3"], table: Spends) -> Moments:
        """Value, gradient and Hessian of each row at its own θ."""
        parameters = np.exp(theta)
        p, q, gamma = parameters.T
        n, pn, money = table.n, p * table.n, gamma + table.n * table.mean
        value = log_likelihood(p, q, gamma, n, table.mean)
        log_share = np.log(n * table.mean / money)
        gradient = np.stack(
            [
                n * (digamma(pn + q) - digamma(pn) + log_share),
                digamma(pn + q) - digamma(q) + np.log(gamma / money),
                q / gamma - (pn + q) / money,
            ],
            axis=-1,
        )
        hessian = np.empty((len(n), 3, 3))
        hessian[:, 0, 0] = n**2 * (zeta(2, pn + q) - zeta(2, pn))
        hessian[:, 0, 1] = hessian[:, 1, 0] = n * zeta(2, pn + q)
        hessian[:, 0, 2] = hessian[:, 2, 0] = -n / money
        hessian[:, 1, 1] = zeta(2, pn + q) - zeta(2, q)
        hessian[:, 1, 2] = hessian[:, 2, 1] = 1 / gamma - 1 / money
        hessian[:, 2, 2] = -q / gamma**2 + (pn + q) / money**2
        return natural_to_log(Moments(value, gradient, hessian), parameters)

    def moments(self, theta: Float[np.ndarray, " 3"], table: Spends) -> Moments:
        """Weighted sums over the rows at one θ; terms in n alone over its distinct values."""
        parameters = np.exp(theta)
        p, q, gamma = (float(value) for value in parameters)
        n, count = table.counts
        pn, total = p * n, float(count.sum())
        trigamma = zeta(2, pn + q)

        w, wn = table.weight, table.weight * table.n
        money = gamma + table.n * table.mean
        log_money, per_money = np.log(money), 1 / money
        log_total = np.log(money - gamma)
        ends = p * wn + q * w
        value = (
            float(count @ (gammaln(pn + q) - gammaln(pn)))
            + total * (q * np.log(gamma) - float(gammaln(q)))
            + float((p * wn) @ log_total - w @ np.log(table.mean) - ends @ log_money)
        )
        gradient = np.array(
            [
                float((count * n) @ (digamma(pn + q) - digamma(pn))) + wn @ (log_total - log_money),
                float(count @ digamma(pn + q))
                - w @ log_money
                + total * (np.log(gamma) - float(digamma(q))),
                total * q / gamma - ends @ per_money,
            ]
        )
        hessian = np.empty((3, 3))
        hessian[0, 0] = float((count * n**2) @ (trigamma - zeta(2, pn)))
        hessian[0, 1] = hessian[1, 0] = float((count * n) @ trigamma)
        hessian[0, 2] = hessian[2, 0] = -float(wn @ per_money)
        hessian[1, 1] = float(count @ trigamma) - total * float(zeta(2, q))
        hessian[1, 2] = hessian[2, 1] = total / gamma - float(w @ per_money)
        hessian[2, 2] = -total * q / gamma**2 + float(ends @ per_money**2)
        return natural_to_log(Moments(np.asarray(value), gradient, hessian), parameters)
