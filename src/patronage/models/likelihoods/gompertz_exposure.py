"""The exposure integral with gamma-mixed Gompertz deaths; Pareto's are the limit b → 0.

    I = ∫_{t_x}^{T} (α+y)^-n h(y) S(y) dy,   S = (β/(β+e^{by}-1))^s,   h = b e^{by}/(β+e^{by}-1)

by Gauss-Legendre quadrature in w = ln(e^{b(c+y)} - 1), which is logarithmic in y where by is small
(as in `exposure`) and linear where it is large. With c = min(α, -ln(1-β)/b), or α where β >= 1,
the singularities of both factors (α+y = 0 and e^{by} = 1-β) lie π off the real axis for every
choice of parameters, and all that is needed follows from E = e^w by sums of positive terms:

    e^{b(c+y)} = 1+E,   β+e^{by}-1 = (E+d) e^{-bc},   h dy = E/(E+d) dw,   d = βe^{bc}-e^{bc}+1 >= 0

The number of nodes follows from the length in w and from how far the integrand falls; what has
fallen by e^-40 is cut off. Where by > ln β + 40 the hazard is b to the last digit, and what is left
is a second piece, in ln(α+y). The logarithm of I is right to 4e-12 for any x to 10,000, which
is the rounding of x ln(α+y), with 19 nodes on average: against 30-digit arithmetic for bT from 1e-8
to 50, against brute force up to 10,000.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

__all__ = ["Dying", "ageing", "dying", "dying_nodes", "nodes_needed", "quadrature", "rule_of"]

_CUT: Final = 40.0
_LEVEL: Final = 40.0
_COUNTS: Final = (*range(8, 48, 2), 48, 64, 96, 128, 192, 256)
# Where rows are taken apart by need, so that no row's answer depends on its neighbours.
_FEW: Final = (16, 24, 32, 48, 96, 256)
_LATE_NODES: Final = 48
_RULES: Final = {n: np.polynomial.legendre.leggauss(n) for n in _COUNTS}

Parameter = float | Float[np.ndarray, " rows"]
Anyhow = float | Float[np.ndarray, "..."]


class Dying(NamedTuple):
    """What the dropout by a time y, and its slopes, are made of; v = 1 + (β-1) e^{-by}.

    Attributes
    ----------
    decline : σ = -ln S(y) / s = ln ((β + e^{by} - 1) / β)
    share : p = β e^{-by} / v, how much of σ's growth is still to come
    pull : z = b y / v = y h(y)
    aged : u = b y
    """

    decline: Float[np.ndarray, "*shape"]
    share: Float[np.ndarray, "*shape"]
    pull: Float[np.ndarray, "*shape"]
    aged: Float[np.ndarray, "*shape"]


Found = tuple[Float[np.ndarray, "_ rows"], Dying, Float[np.ndarray, "_ rows"]]


def dying(b: Anyhow, beta: Anyhow, y: Float[np.ndarray, "..."]) -> Dying:
    """At given times, which may be infinite in units of 1/b."""
    aged = b * y
    left = np.exp(-aged)
    # v / β, a sum of positive terms however large or small b y and β are.
    spread = left - np.expm1(-aged) / beta
    return Dying(aged + np.log(spread), left / spread, aged / (beta * spread), aged)


def ageing(alpha: Anyhow, b: Anyhow, beta: Anyhow) -> tuple[Anyhow, Anyhow, Anyhow, Anyhow]:
    """Of the substitution: bc, βe^{bc}, d, and the by above which the hazard is b.

    Parameters
    ----------
    alpha : of a factor with a singularity at -alpha; infinite where there is none
    """
    with np.errstate(divide="ignore"):
        own = np.where(np.less(beta, 1.0), -np.log1p(-np.minimum(beta, 1.0)), 1.0)
    # Why at most 1: a smaller c than needed only lengthens the way, and cannot overflow.
    shift = np.minimum(np.minimum(b * alpha, own), 1.0)
    grown = beta * np.exp(shift)
    rest = np.maximum(grown - np.expm1(shift), 0.0)
    return shift, grown, rest, np.maximum(np.log(beta), 0.0) + _LEVEL


class _Way(NamedTuple):
    """How each row's integral is taken: from where, how long in w, how far it falls, on to what."""

    shift: Parameter
    grown: Parameter
    rest: Parameter
    level: Parameter
    first: Float[np.ndarray, " rows"]
    width: Float[np.ndarray, " rows"]
    drop: Float[np.ndarray, " rows"]
    late: Bool[np.ndarray, " rows"]


