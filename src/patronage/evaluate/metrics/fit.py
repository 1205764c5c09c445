"""How near: metrics of size that a validation asks for beside the errors."""

from collections.abc import Callable
from typing import Final

import numpy as np
from jaxtyping import Float

from patronage.evaluate.judged import Judged
from patronage.evaluate.metrics.metric import Metric, OfGroups, OfMeans, ratio
from patronage.evaluate.metrics.ranks import FLOOR_SHARE
from patronage.evaluate.weighing import Weighing

__all__ = ["METRICS"]

Rows = Float[np.ndarray, " rows"]
Draws = Float[np.ndarray, " draws"]

_NEAR: Final = 0.1
_SHARES: Final = np.linspace(0, 1, 11)
_STEPS: Final = 30


def _log(values: Rows) -> Rows:
    return np.asarray(np.log1p(np.maximum(values, 0.0)))


def _explained(scale: Callable[[Rows], Rows]) -> OfMeans:
    def columns(rows: Judged) -> tuple[Rows, ...]:
        outcome = scale(rows.outcome)
        # Why centred: the spread is then no small difference of large sums.
        centred = outcome - (outcome.mean() if len(outcome) else 0.0)
        return (scale(rows.forecast) - outcome) ** 2, centred, centred**2

    return OfMeans(columns, lambda means: 1.0 - ratio(means[0], means[2] - means[1] ** 2))


def _among_buyers(of: Callable[[Rows, Rows], Rows]) -> OfMeans:
    def columns(rows: Judged) -> tuple[Rows, ...]:
        buys = rows.outcome > 0
        outcome = np.where(buys, rows.outcome, 1.0)
        return np.where(buys, of(np.abs(rows.forecast - outcome), outcome), 0.0), buys.astype(float)

    return OfMeans(columns, lambda means: ratio(means[0], means[1]))


def _decile_mape_value(weighing: Weighing) -> Draws:
    ranked = weighing.by_forecast
    # Forecasts below nothing stand last and carry no value.
    carried = np.maximum.accumulate(ranked.forecast, axis=0)
    total = carried[-1]
    found = [
        np.interp(_SHARES * total[k], carried[:, k], ranked.outcome[:, k])
        for k in range(carried.shape[1])
    ]
    outcome = np.diff(np.column_stack(found), axis=0)
    floor = FLOOR_SHARE * np.abs(ranked.total()) / 10
    scale = np.maximum(outcome, floor)
    missed = np.abs(total / 10 - outcome)
    errors = np.divide(missed, scale, out=np.full_like(missed, np.nan), where=scale > 0)
    return np.where(total > 0, errors.mean(axis=0), np.nan)


def _distribution_gap(weighing: Weighing) -> Draws:
    """Largest distance between the distribution functions of forecasts and of outcomes."""
    rows = weighing.rows
    points = np.unique(np.concatenate([rows.forecast, rows.outcome]))
    if weighing.max_groups is not None and len(points) > weighing.max_groups:
        points = points[np.linspace(0, len(points) - 1, weighing.max_groups).astype(int)]
    below = []
    for values in (rows.forecast, rows.outcome):
        group = np.searchsorted(points, values)
        below.append(weighing.sums(group, len(points) + 1).cumsum(axis=0))
    return np.asarray(np.abs(below[0] - below[1]).max(axis=0) / below[0][-1])


