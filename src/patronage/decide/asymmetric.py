"""One number per customer where too much and too little do not cost the same.

Each decision minimises the expected loss under the forecast of a customer's total, so that it
moves with the whole distribution and not with the mean alone.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from jaxtyping import Float

from patronage.errors import SettingsError
from patronage.forecast import AbstractForecast

__all__ = ["budget_decision", "expectile_decision", "linex_decision", "newsvendor_decision"]

N_DRAWS: Final = 2000
_BLOCK: Final = 2048
_STEPS: Final = 100


def newsvendor_decision(
    forecast: AbstractForecast, *, cost_too_low: float, cost_too_high: float
) -> Float[np.ndarray, " customers"]:
    """The total that minimises the expected pinball loss: the critical-ratio quantile.

    Parameters
    ----------
    cost_too_low, cost_too_high : cost of each unit by which the number falls short of the outcome,
        or exceeds it; above 0
    """
    _refuse_unless_positive(cost_too_low=cost_too_low, cost_too_high=cost_too_high)
    return forecast.quantile([cost_too_low / (cost_too_low + cost_too_high)])[:, 0]


def expectile_decision(
    forecast: AbstractForecast,
    *,
    cost_too_low: float,
    cost_too_high: float,
    n_draws: int = N_DRAWS,
    seed: int = 0,
) -> Float[np.ndarray, " customers"]:
    """The total that minimises the expected asymmetric squared loss: an expectile.

    With equal costs it is the mean (Newey & Powell 1987). Taken over draws of the total.
    """
    _refuse_unless_positive(cost_too_low=cost_too_low, cost_too_high=cost_too_high)
    tau = cost_too_low / (cost_too_low + cost_too_high)
    return _by_block(forecast, lambda drawn: _expectile(drawn, tau), n_draws, seed)


def linex_decision(
    forecast: AbstractForecast,
    *,
    a: float,
    unit: float = 1.0,
    n_draws: int = N_DRAWS,
    seed: int = 0,
) -> Float[np.ndarray, " customers"]:
    """The number d that minimises E[e^(a(d − y)) − a(d − y) − 1]: −ln E[e^(−ay)] / a.

    Exponential in one direction and about linear in the other (Varian 1975; Zellner 1986).

    Parameters
    ----------
    a : above 0 too much is the dear side, below 0 too little; near 0 the answer is the mean
    unit : money that counts as 1 in the exponent, such as a typical purchase
    """
    _refuse_unless_positive(unit=unit)
    if not np.isfinite(a):
        raise SettingsError(f"a is {a}; it must be a finite number.")
    return _by_block(forecast, lambda drawn: _linex(drawn, a / unit), n_draws, seed)


def budget_decision(
    worth: Float[np.ndarray, " customers"],
    *,
    cac_cap: float,
    share: float = 1.0,
    budget: float | None = None,
) -> Float[np.ndarray, " customers"]:
    """What to spend on each customer: a share of the worth, at most the cap, at most the budget.

    Where the budget does not suffice for all, those with the highest worth come first, and the
    last who gets anything gets the rest.

    Parameters
    ----------
    worth : value of each customer, such as a decision above times margin
    cac_cap : most that may be spent on one
    share : of the worth, 0 to 1; 1 spends all that a customer brings
    budget : of all together; None: no limit
    """
    _refuse_unless_positive(cac_cap=cac_cap)
    if not 0.0 <= share <= 1.0:
        raise SettingsError(f"the share is {share:g}; it must lie between 0 and 1.")
    wanted = np.clip(share * worth, 0.0, cac_cap)
    if budget is None:
        return np.asarray(wanted)
    if budget < 0:
        raise SettingsError(f"the budget is {budget:g}; it must be 0 or more.")
    order = np.argsort(-worth, kind="stable")
    given = np.empty_like(wanted)
    before = np.cumsum(wanted[order]) - wanted[order]
    given[order] = np.clip(budget - before, 0.0, wanted[order])
    return given


def _expectile(drawn: Float[np.ndarray, "draws customers"], tau: float) -> np.ndarray:
    """Iteratively weighted means; exact once the weights stand still, after a few steps."""
    at = drawn.mean(axis=0)
    for _ in range(_STEPS):
        weight = np.where(drawn > at, tau, 1.0 - tau)
        moved = (weight * drawn).sum(axis=0) / weight.sum(axis=0)
        if np.allclose(moved, at, rtol=1e-12, atol=0.0):
            break
        at = moved
    return np.asarray(at)


def _linex(drawn: Float[np.ndarray, "draws customers"], a: float) -> np.ndarray:
    mean = drawn.mean(axis=0)
    if a == 0.0:
        return np.asarray(mean)
    # Why around the largest: e^(-a y) alone would overflow.
    exponent = -a * (drawn - mean)
    most = exponent.max(axis=0)
    # Why expm1: for a near 0 the logarithm of a mean near 1 would lose its digits.
    near = np.log1p(np.expm1(np.minimum(exponent, 1.0)).mean(axis=0))
    far = most + np.log(np.exp(exponent - most).mean(axis=0))
    return np.asarray(mean - np.where(most < 1.0, near, far) / a)


def _by_block(
    forecast: AbstractForecast,
    decide: Callable[[Float[np.ndarray, "draws customers"]], np.ndarray],
    n_draws: int,
    seed: int,
) -> Float[np.ndarray, " customers"]:
    found = np.empty(forecast.n_customers)
    for start in range(0, forecast.n_customers, _BLOCK):
        rows = slice(start, start + _BLOCK)
        rng = np.random.default_rng([seed, start])
        found[rows] = decide(forecast.take(rows).sample_total(n_draws, rng))
    return found


def _refuse_unless_positive(**settings: float) -> None:
    for name, value in settings.items():
        if not (np.isfinite(value) and value > 0):
            raise SettingsError(f"{name} is {value}; it must be a finite number above 0.")