def _way(
    alpha: Parameter,
    b: Parameter,
    s: Parameter,
    beta: Parameter,
    purchases: Float[np.ndarray, " rows"],
    t_x: Float[np.ndarray, " rows"],
    T: Float[np.ndarray, " rows"],
) -> _Way:
    shift, grown, rest, level = ageing(alpha, b, beta)
    aged_x = np.minimum(b * t_x, level)
    first = np.expm1(shift + aged_x)
    # The hazard may rise by this factor before the purchases missed make the integrand fall.
    reach = _CUT + np.log1p(rest / first)
    length = np.minimum(T - t_x, (alpha + t_x) * np.expm1(np.minimum(reach / purchases, 700.0)))
    inside = np.clip(np.minimum(b * length, level - b * t_x), 0.0, None)
    width = np.log1p(np.expm1(inside) / -np.expm1(-(shift + aged_x)))
    fallen = np.expm1(np.minimum(reach / s, 600.0))
    width = np.minimum(width, np.log1p((1.0 + rest / first) * fallen))
    end = first * np.exp(width)
    drop = purchases * np.log((np.log1p(end) / b + (alpha - shift / b)) / (alpha + t_x))
    drop += s * (np.log(end + rest) - np.log(first + rest))
    late = b * np.minimum(T, t_x + length) > level
    return _Way(shift, grown, rest, level, first, width, drop, late)


def nodes_needed(
    alpha: Parameter,
    b: Parameter,
    s: Parameter,
    beta: Parameter,
    purchases: Float[np.ndarray, " rows"],
    t_x: Float[np.ndarray, " rows"],
    T: Float[np.ndarray, " rows"],
) -> Int[np.ndarray, " rows"]:
    """Nodes that each row needs by itself, of few choices: rows alike may be taken together."""
    way = _way(alpha, b, s, beta, purchases, t_x, T)
    return rule_of(way.width, way.drop)


def dying_nodes(
    alpha: Parameter,
    b: Parameter,
    s: Parameter,
    beta: Parameter,
    purchases: Float[np.ndarray, " rows"],
    t_x: Float[np.ndarray, " rows"],
    T: Float[np.ndarray, " rows"],
    *,
    n_nodes: int | None = None,
) -> Found:
    """Nodes of the integral over the time of death.

    Parameters
    ----------
    purchases : n = r + x, of the factor (alpha + y)^-n
    n_nodes : by default as many as the worst row needs

    Returns
    -------
    alpha + y; what dying by y is made of; and ln (weight × h(y) dy), -inf where t_x = T
    """
    way = _way(alpha, b, s, beta, purchases, t_x, T)
    nodes, log_weights = quadrature(way.width, way.drop, n_nodes)
    w = nodes * way.width
    E = np.exp(w)
    E *= way.first
    with np.errstate(divide="ignore"):
        w += np.log(way.width)
    w += log_weights
    w += np.log(way.first)
    since = np.log1p(E)
    aged = since - way.shift
    since /= b
    since += alpha - way.shift / b
    total = E + way.rest
    log_total = np.log(total)
    w -= log_total
    E += 1.0
    E /= total
    E *= aged
    found = since, Dying(log_total - np.log(way.grown), way.grown / total, E, aged), w
    if not np.any(way.late):
        return found
    late = _late_nodes(alpha, b, s, beta, purchases, np.maximum(t_x, way.level / b), T)
    dead = [np.concatenate(pair) for pair in zip(found[1], late[1], strict=True)]
    return (
        np.concatenate([found[0], late[0]]),
        Dying(*dead),
        np.concatenate([found[2], late[2]]),
    )


def _late_nodes(
    alpha: Parameter,
    b: Parameter,
    s: Parameter,
    beta: Parameter,
    purchases: Float[np.ndarray, " rows"],
    start: Float[np.ndarray, " rows"],
    T: Float[np.ndarray, " rows"],
) -> Found:
    """The piece beyond the level, from `start` on, where h = b and σ = b y - ln β."""
    base = alpha + start
    fall = np.minimum(_CUT / (s * b), base * np.expm1(np.minimum(_CUT / purchases, 700.0)))
    length = np.clip(np.minimum(T - start, fall), 0.0, None)
    width = np.log1p(length / base)
    nodes, log_weights = quadrature(width, width, _LATE_NODES)
    u = nodes * width
    y = start + base * np.expm1(u)
    aged = b * y
    with np.errstate(divide="ignore"):
        log_weight = log_weights + np.log(b * base * width) + u
    return alpha + y, Dying(aged - np.log(beta), np.zeros_like(y), aged, aged), log_weight


def rule_of(
    width: Float[np.ndarray, "*rows"], drop: Float[np.ndarray, "*rows"]
) -> Int[np.ndarray, "*rows"]:
    """Nodes for an integrand of such a length in w and such a fall, each by itself."""
    needed = 7.0 + 2.2 * width + 0.36 * drop
    return np.array(_FEW)[np.searchsorted(_FEW[:-1], needed)]


def quadrature(
    width: Float[np.ndarray, "*rows"],
    drop: Float[np.ndarray, "*rows"],
    n_nodes: int | None = None,
) -> tuple[Float[np.ndarray, "nodes 1"], Float[np.ndarray, "nodes 1"]]:
    """Gauss-Legendre on [0, 1] with as many nodes as the worst row needs, and log weights."""
    needed = n_nodes or 7.0 + float(np.max(2.2 * width + 0.36 * drop, initial=0.0))
    nodes, weights = _RULES[next((n for n in _COUNTS if n >= needed), _COUNTS[-1])]
    return (nodes[:, None] + 1) / 2, np.log(weights / 2)[:, None]
