"""The Gamma-Gamma likelihood of what a customer spends per purchase.

Fader & Hardie (2013), The gamma-gamma model of monetary value. Each purchase ~ Gamma(p, rate ν),
and ν ~ Gamma(q, rate γ) over customers, so that the mean m of n purchases has the density

    f(m) = Γ(pn+q) / (Γ(pn) Γ(q)) · γ^q m^(pn-1) n^(pn) / (γ + n m)^(pn+q),

the form whose log-likelihood on CDNOW is -4055.9; others drop terms without parameters.

Where the first purchase's amount z is known apart from the mean m of the n repeat purchases, the
two are seen jointly (independent given ν), with N = n + 1 purchases of M = n m + z in all:

    f(m, z) = Γ(pN+q) / (Γ(pn) Γ(p) Γ(q)) · γ^q m^(pn-1) n^(pn) z^(p-1) / (γ + M)^(pN+q)

Why not one mean of all N: the mean does not show how much a customer's own purchases differ. On
CDNOW p is 6.3 from means of repeats alone but 4.0 jointly, and a posterior that believes 6.3 trusts
a single purchase too much.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy.special import digamma, gammaln, zeta

from patronage.models.likelihoods.base import (
    Column,
    Limit,
    Moments,
    natural_to_log,
    packed_to_log,
    unpacked,
)

__all__ = ["GammaGammaLikelihood", "Spends", "log_likelihood"]

Parameter = float | Float[np.ndarray, " rows"]


@dataclass(frozen=True)
class Spends:
    """One row per customer (or per group of equal ones), with at least one amount.

    Attributes
    ----------
    n : number of repeat purchases (or of all, where `first` is not told apart)
    mean : their mean money, above 0; not looked at where n is 0
    weight : number of customers
    first : money of the first purchase where it is an observation of its own, else 0
    """

    n: Float[np.ndarray, " rows"]
    mean: Float[np.ndarray, " rows"]
    weight: Float[np.ndarray, " rows"]
    first: Float[np.ndarray, " rows"]

    @classmethod
    def of_means(
        cls,
        n: Float[np.ndarray, " rows"],
        mean: Float[np.ndarray, " rows"],
        weight: Float[np.ndarray, " rows"],
    ) -> "Spends":
        """Means alone, as in the paper."""
        return cls(n, mean, weight, np.zeros_like(n))

    @cached_property
    def purchases(self) -> Float[np.ndarray, " rows"]:
        """N, purchases seen in all."""
        return np.asarray(self.n + (self.first > 0))

    @cached_property
    def money(self) -> Float[np.ndarray, " rows"]:
        """M, their money."""
        return np.asarray(np.where(self.n > 0, self.n * self.mean, 0.0) + self.first)

    @cached_property
    def log_parts(self) -> tuple[Float[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
        """Σ n ln(n m) and Σ ln m over the one or two parts of each row."""
        repeats = np.log(np.where(self.n > 0, self.mean, 1.0))
        first = np.log(np.where(self.first > 0, self.first, 1.0))
        return self.n * (repeats + np.log(np.maximum(self.n, 1))) + first, repeats + first

    @cached_property
    def unit(self) -> float:
        """The geometric mean spend, which no single huge order can move."""
        logs = np.log(self.money / self.purchases)
        return float(np.exp(self.weight @ logs / self.weight.sum()))

    @cached_property
    def unit_power(self) -> float:
        """Each part of each row is a density in money."""
        return float(self.weight @ ((self.n > 0).astype(float) + (self.first > 0)))

    @cached_property
    def part_sizes(self) -> tuple[Float[np.ndarray, " values"], Float[np.ndarray, " values"]]:
        """The distinct sizes of parts, and the weight of each."""
        sizes = np.concatenate([self.n[self.n > 0], np.ones(int((self.first > 0).sum()))])
        weights = np.concatenate([self.weight[self.n > 0], self.weight[self.first > 0]])
        return _weighed(sizes, weights)

    @cached_property
    def totals(self) -> tuple[Float[np.ndarray, " values"], Float[np.ndarray, " values"]]:
        """The distinct N, and the weight of each."""
        return _weighed(self.purchases, self.weight)

    @cached_property
    def listed(
        self,
    ) -> tuple[tuple[Float[np.ndarray, " values"], Int[np.ndarray, " rows"]], ...]:
        """The distinct N and n, and the place of each row's among them."""
        N, at = np.unique(self.purchases, return_inverse=True)
        n, own_at = np.unique(self.n, return_inverse=True)
        return (N, at), (n, own_at)

    @cached_property
    def all_equal(self) -> bool:
        """Whether all customers spend the same per purchase: then there is nothing to fit."""
        means = self.money / self.purchases
        return float(np.ptp(means)) <= 1e-9 * float(means.max())

    def __len__(self) -> int:
        return len(self.n)

    @property
    def columns(self) -> tuple[Float[np.ndarray, " rows"], ...]:
        """n, mean and first."""
        return self.n, self.mean, self.first

    def grouped(
        self, first: Int[np.ndarray, " groups"], weight: Float[np.ndarray, " groups"]
    ) -> "Spends":
        """The rows `first`, each standing for its group, with the weights given."""
        return Spends(self.n[first], self.mean[first], weight, self.first[first])

    def take(self, rows: Shaped[np.ndarray, " taken"] | slice) -> "Spends":
        """Some of the rows."""
        return Spends(self.n[rows], self.mean[rows], self.weight[rows], self.first[rows])

    def rescaled(self, unit: float) -> "Spends":
        """The same rows with money divided by `unit`."""
        return Spends(self.n, self.mean / unit, self.weight, self.first / unit)

    def thinned(self, every: int) -> "Spends":
        """Every so-many-th row."""
        return self.take(slice(every // 2, None, every))


def _weighed(
    values: Float[np.ndarray, " rows"], weights: Float[np.ndarray, " rows"]
) -> tuple[Float[np.ndarray, " values"], Float[np.ndarray, " values"]]:
    distinct, inverse = np.unique(values, return_inverse=True)
    return distinct, np.bincount(inverse, weights=weights)


def log_likelihood(
    p: Parameter, q: Parameter, gamma: Parameter, spends: Spends
) -> Float[np.ndarray, " rows"]:
    """ln f of each row (module docstring), unweighted.

    Parameters
    ----------
    p, q, gamma : gamma in money; all three numbers, or one value per row
    """
    logs, log_means = spends.log_parts
    pN, pn = p * spends.purchases, np.where(spends.n > 0, p * spends.n, 1.0)
    own = gammaln(pn) + np.where(spends.first > 0, gammaln(p), 0.0)
    return np.asarray(
        gammaln(pN + q)
        - gammaln(q)
        - own
        + q * np.log(gamma)
        + p * logs
        - log_means
        - (pN + q) * np.log(gamma + spends.money)
    )


def _of_totals(
    p: Parameter, q: Parameter, N: Float[np.ndarray, " values"]
) -> tuple[Float[np.ndarray, " values"], ...]:
    """ln Γ(pN+q) and what its derivatives are made of."""
    ends = p * N + q
    return gammaln(ends), digamma(ends), zeta(2, ends)


def _of_parts(
    p: Parameter, n: Float[np.ndarray, " values"]
) -> tuple[Float[np.ndarray, " values"], ...]:
    """ln Γ(pn) and its derivatives by p; of no purchases as of a constant."""
    pn = np.where(n > 0, p * n, 1.0)
    return gammaln(pn), n * digamma(pn), n**2 * zeta(2, pn)


@final
@dataclass(frozen=True)
class GammaGammaLikelihood:
    """θ = ln (p, q, gamma)."""

    parameter_names: tuple[str, ...] = ("p", "q", "gamma")
    unit_bearing: tuple[int, ...] = (0, 0, 1)
    limits: tuple[Limit, ...] = (
        Limit("spend", (0, 1, 1), "one spend level", "customers do not differ in what they spend"),
        Limit("spend", (-1, 1, 0), "one spend level", "customers do not differ in what they spend"),
        Limit("spend", (1, 0, -1), "constant spend", "a customer spends the same each time"),
        Limit("spend", (1, 1, 0), "equal amounts", "nearly all purchases cost the same"),
    )

    @property
    def effects(self) -> Mapping[str, tuple[float, ...]]:
        """On the mean spend, which is in proportion to gamma."""
        return {"spend": (0.0, 0.0, 1.0)}

    def starts(self, table: Spends) -> Float[np.ndarray, "starts 3"]:
        """Levels that spread from much to little, with the mean spend near 1."""
        del table
        shapes = np.array([[5.0, 4.0], [1.0, 2.0], [2.0, 20.0], [50.0, 4.0], [50.0, 50.0]])
        levels = (shapes[:, 1] - 0.5) / shapes[:, 0]
        return np.asarray(np.log(np.column_stack([shapes, levels])))

    def log_likelihood(
        self, theta: Float[np.ndarray, "*rows 3"], table: Spends
    ) -> Float[np.ndarray, " rows"]:
        """Of each row, at one θ or its own."""
        p, q, gamma = np.exp(theta).T
        return log_likelihood(p, q, gamma, table)

    def row_moments(self, theta: Float[np.ndarray, "rows 3"], table: Spends) -> Moments:
        """Value, gradient and Hessian of each row at its own θ."""
        return unpacked(self.packed_moments(list(theta.T), table), 3)

    def packed_moments(
        self, theta: Sequence[Column], table: Spends
    ) -> Float[np.ndarray, "10 rows"]:
        """The same, packed; functions of counts alone over distinct counts."""
        p, q, gamma = own = [np.exp(column) for column in theta]
        if np.ndim(p) == np.ndim(q) == 0:
            (N, at), (n, own_at) = table.listed
            of_all = tuple(part[at] for part in _of_totals(p, q, N))
            of_parts = tuple(part[own_at] for part in _of_parts(p, n))
        else:
            of_all, of_parts = _of_totals(p, q, table.purchases), _of_parts(p, table.n)
        N, (logs, log_means) = table.purchases, table.log_parts
        has_first = table.first > 0
        own_0, own_1, own_2 = (
            part + has_first * first
            for part, first in zip(of_parts, (gammaln(p), digamma(p), zeta(2, p)), strict=True)
        )
        ended, psi, trigamma = of_all
        money, ends = gamma + table.money, p * N + q
        log_money, per_money = np.log(money), 1 / money
        log_gamma = theta[2]
        found = np.empty((10, len(N)))
        found[0] = ended - gammaln(q) - own_0 + q * log_gamma + p * logs - log_means
        found[0] -= ends * log_money
        found[1] = N * (psi - log_money) + logs - own_1
        found[2] = psi - digamma(q) + log_gamma - log_money
        found[3] = q / gamma - ends * per_money
        found[4] = N**2 * trigamma - own_2
        found[5] = N * trigamma
        found[6] = trigamma - zeta(2, q)
        found[7] = -N * per_money
        found[8] = 1 / gamma - per_money
        found[9] = ends * per_money**2 - q / gamma**2
        return packed_to_log(found, own)

    def moments(self, theta: Float[np.ndarray, " 3"], table: Spends) -> Moments:
        """Weighted sums over the rows at one θ; terms in counts alone over distinct counts."""
        parameters = np.exp(theta)
        p, q, gamma = (float(value) for value in parameters)
        (n, n_weight), (N, N_weight) = table.part_sizes, table.totals
        total = float(N_weight.sum())
        trigamma = zeta(2, p * N + q)

        w, wN = table.weight, table.weight * table.purchases
        money = gamma + table.money
        log_money, per_money, ends = np.log(money), 1 / money, p * wN + q * w
        logs, log_means = table.log_parts
        value = (
            float(N_weight @ gammaln(p * N + q) - n_weight @ gammaln(p * n))
            + total * (q * np.log(gamma) - float(gammaln(q)))
            + float(w @ (p * logs - log_means) - ends @ log_money)
        )
        psi = digamma(p * N + q)
        gradient = np.array(
            [
                (N_weight * N) @ psi - (n_weight * n) @ digamma(p * n) + w @ logs - wN @ log_money,
                N_weight @ psi - w @ log_money + total * (np.log(gamma) - float(digamma(q))),
                total * q / gamma - ends @ per_money,
            ]
        )
        hessian = np.empty((3, 3))
        hessian[0, 0] = (N_weight * N**2) @ trigamma - (n_weight * n**2) @ zeta(2, p * n)
        hessian[0, 1] = hessian[1, 0] = (N_weight * N) @ trigamma
        hessian[0, 2] = hessian[2, 0] = -(wN @ per_money)
        hessian[1, 1] = N_weight @ trigamma - total * float(zeta(2, q))
        hessian[1, 2] = hessian[2, 1] = total / gamma - w @ per_money
        hessian[2, 2] = ends @ per_money**2 - total * q / gamma**2
        return natural_to_log(Moments(np.asarray(value), gradient, hessian), parameters)
