"""Quantiles of totals whose distribution function alone is known, between two bounds."""

from collections.abc import Callable
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int

__all__ = ["bracketed_quantile"]

_PRECISION: Final = 1e-13
# Below it a total is told to an absolute precision.
_LEAST: Final = 1e-6
# Steps after which only halves are taken: where the function leaps, nothing else closes in.
_SMOOTH: Final = 20

_Rows = Float[np.ndarray, " rows"]


def bracketed_quantile(
    cdf: Callable[
        [Float[np.ndarray, " some"], Int[np.ndarray, " some"]], Float[np.ndarray, " some"]
    ],
    level: float,
    low: Float[np.ndarray, " rows"],
    high: Float[np.ndarray, " rows"],
) -> Float[np.ndarray, " rows"]:
    """The least total of each row at which its distribution function reaches `level`.

    Inverse quadratic interpolation where three points lie on a curve that can be inverted, else
    bisection (Chandrupatla 1997). Rows do not see each other, and those that have converged (1e-13
    relative) are not evaluated again.

    Parameters
    ----------
    cdf : P(total <= x) of the rows asked for, at one x each
    low, high : low <= quantile <= high, and cdf(high) >= level
    """
    found = high.copy()
    rows = np.flatnonzero(high - low > _precision(high))
    short = cdf(low[rows], rows) - level
    # Why: where the lower end already reaches the level, it is the quantile (an atom).
    found[rows[short >= 0]] = low[rows[short >= 0]]
    rows, short = rows[short < 0], short[short < 0]
    # The newest point, the other end of the bracket, and what of the two it was before.
    # Why never short: a member that reaches the level at the upper end may miss it by rounding.
    x, f = high[rows], np.maximum(cdf(high[rows], rows) - level, 0.0)
    other, f_other = low[rows], short
    part = np.full(len(rows), 0.5)
    for step in range(1, 1_000):
        if not len(rows):
            break
        at = x + part * (other - x)
        reached = cdf(at, rows) - level
        same = (reached < 0) == (f < 0)
        before, f_before = np.where(same, x, other), np.where(same, f, f_other)
        other, f_other = np.where(same, other, x), np.where(same, f_other, f)
        x, f = at, reached
        found[rows] = np.where(f < 0, other, x)
        least = _precision(found[rows])
        part = _interpolated((x, other, before), (f, f_other, f_before))
        if step >= _SMOOTH:
            part[:] = 0.5
        # Why a margin: beside a root found already, a smaller step would not close the bracket.
        margin = np.minimum(0.5 * least / np.maximum(np.abs(other - x), least), 0.5)
        part = np.clip(part, margin, 1.0 - margin)
        open_ = np.abs(other - x) > least
        rows, x, f, other, f_other, part = (
            one[open_] for one in (rows, x, f, other, f_other, part)
        )
    return found


def _interpolated(at: tuple[_Rows, _Rows, _Rows], f: tuple[_Rows, _Rows, _Rows]) -> _Rows:
    """Where between the first point and the second the root is to be looked for; a half if unsure.

    at, f : the newest point, the other end of the bracket, and one outside it
    """
    (x1, x2, x3), (f1, f2, f3) = at, f
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        xi, phi = (x1 - x2) / (x3 - x2), (f1 - f2) / (f3 - f2)
        found = f1 / (f2 - f1) * f3 / (f2 - f3)
        found += (x3 - x1) / (x2 - x1) * f1 / (f3 - f1) * f2 / (f3 - f2)
        invertible: Bool[np.ndarray, " rows"] = (phi**2 < xi) & ((1.0 - phi) ** 2 < 1.0 - xi)
    return np.where(invertible & np.isfinite(found), found, 0.5)


def _precision(total: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
    return np.asarray(_PRECISION * np.maximum(np.abs(total), _LEAST))
