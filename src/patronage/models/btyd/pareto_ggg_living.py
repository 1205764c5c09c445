"""What is ahead of a living Pareto/GGG customer: its regularity, and an endless discounted sum.

A purchase at v, after the gap w = T - t_x + v, starts the clock anew. From there on gaps have the
Laplace transform f(z) = (1 + ρ)^-k, ρ = z / (k λ), and a customer who stays yields discounted
purchases of 1 / (1 - f(z)), its own included. A lifetime with survival ((β+T)/(β+T+u))^s is a
mixture of exponential ones, so z = δ + μ, and

    1 / (1 - f(z)) = λ / z + (k + 1) / (2 k) + φ_k(ρ),

where φ is small (0 for k = 1) and the other terms integrate over λ and μ in closed form: λ/z to
λ ∫ e^(-δu) S(u) du from v on. Left are integrals over k and v, and for φ over λ and μ too.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline
from scipy.special import betainc, betaln, gammaln

from patronage.models.likelihoods.pareto_ggg_nodes import (
    gap_window,
    log_nodes,
    shape_nodes,
    timing,
)
from patronage.models.likelihoods.timed_histories import TimedHistories

__all__ = ["ORDERS_AHEAD", "Living", "endless_purchases", "living", "times_between"]

_CUT: Final = 20.0
# Why wider: who has been silent for long is alive, if at all, with a k that the gaps hardly told.
_CUT_SHAPE: Final = 24.0
# e^-45 of a purchase is none to a float64.
_FAR: Final = 45.0
_FEW: Final = 10
# Nodes over k, over the time of the next purchase, and over λ and μ in φ.
# Why such leaps: where an order errs by much less than the one before, their distance is a bound.
ORDERS_AHEAD: Final = (
    (22, 28, 2, 2),
    (25, 32, 6, 4),
    (30, 38, 12, 9),
    (38, 46, 16, 16),
    (52, 58, 20, 20),
    (72, 80, 28, 28),
    (100, 110, 40, 40),
)

Parameter = float | Float[np.ndarray, " customers"]


class Living(NamedTuple):
    """Nodes of k given the history and that the customer is alive.

    Attributes
    ----------
    k, n, c : regularity; the posterior of the rate before the silence is Gamma(n, c)
    log_open : ln P(the open gap exceeds the silence)
    weight : sums to 1 over the nodes
    """

    k: Float[np.ndarray, "k customers"]
    n: Float[np.ndarray, "k customers"]
    c: Float[np.ndarray, "k customers"]
    log_open: Float[np.ndarray, "k customers"]
    weight: Float[np.ndarray, "k customers"]


def living(
    t: Parameter,
    gamma: Parameter,
    r: Parameter,
    alpha: Parameter,
    seen: TimedHistories,
    *,
    n_shapes: int,
) -> Living:
    """The posterior of k of each customer, at so many nodes."""
    # Why: near 0 the window's height falls as k^(t+x+1), but bursts of 1/k purchases weigh as much
    # less, and so does a gap that opened today.
    power = t + seen.x
    slow = np.maximum(np.where(seen.t_x < seen.T, power, power - 1), 0.2)
    cut = np.maximum(_CUT * (power + 1) / slow, _CUT_SHAPE)
    nodes = shape_nodes(t, gamma, r, alpha, seen, n_nodes=n_shapes, cut=cut)
    k = np.exp(nodes.v)
    n, c = r + k * seen.x, alpha + k * seen.t_x
    # Why the floor: a silence that no gap can explain is the end of the customer.
    open_gap = np.maximum(betainc(n, k, c / (c + k * (seen.T - seen.t_x))), 1e-280)
    log_weight = nodes.log_weight + t * nodes.v - gamma * k + np.log(open_gap)
    log_weight += timing(k, r, alpha, seen)
    weight = np.exp(log_weight - log_weight.max(axis=0))
    return Living(k, n, c, np.log(open_gap), weight / weight.sum(axis=0))


def endless_purchases(
    state: Living,
    s: float,
    beta: Parameter,
    seen: TimedHistories,
    delta: float,
    *,
    order: int,
) -> Float[np.ndarray, "2 customers"]:
    """∫ e^(-δu) × (purchases expected a day at u) du over u > 0, of living customers.

    In two parts that sum up to it, the second that of φ: their errors do not cancel.

    Parameters
    ----------
    delta : per day, above 0
    order : of the quadrature, an index of `ORDERS_AHEAD`; `state` has its number of shapes
    """
    _, n_times, n_rates, n_deaths = ORDERS_AHEAD[order]
    k, n, c = state.k, state.n, state.c
    silence, B = seen.T - seen.t_x, np.asarray(beta + seen.T)
    v, log_dv = _next_times(state, silence, _FAR / delta, n_times)
    w, age = silence + v, B + v
    odds = k * w / c
    log_f = k * np.log(odds) - (n + k) * np.log1p(odds) - betaln(k, n) - np.log(w) - state.log_open
    log_f += log_dv - delta * v - s * np.log1p(v / B)

    rate = (n + k) / (c + k * w)
    stay = _discounted_stay(s, delta, float(B.min()), float(age.max()))
    yields = rate * np.exp(stay(np.log(age))) + (k + 1) / (2 * k)
    rates, p_rate = _gamma_nodes(n + k, n_rates)
    deaths, p_death = _gamma_nodes(np.array([s]), n_deaths)
    excess = np.zeros_like(yields)
    z = [delta + death / age for death in deaths]
    for gamma_rate, p in zip(rates, p_rate, strict=True):
        per_gap = k * gamma_rate / (c + k * w)
        excess += p * sum(q * _excess(k, at / per_gap) for at, q in zip(z, p_death, strict=True))
    f = np.exp(log_f)
    ahead = (np.sum(f * part, axis=0) for part in (yields, excess))
    return np.stack([(state.weight * part).sum(axis=0) for part in ahead])


def _next_times(
    state: Living, silence: Float[np.ndarray, " customers"], far: float, n_nodes: int
) -> tuple[Float[np.ndarray, "times k customers"], Float[np.ndarray, "times k customers"]]:
    """Nodes of the time of the next purchase, and ln of their weights; dense near 0."""
    k, n, c = state.k, state.n, state.c
    first, last = (np.log(k * np.maximum(silence + time, 1e-300) / c) for time in (0.0, far))
    low, high = gap_window(k, n, first, last, cut=_CUT)
    low, high = (np.maximum(c / k * np.exp(end) - silence, 1e-300) for end in (low, high))
    bought_today = np.broadcast_to(silence <= 0, k.shape)
    return times_between(low, high, np.where(bought_today, k, np.inf), n_nodes)


def times_between(
    start: Float[np.ndarray, "*cells"],
    end: Float[np.ndarray, "*cells"],
    slope: Float[np.ndarray, "*cells"],
    n_nodes: int,
) -> tuple[Float[np.ndarray, "nodes *cells"], Float[np.ndarray, "nodes *cells"]]:
    """Nodes of a time from start to end, dense near 0, and ln of their weights.

    Parameters
    ----------
    slope : of a density that goes as time^(slope - 1) from 0, which then is the start; infinite
        where it is bounded
    """
    power = np.clip(3 / slope, 4.0, 150.0)
    high = np.log(end)
    low = np.maximum(np.log(np.maximum(start, 1e-300)), high - 12 * power)
    nodes = log_nodes(low, high, n_nodes, power=power)
    # Left of the nodes is low / slope times the density at low; a float64 ends before it does.
    v = np.concatenate([low[None], nodes.v])
    log_dv = np.concatenate([-np.log(slope)[None], nodes.log_weight])
    return np.exp(v), log_dv + v


def _excess(
    k: Float[np.ndarray, "k customers"], rho: Float[np.ndarray, "times k customers"]
) -> Float[np.ndarray, "times k customers"]:
    """φ_k(ρ) = 1 / (1 - (1+ρ)^-k) - 1 / (k ρ) - (k+1) / (2 k)."""
    # Why: the first two terms cancel; the series errs by its next term, of the order of (kρ)^3.
    near = rho * np.maximum(k, 1.0) < 1e-3
    series = (k - 1 / k) / 12 * rho * (1 - rho / 2)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        whole = -1 / np.expm1(-k * np.log1p(rho)) - 1 / (k * rho) - (k + 1) / (2 * k)
    return np.asarray(np.where(near, series, whole))


def _discounted_stay(s: float, delta: float, youngest: float, oldest: float) -> CubicSpline:
    """ln of ∫ e^(-δu) (y/(y+u))^s du by ln y, the age of a lifetime counted from -beta."""
    log_y = np.linspace(np.log(youngest) - 0.05, np.log(oldest) + 0.05, 400)
    y = np.exp(log_y)
    nodes, weights = np.polynomial.legendre.leggauss(80)
    width = np.log1p(_FAR / delta / y)
    at = (nodes[:, None] + 1) / 2 * width
    height = np.exp((1 - s) * at - delta * y * np.expm1(at))
    return CubicSpline(log_y, np.log(width * y * (weights / 2 @ height)))


def _gamma_nodes(
    shape: Float[np.ndarray, "*cells"], n_nodes: int
) -> tuple[Float[np.ndarray, "nodes *cells"], Float[np.ndarray, "nodes *cells"]]:
    """Nodes and weights of the density Gamma(shape, 1)."""
    # Why two rules: Gauss-Laguerre is quick where a polynomial will do, but φ bends near 0, where
    # many nodes lie better.
    if n_nodes < _FEW:
        return _laguerre(shape, n_nodes)
    fall = _CUT / shape
    low, high = -fall - np.minimum(np.sqrt(2 * fall), 1.0), np.log1p(fall + np.sqrt(2 * fall))
    nodes = log_nodes(np.log(shape) + low, np.log(shape) + high, n_nodes)
    at = np.exp(nodes.v)
    return at, np.exp(nodes.log_weight + shape * nodes.v - at - gammaln(shape))


def _laguerre(
    shape: Float[np.ndarray, "*cells"], n_nodes: int
) -> tuple[Float[np.ndarray, "nodes *cells"], Float[np.ndarray, "nodes *cells"]]:
    """Gauss nodes and weights of the density Gamma(shape, 1), by Golub & Welsch (1969)."""
    i = np.arange(n_nodes)
    matrix = np.zeros((*shape.shape, n_nodes, n_nodes))
    matrix[..., i, i] = 2 * i + shape[..., None]
    matrix[..., i[1:], i[:-1]] = np.sqrt(i[1:] * (i[1:] + shape[..., None] - 1))
    nodes, vectors = np.linalg.eigh(matrix)
    at = np.maximum(np.moveaxis(nodes, -1, 0), 1e-300)
    return at, np.moveaxis(vectors[..., 0, :] ** 2, -1, 0)
