"""Convex blends: how much each member says, learned from who buys more than whom."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize

from patronage.models.folds import Summary

__all__ = ["blend", "blend_weights"]


def blend(members: Sequence[Summary], weights: Float[np.ndarray, " members"]) -> Summary:
    """One forecast of several, by weights that sum to 1."""
    # Why: zeros blend on the scale of events per horizon, as purchases do, so that a certain
    # buyer of one member is not made doubtful by a share of another.
    hazard = -np.log1p(-np.clip(_columns(members, "p_positive"), 0.0, 1.0 - 1e-9))
    return Summary(
        _columns(members, "cash") @ weights,
        _columns(members, "purchases") @ weights,
        -np.expm1(-(hazard @ weights)),
    )


def blend_weights(
    members: Sequence[Summary],
    cash: Float[np.ndarray, " rows"],
    purchases: Float[np.ndarray, " rows"],
    *,
    pull: float = 0.0,
) -> Float[np.ndarray, " members"]:
    """Weights of least deviance of the blend, its totals made right; they sum to 1.

    The mean of the Tweedie deviance of cash (power 1.5) and the Poisson deviance of purchases,
    each over its mean outcome. Why both: who buys more often is nearly the same question as who
    spends more, and its answer is less noisy.

    Parameters
    ----------
    members : their forecasts of the same rows
    cash, purchases : outcomes
    pull : how strongly the weights are drawn to equal ones
    """
    n_members = len(members)
    equal = np.full(n_members, 1.0 / n_members)
    parts = [
        (_columns(members, "cash"), np.maximum(cash, 0.0), 1.5),
        (_columns(members, "purchases"), purchases, 1.0),
    ]
    parts = [part for part in parts if part[0].sum() > 0 and part[1].sum() > 0]
    if not parts:
        return equal

    def loss(w: Float[np.ndarray, " members"]) -> tuple[float, Float[np.ndarray, " members"]]:
        away = w - equal
        value, gradient = 0.5 * pull * float(away @ away), pull * away
        for forecasts, actual, power in parts:
            deviance, slope = _deviance(w, forecasts, actual, power=power)
            value, gradient = value + deviance / len(parts), gradient + slope / len(parts)
        return value, gradient

    found = minimize(loss, equal, jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * n_members).x
    return np.asarray(found / found.sum()) if found.sum() > 0 else equal


def _columns(members: Sequence[Summary], name: str) -> Float[np.ndarray, "rows members"]:
    return np.stack([getattr(member, name) for member in members], axis=1)


def _deviance(
    w: Float[np.ndarray, " members"],
    forecasts: Float[np.ndarray, "rows members"],
    actual: Float[np.ndarray, " rows"],
    *,
    power: float,
) -> tuple[float, Float[np.ndarray, " members"]]:
    """Mean deviance of the blend scaled to the total of the outcome, but for terms without it."""
    centre = float(actual.mean())
    x, y = forecasts / centre, actual / centre
    sums = x.mean(axis=0)
    total = x @ w + 1e-9
    scale = 1.0 / max(float(sums @ w), 1e-9)
    mean = scale * total + 1e-6
    if power == 1.0:
        value, slope = mean - y * np.log(mean), 1.0 - y / mean
    else:
        value = mean ** (2 - power) / (2 - power) - y * mean ** (1 - power) / (1 - power)
        slope = mean ** (1 - power) - y * mean ** (-power)
    gradient = scale * (slope @ x / len(y) - (slope @ total / len(y)) * scale * sums)
    return float(value.mean()), np.asarray(gradient)
