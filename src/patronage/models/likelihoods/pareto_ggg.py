"""The Pareto/GGG likelihood: each customer has a rate, a dropout rate and a regularity of its own.

Platzer & Reutterer (2016), Ticking away the moments, Marketing Science 35(5). Gaps are
Gamma(k, k λ) with k ~ Gamma(t, gamma) and λ ~ Gamma(r, alpha); dropout at μ ~ Gamma(s, beta).
Given k, λ can be integrated out. With n = r + k x and c = α + k t_x, the next gap g, were there no
dropout, would have k g / c = Beta(k, n) odds, of density f; the history says that the next
purchase lies beyond T, or that the customer left before it:

    L = ∫ Gamma(k; t, γ) · e^((k-1) log_gaps) k^(kx) / Γ(k)^x · α^r Γ(n) / (Γ(r) c^n)
          · b(t_x) D(k) dk,         b(y) = (β / (β + y))^s,
    D = P(g > T - t_x) + ∫_0^(T-t_x) f(g) (1 - b(t_x + g) / b(t_x)) dg:

a sum of positive terms under an integral over k. Both integrals are sums over nodes, and
derivatives are taken under the sign, at fixed k and g: with p the weights over k of a row and t the
logarithm of a term, the gradient is E_p[∂t] and the Hessian E_p[∂²t] + Cov_p(∂t). k = 1 for
everybody (t = gamma → ∞) is Pareto/NBD.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float
from scipy.special import betainc, betaln, digamma, gammaln, zeta

from patronage.models.likelihoods.base import Limit, Moments, natural_to_log
from patronage.models.likelihoods.gap_shape import fit_shape
from patronage.models.likelihoods.pareto_ggg_nodes import (
    CUT,
    LogNodes,
    gap_window,
    power_nodes,
    shape_nodes,
    timing,
)
from patronage.models.likelihoods.pareto_nbd import ParetoNBDLikelihood
from patronage.models.likelihoods.timed_histories import TimedHistories
from patronage.models.likelihoods.trigamma import trigamma

__all__ = ["ParetoGGGLikelihood", "log_reached", "seen_gap"]

Parameter = float | Float[np.ndarray, " rows"]
Cells = Float[np.ndarray, "*k rows"]
Nodes = Float[np.ndarray, "gaps k rows"]

N_SHAPES: Final = 32
N_GAPS: Final = 28
# Numbers in an array of gaps × shapes × rows: an eighth of a megabyte.
_CELLS: Final = 16_384
# Rows whose nodes over k are found together.
_BLOCK: Final = 4096


class _Gap(NamedTuple):
    """Nodes over the next gap, as far as it would have been seen.

    f is the weight of a node; odds = k gap / c and spread = ln(1 + odds). The sums leave out e^-27
    and what lies left of the nodes, `start`, where the gap is as good as none.
    """

    f: Float[np.ndarray, "gaps k rows"]
    odds: Float[np.ndarray, "gaps k rows"]
    spread: Float[np.ndarray, "gaps k rows"]
    start: Cells


def seen_gap(
    k: Cells, n: Cells, c: Cells, silence: Float[np.ndarray, " rows"], n_nodes: int = N_GAPS
) -> _Gap:
    """The density of the next gap from 0 to the silence T - t_x."""
    some = silence > 0
    last = np.log(k * np.where(some, silence, 1.0) / c)
    low, high = gap_window(k, n, None, last, extra=1.0)
    nodes = power_nodes(low, high, n_nodes)
    spread = np.log1p(nodes.at)
    f = k * nodes.v
    f -= (n + k) * spread
    beta = betaln(k, n)
    f -= beta
    np.exp(f, out=f)
    f *= nodes.weight
    log_start = k * low - (n + k) * np.logaddexp(0.0, low) - beta
    start = np.exp(log_start) / k
    if not some.all():
        f[:, :, ~some], start[:, ~some] = 0.0, 0.0
    return _Gap(f, nodes.at, spread, start)


def log_reached(
    k: Cells,
    n: Cells,
    c: Cells,
    s: Parameter,
    beta: Parameter,
    table: TimedHistories,
    n_gaps: int = N_GAPS,
) -> Cells:
    """ln D: of the next purchase to lie beyond T, or the customer to have left before it."""
    silence = table.T - table.t_x
    seen = seen_gap(k, n, c, silence, n_gaps)
    left = seen.odds * (c / (k * (beta + table.t_x)))
    np.log1p(left, out=left)
    left *= -s
    np.expm1(left, out=left)
    within = np.einsum("gkr,gkr->kr", seen.f, left)
    return np.asarray(np.log(betainc(n, k, c / (c + k * silence)) - within))


class _Slopes(NamedTuple):
    """ln of the terms over k of each row, and their first and second derivatives at fixed k."""

    log_term: Cells
    first: Float[np.ndarray, "6 k rows"]
    second: Float[np.ndarray, "6 6 k rows"]


def _slopes(
    nodes: LogNodes,
    r: Parameter,
    alpha: Parameter,
    s: Parameter,
    beta: Parameter,
    table: TimedHistories,
    n_gaps: int,
) -> _Slopes:
    k = np.exp(nodes.v)
    n, c = r + k * table.x, alpha + k * table.t_x
    silence, since = table.T - table.t_x, beta + table.t_x
    seen = seen_gap(k, n, c, silence, n_gaps)
    gone = seen.odds * (c / (k * since))
    z = seen.odds / (1 + seen.odds)
    m = np.log1p(gone)
    m_beta = gone / (1 + gone)
    m_beta /= -since
    u = np.exp(-s * m)
    u *= seen.f
    d = betainc(n, k, c / (c + k * silence)) + np.sum(seen.f - u, axis=0)

    # Slopes of ln f: in n as it is, in c times c / (n + k).
    start_n, start_c = digamma(n + k) - digamma(n), -k / c
    by_n = np.subtract(start_n, seen.spread, out=seen.spread)
    z -= k / (n + k)
    by_c, per = z, (n + k) / c

    def total(first: Nodes, second: Nodes) -> Cells:
        return np.asarray(np.einsum("gkr,gkr->kr", first, second))

    u_n, u_c, u_m, u_b = u * by_n, u * by_c, u * m, u * m_beta
    all_u = u.sum(axis=0)
    sum_n, sum_c, sum_m, sum_b = (part.sum(axis=0) for part in (u_n, u_c, u_m, u_b))
    whole = all_u + seen.start
    d_n, d_c = -sum_n - seen.start * start_n, -per * sum_c - seen.start * start_c
    d_s, d_b = sum_m, s * sum_b
    first = np.stack([nodes.v, -k, d_n / d, d_c / d, d_s / d, d_b / d])

    tri_n = trigamma(n)
    n_n = trigamma(n + k) - tri_n
    second = np.zeros((6, 6, *k.shape))
    second[2, 2] = -total(u_n, by_n) - seen.start * start_n**2 - n_n * whole
    # z = by_c + share: its sum, and that of z (1 - z).
    share, c_c = k / (n + k), total(u_c, by_c)
    sum_z = sum_c + share * all_u
    second[2, 3] = -per * total(u_n, by_c) - sum_z / c - seen.start * start_n * start_c
    bent = (per / c) * (sum_z - c_c - share * (2 * sum_c + share * all_u))
    second[3, 3] = -(per**2) * c_c - seen.start * start_c**2 - d_c / c + bent
    second[2, 4], second[3, 4] = total(u_n, m), per * total(u_c, m)
    second[2, 5], second[3, 5] = s * total(u_n, m_beta), s * per * total(u_c, m_beta)
    second[4, 4] = -total(u_m, m)
    second[4, 5] = sum_b - s * total(u_m, m_beta)
    second[5, 5] = -s * (2 * sum_b / since + (1 + s) * total(u_b, m_beta))
    second[2:, 2:] /= d
    for i in range(2, 6):
        for j in range(i, 6):
            second[i, j] -= first[i] * first[j]
            second[j, i] = second[i, j]
    first[2] += digamma(n) - np.log(c)
    first[3] -= n / c
    second[2, 2] += tri_n
    second[2, 3] -= 1 / c
    second[3, 2] -= 1 / c
    second[3, 3] += n / c**2
    return _Slopes(np.log(d) + timing(k, r, alpha, table), first, second)


def _starts(table: TimedHistories) -> Float[np.ndarray, "starts 6"]:
    found, _ = fit_shape(table)
    k = float(np.clip(found, 0.2, 30.0)) if np.isfinite(found) else 1.0
    shapes = np.log([[3.0, 3.0 / k], [10.0, 10.0 / k], [1.5, 1.5 / k], [3.0, 3.0], [1.5, 3.0 / k]])
    return np.hstack([shapes, ParetoNBDLikelihood().starts(table.plain)])


@final
@dataclass(frozen=True)
class ParetoGGGLikelihood:
    """θ = ln (t, gamma, r, alpha, s, beta).

    Attributes
    ----------
    n_shapes, n_gaps : nodes over k and over the next gap
    cut : the nodes over k end where the integrand is e^-cut of its height
    """

    n_shapes: int = N_SHAPES
    n_gaps: int = N_GAPS
    cut: float = CUT
    parameter_names: tuple[str, ...] = ("t", "gamma", "r", "alpha", "s", "beta")
    unit_bearing: tuple[int, ...] = (0, 0, 0, 1, 0, 1)
    limits: tuple[Limit, ...] = (
        Limit("timing", (1, 1), "one regularity", "customers are equally regular"),
        Limit("timing", (0, -1), "clockwork", "customers buy at equal intervals"),
        Limit("timing", (1, 0), "clockwork", "customers buy at equal intervals"),
        Limit("timing", (-1, -1), "clockwork", "some buy at equal intervals, others in bursts"),
        Limit("timing", (0, 1), "bursts", "purchases come in bursts"),
        Limit("timing", (-1, 0), "bursts", "purchases come in bursts"),
        *(
            Limit(limit.about, (0, 0, *limit.direction), limit.nested, limit.meaning)
            for limit in ParetoNBDLikelihood().limits
        ),
    )

    @property
    def rough(self) -> "ParetoGGGLikelihood":
        """With a third of the nodes."""
        return replace(self, n_shapes=20, n_gaps=16, cut=20.0)

    @property
    def effects(self) -> Mapping[str, tuple[float, ...]]:
        """On the purchase rate λ, on the dropout rate μ and on the regularity k."""
        return {
            "purchases": (0.0, 0.0, 0.0, -1.0, 0.0, 0.0),
            "dropout": (0.0, 0.0, 0.0, 0.0, 0.0, -1.0),
            "regularity": (0.0, -1.0, 0.0, 0.0, 0.0, 0.0),
        }

    def starts(self, table: TimedHistories) -> Float[np.ndarray, "starts 6"]:
        """Moments of the rates; the regularity that the shares of the gaps show, and others."""
        return _starts(table)

    def log_likelihood(
        self, theta: Float[np.ndarray, "*rows 6"], table: TimedHistories
    ) -> Float[np.ndarray, " rows"]:
        """Of each row, at one θ or its own."""
        found = np.empty(len(table))
        for rows, parameters, part, nodes in self._parts(theta, table):
            t, gamma, r, alpha, s, beta = parameters
            k = np.exp(nodes.v)
            terms = nodes.log_weight + t * nodes.v - gamma * k + timing(k, r, alpha, part)
            n, c = r + k * part.x, alpha + k * part.t_x
            terms += log_reached(k, n, c, s, beta, part, self.n_gaps)
            outside = t * np.log(gamma) - gammaln(t) + r * np.log(alpha) - gammaln(r)
            outside = outside - s * np.log1p(part.t_x / beta)
            value = outside + np.logaddexp.reduce(terms, axis=0)
            found[rows] = np.where(part.T > 0, value, 0.0)
        return found

    def row_moments(self, theta: Float[np.ndarray, "*rows 6"], table: TimedHistories) -> Moments:
        """Value, gradient and Hessian of each row at its own θ."""
        value = np.empty(len(table))
        gradient, hessian = np.empty((len(table), 6)), np.empty((len(table), 6, 6))
        for rows, parameters, part, nodes in self._parts(theta, table):
            found = _row_moments(parameters, part, nodes, self.n_gaps)
            value[rows], gradient[rows], hessian[rows] = found
        return natural_to_log(Moments(value, gradient, hessian), np.exp(theta))

    def moments(self, theta: Float[np.ndarray, " 6"], table: TimedHistories) -> Moments:
        """Weighted sums over the rows at one θ."""
        rows, weight = self.row_moments(theta, table), table.weight
        hessian = np.einsum("r,rij->ij", weight, rows.hessian)
        return Moments(np.asarray(weight @ rows.value), weight @ rows.gradient, hessian)

    def _parts(
        self, theta: Float[np.ndarray, "*rows 6"], table: TimedHistories
    ) -> Iterator[tuple[slice, tuple[Parameter, ...], TimedHistories, LogNodes]]:
        """Runs of rows with their parameters and their nodes over k."""
        size = max(1, _CELLS // (self.n_shapes * self.n_gaps))
        for start in range(0, len(table), _BLOCK):
            block = table.take(slice(start, start + _BLOCK))
            t, gamma, r, alpha, *_ = _natural(theta, slice(start, start + _BLOCK))
            v, log_weight = shape_nodes(
                t, gamma, r, alpha, block, n_nodes=self.n_shapes, cut=self.cut
            )
            for first in range(0, len(block), size):
                here = slice(first, first + size)
                rows = slice(start + first, min(start + first + size, start + len(block)))
                nodes = LogNodes(v[:, here], log_weight[:, here])
                yield rows, _natural(theta, rows), block.take(here), nodes


def _natural(theta: Float[np.ndarray, "*rows 6"], rows: slice) -> tuple[Parameter, ...]:
    return tuple(np.exp(theta[rows] if theta.ndim == 2 else theta).T)


def _row_moments(
    parameters: tuple[Parameter, ...], part: TimedHistories, nodes: LogNodes, n_gaps: int
) -> Moments:
    """By the natural parameters."""
    t, gamma, r, alpha, s, beta = parameters
    found = _slopes(nodes, r, alpha, s, beta, part, n_gaps)
    terms = nodes.log_weight + t * nodes.v - gamma * np.exp(nodes.v) + found.log_term
    highest = terms.max(axis=0)
    p = np.exp(terms - highest)
    total = p.sum(axis=0)
    p /= total

    value = t * np.log(gamma) - gammaln(t) + r * np.log(alpha) - gammaln(r)
    value = value - s * np.log1p(part.t_x / beta) + highest + np.log(total)
    weighted = found.first * p
    mean = weighted.sum(axis=1)
    hessian = np.einsum("ikr,jkr->rij", weighted, found.first)
    hessian += np.einsum("kr,ijkr->rij", p, found.second)
    hessian -= np.einsum("ir,jr->rij", mean, mean)
    since = beta + part.t_x
    by_beta = part.t_x / (beta * since)
    outside = (
        np.log(gamma) - digamma(t),
        t / gamma,
        np.log(alpha) - digamma(r),
        r / alpha,
        -np.log1p(part.t_x / beta),
        s * by_beta,
    )
    gradient = mean.T + np.stack(np.broadcast_arrays(*outside), axis=1)
    for row, column, term in (
        (0, 0, -zeta(2, t)),
        (0, 1, 1 / gamma),
        (1, 0, 1 / gamma),
        (1, 1, -t / gamma**2),
        (2, 2, -zeta(2, r)),
        (2, 3, 1 / alpha),
        (3, 2, 1 / alpha),
        (3, 3, -r / alpha**2),
        (4, 5, by_beta),
        (5, 4, by_beta),
        (5, 5, s * (1 / since**2 - 1 / beta**2)),
    ):
        hessian[:, row, column] += term
    # Why: what is seen for no time is certain, and the nodes over k may be too few to say so.
    nothing = part.T <= 0
    value[nothing], gradient[nothing], hessian[nothing] = 0.0, 0.0, 0.0
    return Moments(value, gradient, hessian)
