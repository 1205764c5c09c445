"""Prediction sets with nothing as an outcome of its own: {0} ∪ [low, high]."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from patronage.errors import SettingsError
from patronage.forecast import AbstractForecast

__all__ = ["PredictionSets", "prediction_sets"]


@dataclass(frozen=True)
class PredictionSets:
    """Of each customer: amounts from low to high, and 0 where `zero` says so.

    Attributes
    ----------
    level : probability of the set
    zero : 0 belongs to the set
    low, high : the amounts; NaN where 0 alone is probable enough
    """

    level: float
    zero: Bool[np.ndarray, " customers"]
    low: Float[np.ndarray, " customers"]
    high: Float[np.ndarray, " customers"]

    def holds(self, total: Float[np.ndarray, " customers"]) -> Bool[np.ndarray, " customers"]:
        """Whether an outcome lies in the set; a net refund counts as nothing gained."""
        with np.errstate(invalid="ignore"):
            among = (total >= self.low) & (total <= self.high)
        return np.asarray(among | (self.zero & (total <= 0)))


def prediction_sets(forecast: AbstractForecast, level: float) -> PredictionSets:
    """Sets of probability `level` under the forecast, in two parts where nothing is likely.

    With α = 1 − level and p0 = P(cash <= 0): where p0 > α / 2 the set holds 0 and the amounts
    from level p0 + α / 2 to 1 − α / 2, so that both ends of what is positive lose as much, or 0
    alone where p0 is at least the level. Elsewhere it is the central interval.

    Of a conformal forecast, the interval from quantile α / 2 to 1 − α / 2 has the guarantee; the
    set leaves out of it the small amounts that hardly anybody spends, trusting the calibrated
    distribution.

    Raises
    ------
    SettingsError : the level is no probability between 0 and 1
    """
    if not 0.0 < level < 1.0:
        raise SettingsError(f"the level is {level:g}; it must lie between 0 and 1.")
    tail = (1.0 - level) / 2.0
    p_zero = forecast.p_zero()
    zero = p_zero > tail
    low, high = forecast.quantile([tail, 1.0 - tail]).T.copy()
    two = np.flatnonzero(zero & (p_zero < level))
    if len(two):
        low[two] = _quantile_each(forecast.take(two), p_zero[two] + tail)
    # Why: an interval of nothing but zero adds nothing to zero.
    only = zero & ((p_zero >= level) | (high <= 0))
    low[only] = high[only] = np.nan
    return PredictionSets(level, zero, low, high)


def _quantile_each(
    forecast: AbstractForecast, level: Float[np.ndarray, " customers"]
) -> Float[np.ndarray, " customers"]:
    """A quantile at each customer's own level, rounded down to 1 / 200: no set gets too small."""
    found = np.empty(len(level))
    step = np.floor(level * 200 + 1e-9).astype(np.int64)
    for value in np.unique(step):
        rows = np.flatnonzero(step == value)
        found[rows] = forecast.take(rows).quantile([float(value) / 200])[:, 0]
    return found
