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

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float
from scipy.special import betainc, betaln, digamma, expit, gammaln, zeta

from patronage.models.likelihoods.base import Limit, Moments, natural_to_log
from patronage.models.likelihoods.gap_shape import fit_shape
from patronage.models.likelihoods.pareto_ggg_nodes import (
    LogNodes,
    gap_window,
    log_nodes,
    shape_nodes,
    timing,
)
from patronage.models.likelihoods.pareto_nbd import ParetoNBDLikelihood
from patronage.models.likelihoods.timed_histories import TimedHistories

__all__ = ["ParetoGGGLikelihood", "log_reached", "seen_gap"]

Parameter = float | Float[np.ndarray, " rows"]
Cells = Float[np.ndarray, "*k rows"]

N_SHAPES: Final = 40
N_GAPS: Final = 32
# Rows of a chunk: an array of gaps × shapes × rows takes half a megabyte.
_CHUNK: Final = 64


class _Gap(NamedTuple):
    """Nodes over the next gap, as far as it would have been seen.

    f is the weight of a node; the sums leave out e^-36 and what lies left of the nodes, `start`,
    where the gap is as good as none.
    """

    f: Float[np.ndarray, "gaps k rows"]
    gap: Float[np.ndarray, "gaps k rows"]
    log_odds: Float[np.ndarray, "gaps k rows"]
    start: Cells


def seen_gap(
    k: Cells, n: Cells, c: Cells, silence: Float[np.ndarray, " rows"], n_nodes: int = N_GAPS
) -> _Gap:
    """The density of the next gap from 0 to the silence T - t_x."""
    some = silence > 0
    last = np.log(k * np.where(some, silence, 1.0) / c)
    low, high = gap_window(k, n, None, last, extra=1.0)
    nodes = log_nodes(low, high, n_nodes)
    log_f = k * nodes.v - (n + k) * np.logaddexp(0.0, nodes.v) - betaln(k, n)
    f = np.where(some, np.exp(log_f + nodes.log_weight), 0.0)
    log_start = k * low - (n + k) * np.logaddexp(0.0, low) - betaln(k, n)
    start = np.where(some, np.exp(log_start) / k, 0.0)
    return _Gap(f, np.exp(nodes.v) * (c / k), nodes.v, start)


