"""When the next purchase comes: quantiles of a time that may never come."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from jaxtyping import Float

__all__ = ["FAR_DAYS", "quantiles_of_time"]

# What has not come in 2,700 years does not come.
FAR_DAYS: Final = 1e6
_SOON: Final = 1e-5
_POINTS: Final = 400


def quantiles_of_time(
    p_until: Callable[[Float[np.ndarray, " times"]], Float[np.ndarray, "rows times"]],
    levels: Sequence[float],
) -> Float[np.ndarray, "rows levels"]:
    """The time at which each row's P(until t) reaches each level; infinite where it does not.

    P is laid out on 400 geometric times from a second to a million days and read backwards by a
    monotone cubic in log t: times are right to 2e-5 of themselves (tested).
    """
    times = np.geomspace(_SOON, FAR_DAYS, _POINTS)
    p = np.maximum.accumulate(p_until(times), axis=1)
    step = float(np.log(times[1] / times[0]))
    slope = _monotone_slopes(p, step)
    found = np.empty((len(p), len(levels)))
    rows = np.arange(len(p))
    for column, level in enumerate(levels):
        at = (p < level).sum(axis=1)
        k = np.clip(at, 1, _POINTS - 1)
        ends = p[rows, k - 1], p[rows, k], slope[rows, k - 1] * step, slope[rows, k] * step
        share = _solve_cubic(level, *ends)
        found[:, column] = times[0] * np.exp((k - 1 + share) * step)
        # Within the first second a straight line from 0 is enough.
        soon = p[:, 0] >= level
        found[soon, column] = times[0] * level / np.maximum(p[soon, 0], 1e-300)
        found[at == _POINTS, column] = np.inf
    return found


def _monotone_slopes(
    p: Float[np.ndarray, "rows times"], step: float
) -> Float[np.ndarray, "rows times"]:
    """Central differences of fourth order, at most three times the smaller chord beside.

    Fritsch & Carlson (1980): so the cubic rises wherever the points do.
    """
    chord = np.diff(p, axis=1) / step
    slope = np.zeros_like(p)
    slope[:, 1:-1] = (chord[:, :-1] + chord[:, 1:]) / 2
    slope[:, 2:-2] = (7 * (chord[:, 1:-2] + chord[:, 2:-1]) - chord[:, :-3] - chord[:, 3:]) / 12
    slope[:, 1:-1] = np.minimum(slope[:, 1:-1], 3 * np.minimum(chord[:, :-1], chord[:, 1:]))
    slope[:, 0], slope[:, -1] = chord[:, 0], chord[:, -1]
    return slope


def _solve_cubic(
    level: float,
    p0: Float[np.ndarray, " rows"],
    p1: Float[np.ndarray, " rows"],
    d0: Float[np.ndarray, " rows"],
    d1: Float[np.ndarray, " rows"],
) -> Float[np.ndarray, " rows"]:
    """Where in [0, 1] the Hermite cubic reaches the level, by bisection."""
    low, high = np.zeros_like(p0), np.ones_like(p0)
    for _ in range(40):
        x = (low + high) / 2
        y = 1.0 - x
        value = y * y * ((1 + 2 * x) * p0 + x * d0) + x * x * ((1 + 2 * y) * p1 - y * d1)
        low, high = np.where(value < level, x, low), np.where(value < level, high, x)
    return np.asarray((low + high) / 2)
