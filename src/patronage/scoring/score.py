"""score(): one row per customer; batch, live and distributed scoring all call it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float

from patronage.errors import FitError
from patronage.forecast import AbstractForecast
from patronage.forecast.totals import MOST_DOUBT
from patronage.horizon import Horizon
from patronage.models.base import FittedModel
from patronage.snapshots import Snapshot
from patronage.value import Economics, clv_quantiles, residual_clv, unit_value

__all__ = ["LEVEL", "SCORE_COLUMNS", "Scoring", "forecast_chunks", "score", "with_segments"]

# Both interval kinds hold this probability between their bounds.
LEVEL: Final = 0.8
_NORMAL_QUANTILE: Final = 1.2815515655446004

SCORE_COLUMNS: Final = (
    "customer_id",
    "p_alive",
    "expected_purchases",
    "clv",
    "clv_p10",
    "clv_p90",
    "clv_mean_low",
    "clv_mean_high",
    "segment",
    "as_of",
    "horizon_days",
    "currency",
    "model",
    "version",
)


@dataclass(frozen=True)
class Scoring:
    """What a score is made with, and what is written beside it.

    Attributes
    ----------
    fitted : the model
    horizon : how far ahead
    economics : margin, discounting, acquisition cost
    model, version : name and version written into every row
    level_sd : standard deviation of log(actual / forecast) of the model's totals at earlier days;
        it moves all customers together, and widens the intervals of expectations and totals
    """

    fitted: FittedModel
    horizon: Horizon
    economics: Economics
    model: str
    version: str = ""
    level_sd: float = 0.0


def forecast_chunks(
    snapshot: Snapshot, scoring: Scoring, *, chunk_size: int = 50_000
) -> Iterator[tuple[slice, AbstractForecast]]:
    """Forecast all customers, some at a time: (rows of the snapshot, their forecast)."""
    ready = snapshot.with_features(scoring.fitted.features)
    for start in range(0, len(ready.customers), chunk_size):
        rows = slice(start, min(start + chunk_size, len(ready.customers)))
        forecast = scoring.fitted.predict(ready.take(rows), scoring.horizon)
        yield rows, _with_level(forecast, scoring.level_sd)


def _with_level(forecast: AbstractForecast, level_sd: float) -> AbstractForecast:
    """The forecast with one factor more, common to all customers and as large as `level_sd`."""
    if level_sd == 0.0:
        return forecast
    level = forecast.mean().sum(axis=1, keepdims=True) * level_sd
    known = forecast.mean_factors
    factors = level if known is None else np.concatenate([known, level], axis=1)
    return replace(forecast, mean_factors=factors)  # type: ignore[type-var]


def score(
    snapshot: Snapshot,
    scoring: Scoring,
    *,
    chunk_size: int = 50_000,
    progress: Callable[[int], None] | None = None,
) -> pl.DataFrame:
    """One row per customer of the snapshot, with the columns of SCORE_COLUMNS.

    clv is the present value of the expected margin over the horizon; clv_p10 and clv_p90 bound
    one customer's outcome (80 %), clv_mean_low and clv_mean_high the expectation (80 %; null
    where the model does not know its own uncertainty). Where several models are pooled, one more
    column, model_spread, tells how far they disagree about clv (a standard deviation, no
    interval). Segments are set over all customers:
    high carry the first half of the value, medium the next 30 %, low the rest.

    Parameters
    ----------
    chunk_size : customers forecast at a time; bounds the memory, never changes a number
    progress : called with the number of customers done
    """
    parts = []
    for rows, forecast in forecast_chunks(snapshot, scoring, chunk_size=chunk_size):
        parts.append(_chunk(forecast, scoring.economics.take(rows)))
        if progress is not None:
            progress(rows.stop)
    scored = with_segments(pl.concat(parts))
    more = [name for name in ("model_spread",) if name in scored.columns]
    return scored.with_columns(
        pl.lit(snapshot.as_of).alias("as_of"),
        pl.lit(scoring.horizon.days).alias("horizon_days"),
        pl.lit(snapshot.events.currency).alias("currency"),
        pl.lit(scoring.model).alias("model"),
        pl.lit(scoring.version).alias("version"),
    ).select(*SCORE_COLUMNS, *more)


def with_segments(scored: pl.DataFrame) -> pl.DataFrame:
    """The segment of each, where `scored` has all customers, in the order of their ids."""
    segments = pl.Series("segment", _segments(scored["clv"].to_numpy()), dtype=pl.String)
    return scored.with_columns(segments)


def _chunk(forecast: AbstractForecast, economics: Economics) -> pl.DataFrame:
    _refuse_infinite(forecast, forecast.mean())
    clv = residual_clv(forecast, economics)
    unit = unit_value(forecast, economics)
    bounds = clv_quantiles(forecast, economics, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    low, high = _mean_bounds(clv, forecast, unit)
    _refuse_infinite(forecast, bounds)
    n, spread = forecast.n_purchases, forecast.model_spread
    pooled = {} if spread is None else {"model_spread": spread * np.abs(unit)}
    return pl.DataFrame(
        {
            "customer_id": forecast.customer_id,
            "p_alive": pl.Series(forecast.p_alive, dtype=pl.Float64)
            if forecast.p_alive is not None
            else pl.Series([None] * len(clv), dtype=pl.Float64),
            "expected_purchases": pl.Series(n.sum(axis=1), dtype=pl.Float64)
            if n is not None
            else pl.Series([None] * len(clv), dtype=pl.Float64),
            "clv": clv,
            "clv_p10": bounds[:, 0],
            "clv_p90": bounds[:, 1],
            "clv_mean_low": pl.Series(low, dtype=pl.Float64, nan_to_null=True),
            "clv_mean_high": pl.Series(high, dtype=pl.Float64, nan_to_null=True),
            **pooled,
        }
    )


def _refuse_infinite(
    forecast: AbstractForecast, numbers: Float[np.ndarray, "customers some"]
) -> None:
    wrong = np.flatnonzero(~np.isfinite(numbers).all(axis=1))
    if len(wrong):
        raise FitError(
            f"the forecast of customer {forecast.customer_id[wrong[0]]} is not finite.\n"
            "To mend: choose another model with --models, and report this with the model's name."
        )


def _mean_bounds(
    clv: Float[np.ndarray, " customers"],
    forecast: AbstractForecast,
    unit: Float[np.ndarray, " customers"],
) -> tuple[Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
    """Bounds of the expectation, log-normal around it so that they keep its sign; NaN unknown."""
    if forecast.mean_factors is None:
        return np.full(len(clv), np.nan), np.full(len(clv), np.nan)
    sd = np.sqrt((forecast.mean_factors**2).sum(axis=1)) * np.abs(unit)
    relative = np.where(clv != 0, sd / np.where(clv != 0, np.abs(clv), 1.0), 0.0)
    spread = np.exp(_NORMAL_QUANTILE * np.minimum(relative, MOST_DOUBT))
    return np.minimum(clv / spread, clv * spread), np.maximum(clv / spread, clv * spread)


def _segments(clv: Float[np.ndarray, " customers"]) -> list[str]:
    # Why float32: chunks of another size may move the last bits of a value, and customers who are
    # worth the same must keep their order.
    positive = np.maximum(clv, 0.0).astype(np.float32).astype(float)
    total = positive.sum()
    order = np.argsort(-positive, kind="stable")
    # The share carried by the customers before each, best first; a share of exactly a half is one.
    before = np.zeros(len(clv))
    before[order] = np.concatenate(([0.0], np.cumsum(positive[order])[:-1])) / max(total, 1e-300)
    edge = 1e-9
    names = np.where(before < 0.5 - edge, "high", np.where(before < 0.8 - edge, "medium", "low"))
    return [str(name) for name in np.where(positive > 0, names, "low")]
