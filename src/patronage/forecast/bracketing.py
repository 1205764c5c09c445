"""Quantiles of totals whose distribution function alone is known, between two bounds."""

from collections.abc import Callable
from typing import Final

import numpy as np
from jaxtyping import Float, Int

__all__ = ["bracketed_quantile"]

_PRECISION: Final = 1e-12
# Below it a total is told to an absolute precision.
_LEAST: Final = 1e-6
# Steps that the method may take beyond those of bisection.
_SPARE: Final = 1


def bracketed_quantile(
    cdf: Callable[
        [Float[np.ndarray, " some"], Int[np.ndarray, " some"]], Float[np.ndarray, " some"]
    ],
    level: float,
    low: Float[np.ndarray, " rows"],
    high: Float[np.ndarray, " rows"],
) -> Float[np.ndarray, " rows"]:
    """The least total of each row at which its distribution function reaches `level`.

    Interpolate, truncate and project (Oliveira & Takahashi 2020): the secant where the function is
    smooth, and never more than a step above bisection where it leaps. Rows do not see each other,
    and those that have converged (1e-12 relative) are not evaluated again.

    Parameters
    ----------
    cdf : P(total <= x) of the rows asked for, at one x each
    low, high : low <= quantile <= high, and cdf(high) >= level
    """
    a, b = low.copy(), high.copy()
    rows = np.arange(len(a))
    short = cdf(a, rows) - level
    # Why: where the lower end already reaches the level, it is the quantile (an atom).
    b = np.where(short >= 0, a, b)
    over = np.full_like(b, np.nan)
    rows = rows[b - a > _precision(b)]
    over[rows] = cdf(b[rows], rows) - level
    width, least = b - a, _precision(b)
    half = np.ceil(np.log2(np.maximum(width / least, 1.0)))
    radius = least / 2 * 2.0 ** (half + _SPARE)
    while len(rows):
        left, right = a[rows], b[rows]
        middle = left + (right - left) / 2
        fall = over[rows] - short[rows]
        secant = (over[rows] * left - short[rows] * right) / np.where(fall > 0, fall, 1.0)
        secant = np.where(fall > 0, np.clip(secant, left, right), middle)
        towards = np.sign(middle - secant)
        # Why the floor: beside a root found already, a smaller step would not close the bounds.
        nudge = np.maximum(0.2 * (right - left) ** 2 / width[rows], _precision(right) / 2)
        tried = np.where(nudge <= np.abs(middle - secant), secant + towards * nudge, middle)
        allowed = np.maximum(radius[rows] - (right - left) / 2, 0.0)
        at = np.where(np.abs(tried - middle) <= allowed, tried, middle - towards * allowed)
        reached = cdf(at, rows) - level
        below = reached < 0
        a[rows], short[rows] = np.where(below, at, left), np.where(below, reached, short[rows])
        b[rows], over[rows] = np.where(below, right, at), np.where(below, over[rows], reached)
        radius[rows] /= 2
        rows = rows[b[rows] - a[rows] > _precision(b[rows])]
    return b


def _precision(total: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
    return np.asarray(_PRECISION * np.maximum(np.abs(total), _LEAST))
