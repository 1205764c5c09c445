"""Quantiles of positive totals whose distribution function and density are known."""

from collections.abc import Callable
from typing import Final

import numpy as np
from jaxtyping import Float, Shaped

__all__ = ["invert_cdf"]

_MOST_STEPS: Final = 200
_PRECISION: Final = 1e-9
# Newton doubles the digits: a step this small leaves about its square.
_LAST_STEP: Final = 1e-4


def invert_cdf(
    cdf_and_density: Callable[
        [Float[np.ndarray, " some"], Shaped[np.ndarray, " some"]],
        tuple[Float[np.ndarray, " some"], Float[np.ndarray, " some"]],
    ],
    level: Float[np.ndarray, " rows"],
    *,
    guess: Float[np.ndarray, " rows"],
) -> Float[np.ndarray, " rows"]:
    """The total of each row at which its distribution function reaches `level`.

    Newton in the logarithm of the total, kept between bounds by bisection; rows that have
    converged (about 1e-8 relative, or a probability within 1e-11) are not evaluated again.

    Parameters
    ----------
    cdf_and_density : of the rows asked for, at one total each
    level : above the probability at zero and below 1
    guess : a positive total to begin from
    """
    at = np.log(np.maximum(guess, 1e-250))
    low, high = np.full_like(at, -np.inf), np.full_like(at, np.inf)
    rows = np.arange(len(at))
    for _ in range(_MOST_STEPS):
        total = np.exp(at[rows])
        reached, density = cdf_and_density(total, rows)
        short = level[rows] - reached
        low[rows] = np.where(short > 0, at[rows], low[rows])
        high[rows] = np.where(short > 0, high[rows], at[rows])
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = short / (density * total)
        # Why: far out in a tail the density says little; e^3 a step finds the other side.
        step = np.where(np.isfinite(step), np.clip(step, -3.0, 3.0), np.sign(short) * 3.0)
        moved = at[rows] + step
        outside = (moved <= low[rows]) | (moved >= high[rows])
        middle = (low[rows] + high[rows]) / 2
        moved = np.where(outside & np.isfinite(middle), middle, moved)
        moved = np.clip(moved, -600.0, 600.0)
        # Why: at the root a step of nothing falls on a bound, and bisection would leave the root.
        there = (np.abs(short) < 1e-11) | (np.abs(step) < _PRECISION)
        at[rows] = np.where(there, at[rows], moved)
        done = there | (~outside & (np.abs(step) < _LAST_STEP))
        done |= high[rows] - low[rows] < _PRECISION
        rows = rows[~done]
        if len(rows) == 0:
            break
    return np.asarray(np.exp(at))
