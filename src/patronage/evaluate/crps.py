"""The continuous ranked probability score of any forecast, from its distribution function."""

import numpy as np
from jaxtyping import Float

from patronage.forecast import AbstractForecast
from patronage.forecast.samples import SampleForecast

__all__ = ["crps"]

BODY_NODES = 6
TAIL_NODES = 8
BELOW_NODES = 6


def crps(
    forecast: AbstractForecast,
    outcome: Float[np.ndarray, " customers"],
    q90: Float[np.ndarray, " customers"],
) -> Float[np.ndarray, " customers"]:
    """Integral of (F(z) − 1[z >= y])² over z, for each customer's total.

    It equals  ∫ (1 − F)² over z > 0  +  ∫ F² over z < 0  +  2 ∫ F from 0 to y  −  y.  Each part is
    smooth, the atom at 0 being a bound, and is integrated by Gauss-Legendre: from 0 to q90, from
    there on by the map z = q90 + s·u / (1 − u), and from 0 to y where there was an outcome. Draws
    are scored exactly: mean |x − y| less half of mean |x − x'|.

    Parameters
    ----------
    outcome : y, realised net cash
    q90 : the forecast's 90 % quantile, which sets the scale
    """
    if isinstance(forecast, SampleForecast):
        return _of_draws(forecast.draws.sum(axis=2), outcome)
    mean = np.abs(forecast.mean().sum(axis=1))
    zero = np.zeros(len(outcome))
    below_zero, at_zero = forecast.cdf(zero)
    # What a customer spends if anything, or the quantile where that is larger.
    scale = np.maximum(mean / np.maximum(1.0 - at_zero + below_zero, 1e-9), np.abs(q90))
    scale = np.where(scale > 0, scale, 1.0)
    body = np.maximum(q90, 0.0)
    total = _integral(forecast, zero, body, BODY_NODES, upper=True)
    total += _tail(forecast, body, scale, sign=1.0)
    negative = np.flatnonzero(below_zero > 0)
    if len(negative):
        total[negative] += _tail(
            forecast.take(negative), zero[negative], scale[negative], sign=-1.0
        )
    moved = np.flatnonzero(outcome != 0)
    if len(moved):
        y = outcome[moved]
        total[moved] += 2 * _integral(
            forecast.take(moved), zero[moved], y, BELOW_NODES, upper=False
        )
        total[moved] -= y
    return np.asarray(np.maximum(total, 0.0))


def _nodes(n: int) -> tuple[Float[np.ndarray, " nodes"], Float[np.ndarray, " nodes"]]:
    """Gauss-Legendre nodes and weights on (0, 1)."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    return (nodes + 1) / 2, weights / 2


def _integral(
    forecast: AbstractForecast,
    start: Float[np.ndarray, " customers"],
    end: Float[np.ndarray, " customers"],
    n: int,
    *,
    upper: bool,
) -> Float[np.ndarray, " customers"]:
    """∫ from start to end of (1 − F)² (upper) or of F; signed where end < start."""
    total = np.zeros(len(start))
    for node, weight in zip(*_nodes(n), strict=True):
        F = forecast.cdf(start + node * (end - start))[1]
        total += weight * ((1 - F) ** 2 if upper else F)
    return np.asarray(total * (end - start))


def _tail(
    forecast: AbstractForecast,
    start: Float[np.ndarray, " customers"],
    scale: Float[np.ndarray, " customers"],
    *,
    sign: float,
) -> Float[np.ndarray, " customers"]:
    """∫ of (1 − F)² above start (sign 1), or of F² below it (sign −1)."""
    total = np.zeros(len(start))
    for node, weight in zip(*_nodes(TAIL_NODES), strict=True):
        F = forecast.cdf(start + sign * scale * node / (1 - node))[1]
        total += weight / (1 - node) ** 2 * ((1 - F) if sign > 0 else F) ** 2
    return np.asarray(total * scale)


def _of_draws(
    held: Float[np.ndarray, "draws customers"], outcome: Float[np.ndarray, " customers"]
) -> Float[np.ndarray, " customers"]:
    n = len(held)
    ranked = np.sort(held, axis=0)
    # mean |x − x'| over all pairs, by the rank of each draw.
    spread = ((2 * np.arange(n) + 1 - n)[:, None] * ranked).sum(axis=0) * 2 / n**2
    return np.asarray(np.abs(held - outcome).mean(axis=0) - spread / 2)
