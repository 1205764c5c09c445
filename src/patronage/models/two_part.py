"""Two-part calibration: what rewound folds say of a forecast's level, its zeros and its shape.

Learned from (forecast, outcome) pairs of folds whose outcomes were known at as_of:

- level: one factor for expected cash and one for expected purchases. Levels move on (a season, a
  promotion), so only the part `level_trust` of what the folds' totals say is taken over;
- zeros: P(cash > 0) is log-linear on the scale of −log P(zero), the expected number of events
  that would leave so many customers at zero; that scale grows with the horizon as purchases do;
- shape: a table of R = cash / E[cash | cash > 0] among those with cash, in bins of the expected
  purchases of those who buy (more purchases, less spread).

Between folds the totals still differ: `total_sd` is the root mean square of log(actual / forecast)
that is left, and goes into every interval of an expectation.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy.optimize import brentq

from patronage.forecast import AbstractForecast
from patronage.forecast.empirical_hurdle import EmpiricalHurdleForecast

__all__ = ["FoldPairs", "TwoPartCalibration", "calibrated_forecast", "learn_two_part"]

_LEVELS: Final = np.concatenate(
    ([0.0, 0.005, 0.01, 0.02], np.linspace(0.04, 0.96, 47), [0.98, 0.99, 0.995, 0.999, 1.0])
)
_PER_BIN: Final = 400
_MAX_BINS: Final = 8
# Why: of the slope that the folds' zeros show, half stood up in later periods.
_SLOPE_TRUST: Final = 0.5


@dataclass(frozen=True)
class FoldPairs:
    """Forecasts of rewound folds beside what happened; one row per customer and fold.

    Attributes
    ----------
    cash, purchases, p_positive : forecast over the fold's horizon
    actual_cash, actual_purchases : outcome
    fold : number of the fold
    """

    cash: Float[np.ndarray, " rows"]
    purchases: Float[np.ndarray, " rows"]
    p_positive: Float[np.ndarray, " rows"]
    actual_cash: Float[np.ndarray, " rows"]
    actual_purchases: Float[np.ndarray, " rows"]
    fold: Int[np.ndarray, " rows"]


@dataclass(frozen=True)
class TwoPartCalibration:
    """The learned maps; see the module.

    Attributes
    ----------
    cash_factor, purchases_factor : what expectations are multiplied with
    zero_map : (a, s): −log P(zero) becomes exp(a + s·log of it)
    knots : log expected purchases of a buyer at the centre of each bin, increasing
    levels, ratios : quantile table of R, a row per bin
    total_sd : root mean square of log(actual total / forecast total) over the folds
    n_pairs : rows it was learned from
    """

    cash_factor: float
    purchases_factor: float
    zero_map: tuple[float, float]
    knots: Float[np.ndarray, " bins"]
    levels: Float[np.ndarray, " levels"]
    ratios: Float[np.ndarray, "bins levels"]
    total_sd: float
    n_pairs: int

    def p_positive(self, p: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
        """Calibrated P(cash > 0)."""
        return np.asarray(-np.expm1(-_power(_hazard(p), self.zero_map)))

    def position(
        self, purchases: Float[np.ndarray, " rows"], p: Float[np.ndarray, " rows"]
    ) -> Float[np.ndarray, " rows"]:
        """Where between the rows of `ratios` a customer stands, from calibrated forecasts."""
        place = np.arange(len(self.knots), dtype=float)
        return np.asarray(np.interp(_log_given_any(purchases, p), self.knots, place))


def learn_two_part(pairs: FoldPairs, *, level_trust: float) -> TwoPartCalibration:
    """Learn the factors, the map and the table from all folds together.

    Parameters
    ----------
    level_trust : 0 leaves the level as forecast, 1 makes the folds' totals right
    """
    cash_factor = _ratio(pairs.actual_cash, pairs.cash) ** level_trust
    purchases_factor = _ratio(pairs.actual_purchases, pairs.purchases) ** level_trust
    positive = pairs.actual_cash > 0
    zero_map = _zero_map(_hazard(pairs.p_positive), positive, level_trust)
    p = -np.expm1(-_power(_hazard(pairs.p_positive), zero_map))
    mean = pairs.cash * cash_factor
    # Why: cash where none was expected has no ratio; it is in the zeros' map.
    seen = positive & (mean > 0)
    knots, ratios = _shape_table(
        _log_given_any(pairs.purchases * purchases_factor, p)[seen],
        pairs.actual_cash[seen] * p[seen] / mean[seen],
    )
    return TwoPartCalibration(
        cash_factor,
        purchases_factor,
        zero_map,
        knots,
        _LEVELS,
        ratios,
        _total_sd(mean, pairs.actual_cash, pairs.fold),
        len(mean),
    )


def _ratio(actual: Float[np.ndarray, " rows"], forecast: Float[np.ndarray, " rows"]) -> float:
    """Actual over forecast total; 1 where either is not positive."""
    told, came = float(forecast.sum()), float(actual.sum())
    return came / told if told > 0 and came > 0 else 1.0


def _power(
    value: Float[np.ndarray, " rows"], line: tuple[float, float]
) -> Float[np.ndarray, " rows"]:
    intercept, slope = line
    positive = value > 0
    return np.where(
        positive, np.exp(intercept + slope * np.log(np.where(positive, value, 1.0))), 0.0
    )


def _hazard(p: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
    return np.asarray(-np.log1p(-np.clip(p, 0.0, 1.0 - 1e-12)))


def _log_given_any(
    purchases: Float[np.ndarray, " rows"], p: Float[np.ndarray, " rows"]
) -> Float[np.ndarray, " rows"]:
    return np.asarray(np.log(np.maximum(purchases / np.maximum(p, 1e-12), 1.0)))


def _zero_map(
    hazard: Float[np.ndarray, " rows"], positive: Shaped[np.ndarray, " rows"], level_trust: float
) -> tuple[float, float]:
    """Half of the slope that the folds show, and `level_trust` of the way to their share."""
    slope = 1.0 + _SLOPE_TRUST * (_slope_of_zeros(hazard, positive) - 1.0)
    before = float(-np.expm1(-hazard).mean()) if len(hazard) else 0.0
    wanted = (1.0 - level_trust) * before + level_trust * float(positive.mean())
    if not 0.0 < wanted < 1.0:
        return 0.0, 1.0
    shape = _power(hazard, (0.0, slope))

    def missed(intercept: float) -> float:
        return float(-np.expm1(-np.exp(intercept) * shape).mean()) - wanted

    if missed(-20.0) > 0 or missed(20.0) < 0:
        return 0.0, 1.0
    return float(brentq(missed, -20.0, 20.0, xtol=1e-10)), slope


def _slope_of_zeros(
    hazard: Float[np.ndarray, " rows"], positive: Shaped[np.ndarray, " rows"]
) -> float:
    """Fisher scoring of the complementary log-log regression of `positive` on log hazard."""
    known = hazard > 0
    share = positive[known].mean() if known.any() else 0.0
    if known.sum() < 20 or not 0.0 < share < 1.0:
        return 1.0
    x, y = np.log(hazard[known]), positive[known].astype(float)
    centre = float(x.mean())
    design = np.stack([np.ones_like(x), x - centre], axis=1)
    beta = np.array([centre, 1.0])
    for _ in range(50):
        rate = np.exp(np.clip(design @ beta, -30.0, 3.5))
        zero = np.exp(-rate)
        p = np.clip(-np.expm1(-rate), 1e-12, None)
        weight = rate * rate * zero / p
        score = design.T @ ((y - p) / p * rate)
        information = design.T @ (design * weight[:, None])
        step = np.linalg.solve(information + 1e-9 * np.trace(information) * np.eye(2), score)
        beta += np.clip(step, -0.5, 0.5)
        if float(np.abs(step).max()) < 1e-8:
            break
    return float(np.clip(beta[1], 0.3, 2.0))


def _shape_table(
    position: Float[np.ndarray, " buyers"], ratio: Float[np.ndarray, " buyers"]
) -> tuple[Float[np.ndarray, " bins"], Float[np.ndarray, "bins levels"]]:
    n_bins = int(np.clip(len(ratio) // _PER_BIN, 1, _MAX_BINS))
    if len(ratio) == 0:
        return np.zeros(1), np.ones((1, len(_LEVELS)))
    order = np.argsort(position, kind="stable")
    knots, rows = [], []
    for members in np.array_split(order, n_bins):
        values = ratio[members]
        quantiles = np.quantile(values, _LEVELS) / values.mean()
        # Why: the largest ratio seen is no bound of what can happen; the last step is drawn out.
        quantiles[-1] = max(quantiles[-1], quantiles[-2] * 1.5)
        knots.append(float(position[members].mean()))
        rows.append(quantiles)
    return np.maximum.accumulate(np.array(knots) + 1e-9 * np.arange(n_bins)), np.array(rows)


def _total_sd(
    mean: Float[np.ndarray, " rows"],
    actual: Float[np.ndarray, " rows"],
    fold: Int[np.ndarray, " rows"],
) -> float:
    """Root mean square of the folds' log ratios; the next fold differs from k seen by 1 + 1/k."""
    folds = np.unique(fold)
    missed = np.array([np.log(_ratio(actual[fold == k], mean[fold == k])) for k in folds])
    return float(min(np.sqrt((missed**2).mean() * (1.0 + 1.0 / len(folds))), 1.0))