def log_reached(
    k: Cells, n: Cells, c: Cells, s: Parameter, beta: Parameter, table: TimedHistories
) -> Cells:
    """ln D: of the next purchase to lie beyond T, or the customer to have left before it."""
    silence = table.T - table.t_x
    seen = seen_gap(k, n, c, silence)
    left = -np.expm1(-s * np.log1p(seen.gap / (beta + table.t_x)))
    return np.asarray(np.log(betainc(n, k, c / (c + k * silence)) + np.sum(seen.f * left, axis=0)))


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
) -> _Slopes:
    k = np.exp(nodes.v)
    n, c = r + k * table.x, alpha + k * table.t_x
    silence, since = table.T - table.t_x, beta + table.t_x
    seen = seen_gap(k, n, c, silence)
    z = expit(seen.log_odds)
    later = since + seen.gap
    m = np.log1p(seen.gap / since)
    m_beta = -seen.gap / (later * since)
    u = seen.f * np.exp(-s * m)
    d = betainc(n, k, c / (c + k * silence)) + np.sum(seen.f - u, axis=0)

    # Slopes of ln f in n and c.
    by_n = (digamma(n + k) - digamma(n)) - np.logaddexp(0.0, seen.log_odds)
    by_c = ((n + k) * z - k) / c
    n_n = zeta(2, n + k) - zeta(2, n)
    uz, um, ub = u * z, u * m, u * m_beta
    u_n, u_c = u * by_n, u * by_c
    start_n, start_c = digamma(n + k) - digamma(n), -k / c
    whole = u.sum(axis=0) + seen.start
    d_n = -u_n.sum(axis=0) - seen.start * start_n
    d_c = -u_c.sum(axis=0) - seen.start * start_c
    d_s, d_b = um.sum(axis=0), s * ub.sum(axis=0)
    first = np.stack([nodes.v, -k, d_n / d, d_c / d, d_s / d, d_b / d])

    second = np.zeros((6, 6, *k.shape))
    second[2, 2] = -np.sum(u_n * by_n, axis=0) - seen.start * start_n**2 - n_n * whole
    second[2, 3] = -np.sum(u_n * by_c + uz / c, axis=0) - seen.start * start_n * start_c
    bent = ((n + k) / c**2) * np.sum(uz * (1 - z), axis=0)
    second[3, 3] = -np.sum(u_c * by_c, axis=0) - seen.start * start_c**2 - d_c / c + bent
    second[2, 4], second[3, 4] = np.sum(u_n * m, axis=0), np.sum(u_c * m, axis=0)
    second[2, 5], second[3, 5] = s * np.sum(u_n * m_beta, axis=0), s * np.sum(u_c * m_beta, axis=0)
    second[4, 4] = -np.sum(um * m, axis=0)
    second[4, 5] = np.sum(ub * (1 - s * m), axis=0)
    second[5, 5] = s * np.sum(u * (1 / since**2 - 1 / later**2) - s * ub * m_beta, axis=0)
    second[2:, 2:] /= d
    for i in range(2, 6):
        for j in range(i, 6):
            second[i, j] -= first[i] * first[j]
            second[j, i] = second[i, j]
    first[2] += digamma(n) - np.log(c)
    first[3] -= n / c
    second[2, 2] += zeta(2, n)
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
    """θ = ln (t, gamma, r, alpha, s, beta)."""

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
        for first in range(0, len(table), 2 * _CHUNK):
            rows = slice(first, first + 2 * _CHUNK)
            part = table.take(rows)
            t, gamma, r, alpha, s, beta = np.exp(theta[rows] if theta.ndim == 2 else theta).T
            nodes = shape_nodes(t, gamma, r, alpha, part, n_nodes=N_SHAPES)
            k = np.exp(nodes.v)
            terms = nodes.log_weight + t * nodes.v - gamma * k + timing(k, r, alpha, part)
            terms += log_reached(k, r + k * part.x, alpha + k * part.t_x, s, beta, part)
            outside = t * np.log(gamma) - gammaln(t) + r * np.log(alpha) - gammaln(r)
            outside = outside - s * np.log1p(part.t_x / beta)
            value = outside + np.logaddexp.reduce(terms, axis=0)
            found[rows] = np.where(part.T > 0, value, 0.0)
        return found

    def row_moments(self, theta: Float[np.ndarray, "rows 6"], table: TimedHistories) -> Moments:
        """Value, gradient and Hessian of each row at its own θ."""
        value = np.empty(len(table))
        gradient, hessian = np.empty((len(table), 6)), np.empty((len(table), 6, 6))
        for first in range(0, len(table), _CHUNK):
            rows = slice(first, first + _CHUNK)
            value[rows], gradient[rows], hessian[rows] = _row_moments(theta[rows], table.take(rows))
        return Moments(value, gradient, hessian)

    def moments(self, theta: Float[np.ndarray, " 6"], table: TimedHistories) -> Moments:
        """Weighted sums over the rows at one θ."""
        value, gradient, hessian = 0.0, np.zeros(6), np.zeros((6, 6))
        for part in table.chunks(_CHUNK):
            rows = _row_moments(np.broadcast_to(theta, (len(part), 6)), part)
            value += float(part.weight @ rows.value)
            gradient += part.weight @ rows.gradient
            hessian += np.einsum("r,rij->ij", part.weight, rows.hessian)
        return Moments(np.asarray(value), gradient, hessian)


def _row_moments(theta: Float[np.ndarray, "rows 6"], part: TimedHistories) -> Moments:
    parameters = np.exp(theta)
    t, gamma, r, alpha, s, beta = parameters.T
    nodes = shape_nodes(t, gamma, r, alpha, part, n_nodes=N_SHAPES)
    found = _slopes(nodes, r, alpha, s, beta, part)
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
    gradient = mean.T + np.stack(
        [
            np.log(gamma) - digamma(t),
            t / gamma,
            np.log(alpha) - digamma(r),
            r / alpha,
            -np.log1p(part.t_x / beta),
            s * by_beta,
        ],
        axis=1,
    )
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
    return natural_to_log(Moments(value, gradient, hessian), parameters)
