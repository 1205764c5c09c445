"""Newton's method in a trust region, with the exact Hessian: the maximum of a log-likelihood."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

from patronage.models.likelihoods.base import Moments

__all__ = ["BOX", "Optimum", "maximise"]

# Why: in scaled units a parameter outside e^±14 (a million) says "infinite"; the search ends there.
BOX: Final = 14.0
_RADIUS: Final = 1.0
_LARGEST_RADIUS: Final = 4.0


@dataclass(frozen=True)
class Optimum:
    """Where the search ended.

    Attributes
    ----------
    theta, moments : the point, and the log-likelihood with its derivatives there; at a converged
        one those of a step before, which the tolerance bounds
    n_iterations : evaluations of the log-likelihood
    converged : the gain that is left (half the Newton decrement) is below the tolerance, and the
        Hessian is negative definite
    escaped : the search ran out of the box, along a ridge without a finite end
    """

    theta: Float[np.ndarray, " k"]
    moments: Moments
    n_iterations: int
    converged: bool
    escaped: bool


def maximise(
    objective: Callable[[Float[np.ndarray, " k"]], Moments],
    start: Float[np.ndarray, " k"],
    *,
    box: float = BOX,
    tolerance: float = 1e-13,
    max_iterations: int = 80,
) -> Optimum:
    """Climb from `start`.

    Parameters
    ----------
    objective : value, gradient and Hessian at a point of unit scale (logarithms)
    box : largest |θ| to be looked at
    tolerance : gain still to be had at which to stop, as a share of |value|
    """
    theta = np.clip(start, -box, box)
    here = objective(theta)
    radius, n = _RADIUS, 1
    while n < max_iterations:
        step, gain, concave = _step(here, radius)
        if concave and gain <= tolerance * max(1.0, abs(float(here.value))):
            # Why once more, unseen: it is known already, and squares the distance to the top.
            return Optimum(np.clip(theta + step, -box, box), here, n, True, False)
        if radius < 1e-10:
            break
        if np.abs(theta + step).max() > box:
            return Optimum(theta, here, n, False, True)
        there = objective(theta + step)
        n += 1
        rise = float(there.value - here.value)
        length = float(np.linalg.norm(step))
        finite = np.isfinite(rise) and bool(np.isfinite(there.hessian).all())
        # Why: close to the top the rise is lost in rounding; the sum of 1e6 terms has noise.
        rise += 1e-14 * abs(float(here.value))
        if not finite or rise < 0.25 * gain:
            radius = 0.25 * length
        elif rise > 0.75 * gain and length > 0.9 * radius:
            radius = min(2 * radius, _LARGEST_RADIUS)
        if finite and rise > 1e-3 * gain:
            theta, here = theta + step, there
    return Optimum(theta, here, n, False, False)


def _step(here: Moments, radius: float) -> tuple[Float[np.ndarray, " k"], float, bool]:
    """The step of length `radius` at most that gains most on the quadratic model, and its gain."""
    curvature, basis = np.linalg.eigh(-here.hessian)
    slope = basis.T @ here.gradient
    concave = bool(curvature[0] > 0)
    shift = 0.0
    if not concave or np.linalg.norm(slope / curvature) > radius:
        low = max(0.0, -float(curvature[0]))
        high = low + float(np.linalg.norm(slope)) / radius + 1e-300
        for _ in range(60):
            shift = 0.5 * (low + high)
            if np.linalg.norm(slope / np.maximum(curvature + shift, 1e-300)) > radius:
                low = shift
            else:
                high = shift
        shift = high
    along = slope / np.maximum(curvature + shift, 1e-300)
    gain = float(slope @ along - 0.5 * curvature @ along**2)
    return basis @ along, gain, concave
