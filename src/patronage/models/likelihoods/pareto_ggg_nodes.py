"""Where Pareto/GGG is integrated: nodes over a customer's regularity k, and over the next gap.

Both are Gauss-Legendre in a power of the variable, y = (k / k_high)^(1/p): near zero the integrand
is a power and becomes smooth, and a narrow peak is hardly changed. The ends lie where the integrand
has fallen by e^-27 from its height.
"""

from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import digamma, expit, gammaln

from patronage.models.likelihoods.timed_histories import TimedHistories

__all__ = [
    "CUT",
    "LogNodes",
    "PowerNodes",
    "gap_window",
    "log_nodes",
    "power_nodes",
    "shape_nodes",
    "timing",
]

CUT: Final = 27.0
_POWER: Final = 8.0
# ln k is looked for between these.
_LOWEST, _HIGHEST = -30.0, 22.0

Rows = Float[np.ndarray, " rows"]
Cells = Float[np.ndarray, "*k rows"]


class LogNodes(NamedTuple):
    """Nodes of an integral over v = ln of the variable.

    Attributes
    ----------
    v : positions
    log_weight : ln of the weights of dv; -inf where the window is empty
    """

    v: Float[np.ndarray, "nodes *rest"]
    log_weight: Float[np.ndarray, "nodes *rest"]


def log_nodes(
    low: Float[np.ndarray, "*rest"],
    high: Float[np.ndarray, "*rest"],
    n_nodes: int,
    *,
    power: float | Float[np.ndarray, "*rest"] = _POWER,
) -> LogNodes:
    """Gauss-Legendre from `low` to `high`, in y = e^((v - high)/power)."""
    abscissae, weights = _legendre(n_nodes)
    column = (slice(None), *[None] * low.ndim)
    at, share = ((abscissae + 1) / 2)[column], (weights / 2)[column]
    width = -np.expm1((low - high) / power)
    y = 1 - width * (1 - at)
    with np.errstate(divide="ignore"):
        return LogNodes(high + power * np.log(y), np.log(share * width * power / y))


class PowerNodes(NamedTuple):
    """Nodes of an integral over v = ln of the variable, at a power that is 8.

    Attributes
    ----------
    v, at : positions, and e^v
    weight : of dv
    """

    v: Float[np.ndarray, "nodes *rest"]
    at: Float[np.ndarray, "nodes *rest"]
    weight: Float[np.ndarray, "nodes *rest"]


def power_nodes(
    low: Float[np.ndarray, "*rest"], high: Float[np.ndarray, "*rest"], n_nodes: int
) -> PowerNodes:
    """`log_nodes` with one logarithm a node: three squares make e^v, and weights stay plain."""
    abscissae, weights = _legendre(n_nodes)
    column = (slice(None), *[None] * low.ndim)
    width = -np.expm1((low - high) / _POWER)
    y = width * ((abscissae - 1) / 2)[column]
    y += 1
    v = np.log(y)
    v *= _POWER
    v += high
    weight = (weights / 2)[column] * (width * _POWER)
    weight /= y
    for _ in range(3):
        y *= y
    y *= np.exp(high)
    return PowerNodes(v, y, weight)


@cache
def _legendre(n: int) -> tuple[Float[np.ndarray, " nodes"], Float[np.ndarray, " nodes"]]:
    abscissae, weights = np.polynomial.legendre.leggauss(n)
    return abscissae, weights


def timing(k: Cells, r: Rows | float, alpha: Rows | float, table: TimedHistories) -> Cells:
    """ln of e^((k-1) log_gaps) k^(k x) / Γ(k)^x · Γ(n) / c^n; n = r + k x, c = alpha + k t_x."""
    x = table.x
    n, c = r + k * x, alpha + k * table.t_x
    gaps = (k - 1) * table.log_gaps + x * (k * np.log(k) - gammaln(k))
    return np.asarray(gaps + gammaln(n) - n * np.log(c))


def shape_nodes(
    t: Rows | float,
    gamma: Rows | float,
    r: Rows | float,
    alpha: Rows | float,
    table: TimedHistories,
    *,
    n_nodes: int,
    cut: float | Rows = CUT,
) -> LogNodes:
    """Nodes over ln k where a history with prior Gamma(t, gamma) has its likelihood."""
    x, t_x = table.x, table.t_x

    # A short gap ahead is as good as excluded, and its chance is k there: hence the last term.
    def height(v: Rows) -> Rows:
        k = np.exp(v)
        return np.asarray(timing(k, r, alpha, table) + t * v - gamma * k + v - np.log1p(k))

    def slope(v: Rows) -> Rows:
        k = np.exp(v)
        n, c = r + k * x, alpha + k * t_x
        by_k = table.log_gaps + x * (v + 1 - digamma(k) + digamma(n) - np.log(c)) - n * t_x / c
        return np.asarray(t - gamma * k + k * by_k + 1 / (1 + k))

    shape = np.broadcast_shapes(np.shape(t), x.shape)
    low, high = np.full(shape, _LOWEST), np.full(shape, _HIGHEST)
    mode = _bisected(lambda v: slope(v) > 0, low, high, 22)
    level = height(mode) - cut
    first = _bisected(lambda v: height(v) < level, low, mode, 15)
    last = _bisected(lambda v: height(v) > level, mode, high, 15)
    return log_nodes(first, last, n_nodes)


def _bisected(rises: Callable[[Rows], Rows], low: Rows, high: Rows, n_steps: int) -> Rows:
    """Where `rises` turns from true to false."""
    for _ in range(n_steps):
        middle = (low + high) / 2
        up = rises(middle)
        low, high = np.where(up, middle, low), np.where(up, high, middle)
    return np.asarray((low + high) / 2)


def gap_window(
    a: Float[np.ndarray, "*cells"],
    n: Float[np.ndarray, "*cells"],
    first: Float[np.ndarray, "*cells"] | None,
    last: Float[np.ndarray, "*cells"],
    *,
    extra: float = 0.0,
    cut: float = CUT,
) -> tuple[Float[np.ndarray, "*cells"], Float[np.ndarray, "*cells"]]:
    """Where e^((a + extra) v) / (1 + e^v)^(n + a) is within e^-cut of its height, inside bounds.

    v = ln of the odds that a Beta(a, n) share is below; first, last: bounds on v.
    """
    power = a + extra
    # Its curvature at the mode, and its slopes far out, give a start outside the window.
    mode = np.log(power) - np.log(np.maximum(n - extra, 1e-12))
    spread = np.sqrt(2 * cut * (1 / power + 1 / n))
    # Why the bound: the mode may lie beyond what is asked for.
    top = np.minimum(mode, last) if first is None else np.clip(mode, first, last)

    def height(v: Float[np.ndarray, "*cells"]) -> Float[np.ndarray, "*cells"]:
        return np.asarray(power * v - (n + a) * np.logaddexp(0.0, v))

    level = height(top) - cut

    def outermost(v: Float[np.ndarray, "*cells"]) -> Float[np.ndarray, "*cells"]:
        # Newton on a concave function comes from outside and never passes the root.
        for _ in range(4):
            slope = power - (n + a) * expit(v)
            v = v - (height(v) - level) / np.where(slope == 0, 1.0, slope)
        return v

    low = outermost(top - cut / power - spread)
    low = np.minimum(low, top) if first is None else np.clip(low, first, top)
    far = np.minimum(cut / np.maximum(n - extra, 1e-12), 600.0)
    high = np.clip(outermost(np.maximum(mode, top) + far + spread), top, last)
    return low, high