def _calibration(weighing: Weighing) -> tuple[Draws, Draws]:
    """Intercept and slope of log E[outcome] = a + b (log forecast − its mean).

    Quasi-Poisson: zeros count, and a and b need no outcome to be positive. Forecasts below 1 % of
    the mean forecast are taken at 1 %. The intercept is less that mean, so 0 is unbiased there.
    """
    rows, n_draws = weighing.rows, weighing.weights.shape[1]
    unknown = np.full(n_draws, np.nan)
    mean = float(rows.forecast.mean()) if len(rows.forecast) else 0.0
    if mean <= 0:
        return unknown, unknown
    log = np.log(np.maximum(rows.forecast, FLOOR_SHARE * mean))
    group, n = weighing.groups(log)
    place = (np.bincount(group, log, n) / np.bincount(group, minlength=n))[:, None]
    weight = weighing.sums(group, n)
    outcome = weighing.sums(group, n, rows.outcome)
    centre = (weight * place).sum(axis=0) / weight.sum(axis=0)
    x = place - centre
    total = outcome.sum(axis=0)
    sound = (total > 0) & ((weight * x * x).sum(axis=0) > 1e-9 * weight.sum(axis=0))
    a, b = np.zeros(n_draws), np.ones(n_draws)
    a = np.log(np.where(sound, total, 1.0) / (weight * np.exp(x)).sum(axis=0))
    for _ in range(_STEPS):
        expected = weight * np.exp(np.clip(a + b * x, -700, 700))
        missed = outcome - expected
        g0, g1 = missed.sum(axis=0), (missed * x).sum(axis=0)
        h00, h01, h11 = (v.sum(axis=0) for v in (expected, expected * x, expected * x * x))
        det = h00 * h11 - h01**2
        safe = np.where(det > 0, det, 1.0)
        up, turn = (h11 * g0 - h01 * g1) / safe, (h00 * g1 - h01 * g0) / safe
        damped = np.minimum(1.0, 1.0 / np.maximum(np.maximum(np.abs(up), np.abs(turn)), 1e-300))
        a, b = a + damped * up, b + damped * turn
    return np.where(sound, a - centre, np.nan), np.where(sound, b, np.nan)


METRICS = (
    Metric(
        "r_squared",
        "Share of the variance of outcomes that expected cash explains; below 0 worse than their "
        "mean.",
        "cash",
        True,
        _explained(lambda values: values),
    ),
    Metric(
        "log_r_squared",
        "The same of log(1 + cash), where the largest customers do not rule.",
        "cash",
        True,
        _explained(_log),
    ),
    Metric(
        "mape_buyers",
        "Mean of |forecast less outcome| over outcome, among those with a positive outcome.",
        "cash",
        False,
        _among_buyers(lambda miss, outcome: miss / outcome),
        among="buyers",
    ),
    Metric(
        "within_10",
        "Share of positive outcomes that the forecast meets to 10 %.",
        "cash",
        True,
        _among_buyers(lambda miss, outcome: (miss <= _NEAR * outcome).astype(float)),
        among="buyers",
    ),
    Metric(
        "nmae",
        "Mean absolute error over the mean outcome.",
        "cash",
        False,
        OfMeans(
            lambda rows: (np.abs(rows.forecast - rows.outcome), rows.outcome),
            lambda means: ratio(means[0], means[1]),
        ),
    ),
    Metric(
        "nrmse",
        "Root of the mean squared error over the mean outcome.",
        "cash",
        False,
        OfMeans(
            lambda rows: ((rows.forecast - rows.outcome) ** 2, rows.outcome),
            lambda means: ratio(np.sqrt(means[0]), means[1]),
        ),
    ),
    Metric(
        "decile_mape_value",
        "Mean of |forecast less outcome| over outcome of ten parts by forecast, each of which "
        "carries a tenth of the cash forecast.",
        "cash",
        False,
        OfGroups(_decile_mape_value),
    ),
    Metric(
        "distribution_gap",
        "Kolmogorov-Smirnov distance between expected cash and outcomes over customers; means are "
        "less spread than outcomes, so 0 is not expected.",
        "cash",
        False,
        OfGroups(_distribution_gap),
    ),
    Metric(
        "calibration_slope",
        "Slope of log expected outcome on log forecast (quasi-Poisson, zeros count): below 1 the "
        "forecasts are spread too far, above 1 too little.",
        "cash",
        False,
        OfGroups(lambda weighing: _calibration(weighing)[1]),
        best=1.0,
    ),
    Metric(
        "calibration_intercept",
        "Log of outcome over forecast on that line, at the mean log forecast.",
        "cash",
        False,
        OfGroups(lambda weighing: _calibration(weighing)[0]),
        best=0.0,
    ),
)
