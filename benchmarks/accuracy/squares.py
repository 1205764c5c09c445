"""R² of a backtest's forecasts: of money, of its logarithm, and without the ten largest customers.

No goal of ours: five customers of Online Retail II carry 72 % of its sum of squares, so R² says how
well those few were told. It stands here since others publish it.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl
from jaxtyping import Float

from patronage.evaluate import Scorecard

__all__ = ["SQUARES", "squares"]

SQUARES = ("r2", "r2_without_ten", "log_r2")

Row = tuple[str, str, float, float, float, float, float, float]


def squares(card: Scorecard, chosen: str, *, n_draws: int = 1_000, seed: int = 0) -> Iterator[Row]:
    """(model, metric, value, low, high, chosen less this, low, high), with 90 % intervals.

    The intervals are over resampled customers, the same for every model.
    """
    told = {
        model: card.predictions.filter(pl.col("model") == model).sort("customer_id")
        for model in card.models
    }
    came = told[chosen]["outcome_cash"].to_numpy()
    n = len(came)
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=n_draws)
    weights = np.vstack([np.ones(n), counts])
    small = weights * (np.argsort(np.argsort(-came, kind="stable")) >= 10)
    found = {
        (model, metric): values
        for model, frame in told.items()
        for metric, values in _all_of(frame["mean_cash"].to_numpy(), came, weights, small)
    }
    for (model, metric), values in found.items():
        away = found[chosen, metric] - values
        yield (
            *(model, metric, float(values[0]), *_interval(values[1:])),
            *(float(away[0]), *_interval(away[1:])),
        )


def _all_of(
    mean: np.ndarray, came: np.ndarray, weights: np.ndarray, small: np.ndarray
) -> Iterator[tuple[str, Float[np.ndarray, " draws"]]]:
    yield "r2", _r2(mean, came, weights)
    yield "r2_without_ten", _r2(mean, came, small)
    log_mean, log_came = (np.log1p(np.maximum(money, 0.0)) for money in (mean, came))
    yield "log_r2", _r2(log_mean, log_came, weights)


def _r2(
    told: np.ndarray, came: np.ndarray, weights: Float[np.ndarray, "draws rows"]
) -> Float[np.ndarray, " draws"]:
    total = weights.sum(axis=1)
    spread = weights @ came**2 - (weights @ came) ** 2 / total
    return np.asarray(1.0 - weights @ (told - came) ** 2 / spread)


def _interval(draws: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(draws, [0.05, 0.95])
    return float(low), float(high)
