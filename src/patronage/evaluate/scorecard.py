"""Scorecard: how each model forecast what then happened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl

from patronage.errors import SettingsError
from patronage.evaluate.bootstrap import interval
from patronage.evaluate.deciles import calibration_table, pit_table
from patronage.evaluate.judged import Judged
from patronage.evaluate.leaderboard import POOLED, Draws, numbered
from patronage.evaluate.metrics import METRICS
from patronage.horizon import Horizon

__all__ = ["Difference", "Scorecard"]


@dataclass(frozen=True)
class Difference:
    """A metric of one model less that of another, over the same resampled customers.

    Attributes
    ----------
    value, low, high : model_a − model_b, and its 90 % interval
    """

    metric: str
    model_a: str
    model_b: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Scorecard:
    """What a backtest found.

    Attributes
    ----------
    frame : long: model, origin ('all' pools them), horizon_days, segment, metric, value, low, high
        (a 90 % interval over resampled customers), n_customers
    predictions : model, origin, customer_id, first_day, mean_cash, mean_purchases (null: not
        forecast), q10, q90, f_q90, pit, crps, p_zero, outcome_cash, outcome_purchases
    failures : model → at which origins it gave no forecast, and why
    horizon, origins : what was judged
    seconds : model, origin, fit, predict
    draws : (model, origin, metric) → the metric under each resampling
    """

    frame: pl.DataFrame
    predictions: pl.DataFrame
    failures: Mapping[str, str]
    horizon: Horizon
    origins: tuple[date, ...]
    seconds: pl.DataFrame
    draws: Draws = field(repr=False, compare=False, default_factory=dict)

    @property
    def models(self) -> tuple[str, ...]:
        """The models that gave a forecast at some origin."""
        return tuple(self.predictions["model"].unique(maintain_order=True))

    def value(self, model: str, metric: str, *, origin: str = POOLED) -> float:
        """One number of the board, over all customers; NaN where there is none."""
        found = self.frame.filter(
            (pl.col("model") == model)
            & (pl.col("metric") == metric)
            & (pl.col("origin") == origin)
            & (pl.col("segment") == "all")
        )
        return float(found["value"][0]) if len(found) else float("nan")

    def difference(
        self, model_a: str, model_b: str, metric: str, *, origin: str = POOLED
    ) -> Difference:
        """The metric of `model_a` less that of `model_b`, paired by customer."""
        if metric not in METRICS:
            raise SettingsError(f"no metric {metric!r}; known metrics: {', '.join(METRICS)}.")
        for model in (model_a, model_b):
            if (model, origin, metric) not in self.draws:
                raise SettingsError(
                    f"{model!r} has no {metric} at origin {origin!r}; models on the board: "
                    f"{', '.join(self.models)}."
                )
        a, b = (self.draws[model, origin, metric] for model in (model_a, model_b))
        values = (self.value(model, metric, origin=origin) for model in (model_a, model_b))
        low, high = interval(a - b)
        return Difference(metric, model_a, model_b, next(values) - next(values), low, high)

    def calibration(self, model: str, *, origin: date | None = None) -> pl.DataFrame:
        """Ten equal parts of the customers by forecast, 1 the lowest, pooled over origins.

        Columns decile, predicted and actual (money per customer), low and high (90 % interval of
        the actual), n_customers (rows: a customer at three origins counts three times).
        """
        return calibration_table(self._judged(model, origin))

    def cohorts(self, model: str, *, origin: date | None = None) -> pl.DataFrame:
        """Sums of predicted and actual cash by acquisition cohort, at one origin (the latest).

        Columns cohort (first day of its month, quarter or year), predicted, actual, actual_low,
        actual_high, aggregate_bias, low, high, n_customers.
        """
        at = str(max(self.origins) if origin is None else origin)
        long = self.frame.filter(
            (pl.col("model") == model)
            & (pl.col("origin") == at)
            & pl.col("segment").str.starts_with("cohort ")
        )

        def one(metric: str, **columns: str) -> pl.DataFrame:
            kept = [pl.col(name).alias(alias) for name, alias in columns.items()]
            return long.filter(pl.col("metric") == metric).select("segment", *kept)

        return (
            one("predicted_sum", value="predicted", n_customers="n_customers")
            .join(
                one("actual_sum", value="actual", low="actual_low", high="actual_high"), "segment"
            )
            .join(
                one("aggregate_bias", value="aggregate_bias", low="low", high="high"),
                "segment",
                how="left",
            )
            .with_columns(pl.col("segment").map_elements(_cohort_day, pl.Date).alias("cohort"))
            .select(
                "cohort",
                "predicted",
                "actual",
                "actual_low",
                "actual_high",
                "aggregate_bias",
                "low",
                "high",
                "n_customers",
            )
            .sort("cohort")
        )

    def pit(self, model: str, *, n_bins: int = 20) -> pl.DataFrame:
        """Histogram of the probability integral transform, pooled: bin (1 …) and share."""
        return pit_table(self._judged(model, None), n_bins=n_bins)

    def coverage(self, model: str) -> str:
        """How often outcomes lay at or below the 90 % quantile, in a sentence."""
        rows = self._judged(model, None)
        assert rows.q90 is not None
        assert rows.f_q90 is not None
        seen, implied = (rows.outcome <= rows.q90).mean(), rows.f_q90.mean()
        return (
            f"{seen:.1%} of the outcomes lay at or below {model}'s 90 % quantile; the forecast "
            f"itself implies {implied:.1%} (more than 90 % where many are expected to spend "
            "nothing)."
        )

    def to_csv(self, path: Path) -> Path:
        """Write the leaderboard."""
        self.frame.write_csv(path)
        return path

    def _judged(self, model: str, origin: date | None) -> Judged:
        mine = self.predictions.filter(pl.col("model") == model)
        if origin is not None:
            mine = mine.filter(pl.col("origin") == origin)
        if mine.is_empty():
            raise SettingsError(
                f"no forecasts of {model!r}"
                + ("" if origin is None else f" at {origin}")
                + f"; models on the board: {', '.join(self.models)}."
            )
        return Judged.from_predictions(numbered(mine))


def _cohort_day(segment: str) -> date:
    """First day of 'cohort 1997-01', 'cohort 1997-Q1' or 'cohort 1997'."""
    year, _, part = segment.removeprefix("cohort ").partition("-")
    month = 3 * int(part[1:]) - 2 if part.startswith("Q") else int(part or 1)
    return date(int(year), month, 1)
