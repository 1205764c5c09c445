"""(M)BG/CNBD-k: purchases are every k-th event of a Poisson process, dropout may follow each.

Platzer & Reutterer (2016); Reutterer, Platzer & Schröder (2021), Leveraging purchase regularity
for predicting customer behavior the easy way, IJRM 38(1). Times between purchases are
Erlang(k, λ), λ ~ Gamma(r, alpha); after each of y purchases (x, or x + 1 with the first one) the
customer leaves with probability p ~ Beta(a, b). With n = r + k x and g = T - t_x,

    L = e^((k-1) log_gaps) / Γ(k)^x · Γ(n)/Γ(r) α^r · B(a, b+y)/B(a, b)
        · [ Σ_(j<k) Γ(n+j)/(Γ(n) j!) g^j (α+T)^-(n+j) + 1{y>0} a/(b+y-1) (α+t_x)^-n ].

The bracket is a mixture: alive with j events of the next purchase behind it, or gone. With p its
weights and t the logarithms of its terms, the gradient is E_p[∂t], the Hessian
E_p[∂²t] + Cov_p(∂t). k = 1 is (M)BG/NBD.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
from jaxtyping import Float
from scipy.special import gammaln

from patronage.models.likelihoods import beta_geometric
from patronage.models.likelihoods.base import Limit, Moments, natural_to_log
from patronage.models.likelihoods.purchasing import log_rising
from patronage.models.likelihoods.timed_histories import TimedHistories

__all__ = ["BetaGeometricErlangLikelihood", "phases"]

Parameter = float | Float[np.ndarray, " rows"]


def phases(
    n: Float[np.ndarray, " rows"], share: Float[np.ndarray, " rows"], k: int
) -> Float[np.ndarray, "phases rows"]:
    """ln of Γ(n+j)/(Γ(n) j!) share^j for j < k: what the silence says of the events within it.

    share : (T - t_x) / (alpha + T)
    """
    found = np.zeros((k, len(n)))
    with np.errstate(divide="ignore"):
        log_share = np.log(share)
    for j in range(1, k):
        found[j] = found[j - 1] + log_share + np.log((n + (j - 1)) / j)
    return found


class _Mixture(NamedTuple):
    """The bracket over (α+T)^-n: log of its sum, weights, and first and second slopes of terms.

    Terms are k phases, then having left; slopes in n, alpha, a, b.
    """

    log_sum: Float[np.ndarray, " rows"]
    weights: Float[np.ndarray, "terms rows"]
    slope: Float[np.ndarray, "4 terms rows"]
    n_n: Float[np.ndarray, "terms rows"]
    n_alpha: Float[np.ndarray, "terms rows"]
    alpha_alpha: Float[np.ndarray, "terms rows"]
    per_b: Float[np.ndarray, " rows"]


@final
@dataclass(frozen=True)
class BetaGeometricErlangLikelihood:
    """θ = ln (r, alpha, a, b), for a k that is given.

    Attributes
    ----------
    k : events per purchase
    modified : MBG/CNBD-k, where a customer may leave right after the first purchase already
    """

    k: int
    modified: bool
    parameter_names: tuple[str, ...] = ("r", "alpha", "a", "b")
    unit_bearing: tuple[int, ...] = (0, 1, 0, 0)
    limits: tuple[Limit, ...] = beta_geometric.LIMITS

    @property
    def effects(self) -> Mapping[str, tuple[float, ...]]:
        """On the purchase rate, and on the odds of dropping out."""
        return beta_geometric.EFFECTS

    def starts(self, table: TimedHistories) -> Float[np.ndarray, "starts 4"]:
        """Those of (M)BG/NBD, with k events per purchase."""
        return np.asarray(beta_geometric.starts(table.plain) - np.log(self.k) * np.eye(4)[1])

    def log_likelihood(
        self, theta: Float[np.ndarray, "*rows 4"], table: TimedHistories
    ) -> Float[np.ndarray, " rows"]:
        """Of each row, at one θ or its own."""
        found = np.empty(len(table))
        for first in range(0, len(table), 8192):
            rows = slice(first, first + 8192)
            part = table.take(rows)
            parameters = np.exp(theta[rows] if theta.ndim == 2 else theta)
            r, alpha, a, b = parameters.T
            found[rows] = (
                self._outside(r, alpha, a, b, part) + self._mixture(r, alpha, a, b, part).log_sum
            )
        return found

    def row_moments(self, theta: Float[np.ndarray, "rows 4"], table: TimedHistories) -> Moments:
        """Value, gradient and Hessian of each row at its own θ."""
        parameters = np.exp(theta)
        r, alpha, a, b = parameters.T
        n, y = r + self.k * table.x, table.x + self.modified
        _, rising_1, rising_2 = log_rising(r, self.k * table.x)
        _, left_b1, left_b2 = log_rising(b, y)
        _, left_ab1, left_ab2 = log_rising(a + b, y)
        log_T, per_T = np.log(alpha + table.T), 1 / (alpha + table.T)
        mix = self._mixture(r, alpha, a, b, table)

        value = self._outside(r, alpha, a, b, table) + mix.log_sum
        gradient = np.stack(
            [rising_1 + np.log(alpha) - log_T, r / alpha - n * per_T, -left_ab1, left_b1 - left_ab1]
        )
        weighted = mix.weights * mix.slope
        mean = weighted.sum(axis=1)
        hessian = np.einsum("itr,jtr->rij", weighted, mix.slope)
        hessian -= np.einsum("ir,jr->rij", mean, mean)
        gone = mix.weights[-1]
        hessian[:, 0, 0] += rising_2 + np.sum(mix.weights * mix.n_n, axis=0)
        hessian[:, 0, 1] += 1 / alpha - per_T + np.sum(mix.weights * mix.n_alpha, axis=0)
        hessian[:, 1, 1] += -r / alpha**2 + n * per_T**2
        hessian[:, 1, 1] += np.sum(mix.weights * mix.alpha_alpha, axis=0)
        hessian[:, 2, 2] -= left_ab2 + gone / a**2
        hessian[:, 2, 3] -= left_ab2
        hessian[:, 3, 3] += left_b2 - left_ab2 + gone * mix.per_b**2
        hessian[:, 1, 0], hessian[:, 3, 2] = hessian[:, 0, 1], hessian[:, 2, 3]
        return natural_to_log(Moments(value, (gradient + mean).T, hessian), parameters)

    def moments(self, theta: Float[np.ndarray, " 4"], table: TimedHistories) -> Moments:
        """Weighted sums over the rows at one θ."""
        value, gradient, hessian = 0.0, np.zeros(4), np.zeros((4, 4))
        for part in table.chunks():
            rows = self.row_moments(np.broadcast_to(theta, (len(part), 4)), part)
            value += float(part.weight @ rows.value)
            gradient += part.weight @ rows.gradient
            hessian += np.einsum("r,rij->ij", part.weight, rows.hessian)
        return Moments(np.asarray(value), gradient, hessian)

    def _outside(
        self, r: Parameter, alpha: Parameter, a: Parameter, b: Parameter, table: TimedHistories
    ) -> Float[np.ndarray, " rows"]:
        """All but the bracket, with (α+T)^-n that is taken out of it."""
        events, y = self.k * table.x, table.x + self.modified
        timing = (self.k - 1) * table.log_gaps - table.x * gammaln(self.k)
        stayed = log_rising(b, y)[0] - log_rising(np.add(a, b), y)[0]
        purchasing = log_rising(r, events)[0] + r * np.log(alpha)
        return np.asarray(timing + stayed + purchasing - (r + events) * np.log(alpha + table.T))

    def _mixture(
        self, r: Parameter, alpha: Parameter, a: Parameter, b: Parameter, table: TimedHistories
    ) -> _Mixture:
        n, y = r + self.k * table.x, table.x + self.modified
        since_T, since_t = alpha + table.T, alpha + table.t_x
        log_ratio = np.log(since_T / since_t)
        per_b = np.broadcast_to(1 / (b + np.maximum(y, 1) - 1), y.shape)
        shape = (self.k + 1, len(n))
        terms = np.empty(shape)
        terms[:-1] = phases(n, (table.T - table.t_x) / since_T, self.k)
        terms[-1] = np.where(y > 0, n * log_ratio + np.log(a * per_b), -np.inf)
        highest = terms.max(axis=0)
        weights = np.exp(terms - highest)
        total = weights.sum(axis=0)

        slope, n_n = np.zeros((4, *shape)), np.zeros(shape)
        n_alpha, alpha_alpha = np.zeros(shape), np.zeros(shape)
        # Phases: ∂_n = ψ(n+j) - ψ(n), a finite sum; ∂_α = -j/(α+T).
        for j in range(1, self.k):
            slope[0, j] = slope[0, j - 1] + 1 / (n + (j - 1))
            n_n[j] = n_n[j - 1] - 1 / (n + (j - 1)) ** 2
            slope[1, j] = -j / since_T
            alpha_alpha[j] = j / since_T**2
        gap = 1 / since_T - 1 / since_t
        slope[0, -1], slope[1, -1] = log_ratio, n * gap
        slope[2, -1], slope[3, -1] = 1 / a, -per_b
        n_alpha[-1] = gap
        alpha_alpha[-1] = -n * gap * (1 / since_T + 1 / since_t)
        return _Mixture(
            highest + np.log(total), weights / total, slope, n_n, n_alpha, alpha_alpha, per_b
        )