def calibrated_forecast(
    calibration: TwoPartCalibration,
    base: AbstractForecast,
    *,
    cash: Float[np.ndarray, " customers"],
    purchases: Float[np.ndarray, " customers"],
    p_positive: Float[np.ndarray, " customers"],
) -> EmpiricalHurdleForecast:
    """The calibrated distribution around given expectations.

    Parameters
    ----------
    base : lends customers, horizon, p_alive, the profile over periods, and the uncertainty of
        its mean, scaled as the mean is; to it comes what the folds' totals left unexplained
    cash, purchases, p_positive : uncalibrated expectations over the horizon
    """
    mean = cash * calibration.cash_factor
    n = purchases * calibration.purchases_factor
    p = np.clip(calibration.p_positive(p_positive), 1e-9, 1.0 - 1e-9)
    # Why: a customer buys at least once when buying at all.
    n = np.maximum(n, p)
    base_mean = base.mean()
    profile = base_mean if base.n_purchases is None else base.n_purchases
    total = profile.sum(axis=1, keepdims=True)
    even = np.diff(base.horizon.edges()) / base.horizon.days
    shares = np.where(total > 0, profile / np.where(total > 0, total, 1.0), even)
    factors = [(mean * calibration.total_sd)[:, None]]
    if base.mean_factors is not None:
        before = base_mean.sum(axis=1)
        scale = np.where(before > 0, mean / np.where(before > 0, before, 1.0), 0.0)
        factors.append(base.mean_factors * scale[:, None])
    return EmpiricalHurdleForecast(
        base.customer_id,
        base.as_of,
        base.horizon,
        p,
        mean / p,
        shares,
        calibration.levels,
        calibration.ratios,
        calibration.position(n, p),
        base.p_alive,
        n[:, None] * shares,
        np.concatenate(factors, axis=1),
    )
