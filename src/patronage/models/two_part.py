"""Two-part calibration: what rewound folds say of a forecast's mean, its zeros and its shape.

Three maps, each with two numbers, and one table, learned from (forecast, outcome) pairs of folds
whose outcomes were known at as_of:

- expected cash μ and expected purchases n: log-linear, μ' = exp(a + s·log μ), the maximum
  quasi-likelihood fit (Tweedie variance for cash, Poisson for purchases), so that totals agree;
- P(cash > 0): log-linear on the scale of −log P(zero), the expected number of events that would
  leave so many customers at zero; that scale grows with the horizon as purchases do;
- the table of R = cash / E[cash | cash > 0] among those with cash, in bins of the expected
  purchases of those who buy (more purchases, less spread).

Between folds the totals still differ: `total_sd` is the standard deviation of log(actual /
forecast) that is left, and goes into every interval of an expectation.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int, Shaped

from patronage.forecast import AbstractForecast
from patronage.forecast.empirical_hurdle import EmpiricalHurdleForecast

__all__ = ["FoldPairs", "TwoPartCalibration", "calibrated_forecast", "learn_two_part"]

_LEVELS: Final = np.concatenate(
    ([0.0, 0.005, 0.01, 0.02], np.linspace(0.04, 0.96, 47), [0.98, 0.99, 0.995, 0.999, 1.0])
)
_PER_BIN: Final = 400
_MAX_BINS: Final = 8


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
    cash_map, purchases_map, zero_map : (a, s) of exp(a + s·log value)
    knots : log expected purchases of a buyer at the centre of each bin, increasing
    levels, ratios : quantile table of R, a row per bin
    total_sd : standard deviation of log(actual total / forecast total) between folds
    n_pairs : rows it was learned from
    """

    cash_map: tuple[float, float]
    purchases_map: tuple[float, float]
    zero_map: tuple[float, float]
    knots: Float[np.ndarray, " bins"]
    levels: Float[np.ndarray, " levels"]
    ratios: Float[np.ndarray, "bins levels"]
    total_sd: float
    n_pairs: int

    def cash(self, mean: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
        """Calibrated expected cash."""
        return _power(mean, self.cash_map)

    def purchases(self, mean: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
        """Calibrated expected purchases."""
        return _power(mean, self.purchases_map)

    def p_positive(self, p: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
        """Calibrated P(cash > 0)."""
        return np.asarray(-np.expm1(-_power(_hazard(p), self.zero_map)))

    def position(
        self, purchases: Float[np.ndarray, " rows"], p: Float[np.ndarray, " rows"]
    ) -> Float[np.ndarray, " rows"]:
        """Where between the rows of `ratios` a customer stands, from calibrated forecasts."""
        place = np.arange(len(self.knots), dtype=float)
        return np.asarray(np.interp(_log_given_any(purchases, p), self.knots, place))


def learn_two_part(pairs: FoldPairs) -> TwoPartCalibration:
    """Learn the maps and the table from all folds together."""
    cash_map = _quasi_fit(pairs.cash, np.maximum(pairs.actual_cash, 0.0), power=1.5)
    purchases_map = _quasi_fit(pairs.purchases, pairs.actual_purchases, power=1.0)
    positive = pairs.actual_cash > 0
    zero_map = _binary_fit(_hazard(pairs.p_positive), positive)
    p = -np.expm1(-_power(_hazard(pairs.p_positive), zero_map))
    mean = _power(pairs.cash, cash_map)
    knots, ratios = _shape_table(
        _log_given_any(_power(pairs.purchases, purchases_map), p)[positive],
        (pairs.actual_cash * p / np.maximum(mean, 1e-300))[positive],
    )
    return TwoPartCalibration(
        cash_map,
        purchases_map,
        zero_map,
        knots,
        _LEVELS,
        ratios,
        _total_sd(mean, pairs.actual_cash, pairs.fold),
        len(mean),
    )


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


def _quasi_fit(
    forecast: Float[np.ndarray, " rows"], actual: Float[np.ndarray, " rows"], *, power: float
) -> tuple[float, float]:
    """Fisher scoring of log E[actual] = a + s·log forecast with variance ∝ mean^power."""
    known = forecast > 0
    total, expected = actual.sum(), forecast.sum()
    if expected <= 0 or total <= 0 or known.sum() < 20:
        return 0.0, 1.0
    x, y = np.log(forecast[known]), actual[known]
    centre = float(np.average(x, weights=forecast[known]))
    design = np.stack([np.ones_like(x), x - centre], axis=1)
    beta = np.array([centre + np.log(total / expected), 1.0])
    for _ in range(25):
        mean = np.exp(design @ beta)
        weight = mean ** (2.0 - power)
        information = design.T @ (design * weight[:, None])
        score = design.T @ ((y - mean) * mean ** (1.0 - power))
        step = np.linalg.solve(information + 1e-9 * np.trace(information) * np.eye(2), score)
        beta += np.clip(step, -0.5, 0.5)
        if float(np.abs(step).max()) < 1e-8:
            break
    slope = float(np.clip(beta[1], 0.4, 1.6))
    return _anchored(x, y, beta[0] - slope * centre, slope)


def _anchored(
    x: Float[np.ndarray, " rows"], y: Float[np.ndarray, " rows"], intercept: float, slope: float
) -> tuple[float, float]:
    """Shift the line so that the forecast total is the actual total of all folds."""
    total = float(np.exp(intercept + slope * x).sum())
    return float(intercept + np.log(y.sum() / total)), slope


def _binary_fit(
    hazard: Float[np.ndarray, " rows"], positive: Shaped[np.ndarray, " rows"]
) -> tuple[float, float]:
    """Fisher scoring of the complementary log-log regression of `positive` on log hazard."""
    known = hazard > 0
    share = positive[known].mean() if known.any() else 0.0
    if known.sum() < 20 or not 0.0 < share < 1.0:
        return 0.0, 1.0
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
    slope = float(np.clip(beta[1], 0.3, 2.0))
    return float(beta[0] - slope * centre), slope


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
    """Spread of the folds' log ratios around 0, widened for their small number.

    With k folds the next one is a draw of the same spread around an estimated centre: the factor
    (1 + 1/k), and the maximum-likelihood spread around the centre divides by k − 1.
    """
    folds = np.unique(fold)
    ratios = np.array(
        [
            np.log(max(actual[fold == one].sum(), 1e-9) / max(mean[fold == one].sum(), 1e-9))
            for one in folds
        ]
    )
    if len(folds) < 2:
        return 0.1
    spread = ((ratios - ratios.mean()) ** 2).sum() / (len(folds) - 1)
    return float(min(np.sqrt(spread * (1.0 + 1.0 / len(folds))), 1.0))


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
    mean = calibration.cash(cash)
    n = calibration.purchases(purchases)
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
