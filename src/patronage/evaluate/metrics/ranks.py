"""Who comes first: metrics of the order of customers, and of deciles cut in that order."""

import numpy as np
from jaxtyping import Float, Int

from patronage.evaluate.metrics.metric import Metric, OfGroups
from patronage.evaluate.weighing import Weighing

__all__ = ["FLOOR_SHARE", "METRICS", "RANK_BINS", "normalized_gini", "spearman"]

RANK_BINS = 64
"""Bins per axis of the rank correlation under resampling."""

DECILES = np.linspace(0, 1, 11)

FLOOR_SHARE = 0.01
"""A decile whose outcome is below this share of the mean is measured against this share."""


def _gini(weighing: Weighing) -> Float[np.ndarray, " draws"]:
    return weighing.by_forecast.gini()


def normalized_gini(weighing: Weighing) -> Float[np.ndarray, " draws"]:
    """Gini over that of perfect foresight, equals sharing; 0 where nothing can be found."""
    possible = weighing.by_outcome.gini()
    found = weighing.by_forecast.gini()
    return np.where(possible > 0, found / np.where(possible > 0, possible, 1.0), 0.0)


def _ranks(
    group: Int[np.ndarray, " cells"], n: int, weight: Float[np.ndarray, "cells draws"]
) -> Float[np.ndarray, "cells draws"]:
    """Rank of each cell's group, equals sharing their mean rank, less the mean of all ranks."""
    sums = np.zeros((n, weight.shape[1]))
    np.add.at(sums, group, weight)
    middle = sums.cumsum(axis=0) - sums / 2
    return np.asarray((middle - sums.sum(axis=0) / 2)[group])


def spearman(weighing: Weighing) -> Float[np.ndarray, " draws"]:
    """Correlation of mean ranks of forecast and outcome; 0 where either is the same for all."""
    rows = weighing.rows
    if len(rows.forecast) == 0:
        return np.zeros(weighing.weights.shape[1])
    forecast, n_forecast = weighing.groups(rows.forecast, RANK_BINS)
    outcome, n_outcome = weighing.groups(rows.outcome, RANK_BINS)
    cells, cell = np.unique(forecast * n_outcome + outcome, return_inverse=True)
    weight = weighing.sums(cell, len(cells))
    a = _ranks(cells // n_outcome, n_forecast, weight)
    b = _ranks(cells % n_outcome, n_outcome, weight)
    shared, in_a, in_b = ((weight * product).sum(axis=0) for product in (a * b, a * a, b * b))
    spread = np.sqrt(in_a * in_b)
    return np.where(spread > 0, shared / np.where(spread > 0, spread, 1.0), 0.0)


def _decile_mape(weighing: Weighing) -> Float[np.ndarray, " draws"]:
    outcome, forecast = (np.diff(sums, axis=0) for sums in weighing.by_forecast.at(DECILES))
    mean = np.abs(weighing.by_forecast.total()) / len(outcome)
    # Where nothing happened, the forecast itself is the measure: 1 if there was any.
    floor = np.where(mean > 0, FLOOR_SHARE * mean, np.abs(forecast).max(axis=0))
    scale = np.maximum(outcome, np.where(floor > 0, floor, 1.0))
    return np.asarray((np.abs(forecast - outcome) / scale).mean(axis=0))


def _top_decile(weighing: Weighing) -> Float[np.ndarray, " draws"]:
    total = weighing.by_forecast.total()
    outcome, _ = weighing.by_forecast.at(np.array([0.1]))
    return np.where(total > 0, outcome[0] / np.where(total > 0, total, 1.0), 0.0)


METRICS = (
    Metric(
        "gini",
        "Twice the area between the share of cash found when customers are ranked by forecast and "
        "the diagonal; equal forecasts share.",
        "cash",
        True,
        OfGroups(_gini),
    ),
    Metric(
        "normalized_gini",
        "Gini over the Gini of perfect foresight: 0 is chance, 1 is perfect.",
        "cash",
        True,
        OfGroups(normalized_gini),
    ),
    Metric(
        "spearman",
        "Rank correlation of forecast and outcome, equals sharing their mean rank; ruled by the "
        "many who spend nothing.",
        "cash",
        True,
        OfGroups(spearman),
    ),
    Metric(
        "decile_mape",
        "Mean over ten deciles by forecast of |forecast less outcome| over outcome.",
        "cash",
        False,
        OfGroups(_decile_mape),
    ),
    Metric(
        "decile_lift",
        "Mean outcome of the top decile by forecast over the mean of all.",
        "cash",
        True,
        OfGroups(lambda weighing: 10 * _top_decile(weighing)),
    ),
    Metric(
        "top_decile_capture",
        "Share of all cash that came from the top decile by forecast.",
        "cash",
        True,
        OfGroups(_top_decile),
    ),
)
