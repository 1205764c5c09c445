"""From per-customer predictions to the long leaderboard, with the draws behind its intervals."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float

from patronage.evaluate.bootstrap import (
    RANK_GROUPS,
    customer_weights,
    interval,
    measure,
    metric_draws,
)
from patronage.evaluate.judged import Judged
from patronage.evaluate.segments import (
    VALUE_SEGMENTS,
    cohort_labels,
    segment_rows,
    value_groups,
)
from patronage.evaluate.side_by_side import side_by_side
from patronage.evaluate.weighing import Concentration, Weighing
from patronage.horizon import Horizon

__all__ = ["LEADERBOARD_COLUMNS", "POOLED", "Draws", "leaderboard", "numbered"]

LEADERBOARD_COLUMNS: Final = (
    "model",
    "origin",
    "horizon_days",
    "segment",
    "metric",
    "value",
    "low",
    "high",
    "n_customers",
)

POOLED: Final = "all"
"""The origin of rows that pool all origins."""

Draws = Mapping[tuple[str, str, str], Float[np.ndarray, " draws"]]
"""(model, origin, metric) → the metric under each resampling of the customers."""

_SCHEMA: Final = {
    **dict.fromkeys(("model", "origin", "segment", "metric"), pl.String),
    **dict.fromkeys(("horizon_days", "value", "low", "high"), pl.Float64),
    "n_customers": pl.Int64,
}


def numbered(predictions: pl.DataFrame) -> pl.DataFrame:
    """The predictions with `customer`: 0, 1, … in the order of customer_id."""
    return predictions.with_columns(
        (pl.col("customer_id").rank("dense") - 1).cast(pl.Int64).alias("customer")
    )


def leaderboard(
    predictions: pl.DataFrame, horizon: Horizon, *, n_draws: int, seed: int
) -> tuple[pl.DataFrame, Draws]:
    """Every metric of every model: per origin, and pooled where a model has all origins.

    Pooled metrics are of all rows together; the same resamplings of customers, each with all of
    its origins, serve every model, so that differences are paired.
    """
    cohort = cohort_labels(predictions["first_day"])
    cohorts = cohort.unique().sort().to_list()
    numbers = cohort.replace_strict(cohorts, range(len(cohorts)), return_dtype=pl.Int64)
    table = numbered(predictions).with_columns(numbers.alias("cohort"))
    n_customers = int(table["customer"].max() or 0) + 1  # type: ignore[arg-type]
    weights = customer_weights(n_customers, n_draws, seed=seed)
    n_origins = table["origin"].n_unique()
    foresight: dict[str, Concentration] = {}

    def standing(task: tuple[str, pl.DataFrame]) -> tuple[list[dict[str, object]], Draws]:
        model, mine = task
        parts = {
            str(origin): part for (origin,), part in mine.group_by("origin", maintain_order=True)
        }
        if len(parts) == n_origins:
            parts[POOLED] = mine
        rows: list[dict[str, object]] = []
        draws: dict[tuple[str, str, str], Float[np.ndarray, " draws"]] = {}
        for origin, part in parts.items():
            judged = Judged.from_predictions(part)
            values = measure(judged)
            weighing = Weighing(judged, weights, RANK_GROUPS, foresight.get(origin))
            foresight[origin] = weighing.by_outcome
            drawn = metric_draws(weighing, values)
            draws |= {(model, origin, metric): drawn[metric] for metric in values}
            found = _whole(values, drawn, part["customer"].n_unique())
            found += _segments(weighing, part, cohorts, pooled=origin == POOLED)
            rows += [
                {"model": model, "origin": origin, "horizon_days": horizon.days, **row}
                for row in found
            ]
        return rows, draws

    first, *others = (
        (str(model), mine) for (model,), mine in table.group_by("model", maintain_order=True)
    )
    # Why: the first finds what perfect foresight would, for all.
    found = [standing(first), *side_by_side(standing, others)]
    rows = [row for rows, _ in found for row in rows]
    draws = {key: drawn for _, draws in found for key, drawn in draws.items()}
    return pl.DataFrame(rows, schema=_SCHEMA).select(LEADERBOARD_COLUMNS), draws


def _whole(
    values: Mapping[str, float], draws: Mapping[str, Float[np.ndarray, " draws"]], n: int
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for metric, value in values.items():
        low, high = interval(draws[metric])
        numbers = {"value": value, "low": low, "high": high, "n_customers": n}
        rows.append({"segment": "all", "metric": metric, **numbers})
    return rows


def _segments(
    weighing: Weighing, part: pl.DataFrame, cohorts: Sequence[str], *, pooled: bool
) -> list[dict[str, object]]:
    found = segment_rows(weighing, part["cohort"].to_numpy(), cohorts)
    found += segment_rows(weighing, value_groups(weighing.rows.forecast), VALUE_SEGMENTS)
    # Why: origins overlap in time, so their sums added up would count the same cash twice.
    return [row for row in found if not pooled or row["metric"] == "aggregate_bias"]
