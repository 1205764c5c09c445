"""Errors of expected cash and purchases."""

import numpy as np
from jaxtyping import Float

from patronage.evaluate.judged import Judged
from patronage.evaluate.metrics.metric import Metric, OfGroups, OfMeans
from patronage.evaluate.weighing import ROUNDING, Weighing

__all__ = ["METRICS", "tweedie_deviance"]

FLOOR_SHARE = 1e-3
"""A forecast below this share of the mean outcome is scored as this share (deviance only)."""


def tweedie_deviance(
    forecast: Float[np.ndarray, " rows"], outcome: Float[np.ndarray, " rows"]
) -> Float[np.ndarray, " rows"]:
    """Unit deviance of the Tweedie family at power 1.5, half-way from Poisson to gamma.

    4 (y / sqrt(m) + sqrt(m) − 2 sqrt(max(y, 0))): linear in y but for a term without m, so the
    mean minimises its expectation whatever the distribution, negative outcomes included.
    """
    floor = FLOOR_SHARE * float(np.abs(outcome).mean()) if len(outcome) else 0.0
    root = np.sqrt(np.maximum(forecast, max(floor, 1e-12)))
    return np.asarray(4 * (outcome / root + root - 2 * np.sqrt(np.maximum(outcome, 0))))


def _relative(means: Float[np.ndarray, "3 draws"]) -> Float[np.ndarray, " draws"]:
    """(forecast − outcome) / |outcome|; over |forecast| where outcomes cancel to nothing."""
    forecast, outcome, size = means
    scale = np.where(np.abs(outcome) > ROUNDING * size, np.abs(outcome), np.abs(forecast))
    return np.asarray((forecast - outcome) / np.where(scale > 0, scale, 1.0))


def _root(means: Float[np.ndarray, "1 draws"]) -> Float[np.ndarray, " draws"]:
    return np.asarray(np.sqrt(means[0]))


def _portfolio_rmse(weighing: Weighing) -> Float[np.ndarray, " draws"]:
    rows = weighing.rows
    n_origins = int(rows.origin.max(initial=-1)) + 1
    misses = weighing.sums(rows.origin, n_origins, rows.forecast - rows.outcome)
    return np.asarray(np.sqrt((misses**2).mean(axis=0)))


def _purchases(rows: Judged) -> tuple[Float[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
    assert rows.forecast_purchases is not None
    assert rows.outcome_purchases is not None
    return rows.forecast_purchases, rows.outcome_purchases


def _miss(rows: Judged) -> Float[np.ndarray, " rows"]:
    forecast, outcome = _purchases(rows)
    return np.asarray(forecast - outcome)


METRICS = (
    Metric(
        "deviance",
        "Mean Tweedie deviance (power 1.5) of expected cash: a proper score of the mean in which "
        "large customers do not drown the small.",
        "cash",
        False,
        OfMeans(lambda rows: (tweedie_deviance(rows.forecast, rows.outcome),)),
    ),
    Metric(
        "mae",
        "Mean absolute error of expected cash; best for a median, so it flatters low forecasts.",
        "cash",
        False,
        OfMeans(lambda rows: (np.abs(rows.forecast - rows.outcome),)),
    ),
    Metric(
        "rmse",
        "Root of the mean squared error of expected cash; ruled by the largest customers.",
        "cash",
        False,
        OfMeans(lambda rows: ((rows.forecast - rows.outcome) ** 2,), _root),
    ),
    Metric(
        "bias",
        "Mean of forecast less outcome, in money per customer.",
        "cash",
        False,
        OfMeans(lambda rows: (rows.forecast - rows.outcome,)),
        best=0.0,
    ),
    Metric(
        "aggregate_bias",
        "Sum of forecasts over sum of outcomes, less 1.",
        "cash",
        False,
        OfMeans(lambda rows: (rows.forecast, rows.outcome, np.abs(rows.outcome)), _relative),
        best=0.0,
    ),
    Metric(
        "portfolio_rmse",
        "Root of the mean squared error of all customers' total over the origins, in money.",
        "cash",
        False,
        OfGroups(_portfolio_rmse),
    ),
    Metric(
        "rmse_purchases",
        "Root of the mean squared error of expected purchases.",
        "purchases",
        False,
        OfMeans(lambda rows: (_miss(rows) ** 2,), _root),
    ),
    Metric(
        "mae_purchases",
        "Mean absolute error of expected purchases.",
        "purchases",
        False,
        OfMeans(lambda rows: (np.abs(_miss(rows)),)),
    ),
    Metric(
        "aggregate_bias_purchases",
        "Sum of expected purchases over sum of purchases, less 1.",
        "purchases",
        False,
        OfMeans(lambda rows: (*_purchases(rows), _purchases(rows)[1]), _relative),
        best=0.0,
    ),
)
