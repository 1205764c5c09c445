"""Parts of the customers in which sums are compared: acquisition cohorts and expected value."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from patronage.evaluate.weighing import Weighing

__all__ = ["VALUE_SEGMENTS", "cohort_labels", "segment_rows", "value_groups"]

VALUE_SEGMENTS: Final = ("value high", "value medium", "value low")

MAX_COHORTS = 24


def cohort_labels(first_day: pl.Series) -> pl.Series:
    """'cohort 1997-01' by month of acquisition; by quarter or year where months are too many."""
    year, month = first_day.dt.year(), first_day.dt.month()
    span = 12 * (int(year.max() or 0) - int(year.min() or 0)) + 12  # type: ignore[arg-type]
    if span <= MAX_COHORTS:
        part = "-" + month.cast(pl.String).str.zfill(2)
    elif span <= 4 * MAX_COHORTS:
        part = "-Q" + first_day.dt.quarter().cast(pl.String)
    else:
        part = pl.Series([""]).new_from_index(0, len(first_day))
    return "cohort " + year.cast(pl.String) + part


def value_groups(expected: Float[np.ndarray, " customers"]) -> Int[np.ndarray, " customers"]:
    """Number of each customer's place in VALUE_SEGMENTS: those who carry the first half of the
    expected cash, the next 30 %, the rest.
    """
    order = np.argsort(-expected, kind="stable")
    positive = np.maximum(expected[order], 0.0)
    before = positive.cumsum() - positive
    share = before / max(float(positive.sum()), 1e-300)
    group = np.empty(len(expected), np.int64)
    group[order] = np.digitize(np.where(positive > 0, share, 1.0), [0.5, 0.8])
    return group


def segment_rows(
    weighing: Weighing, group: Int[np.ndarray, " rows"], names: Sequence[str]
) -> list[dict[str, object]]:
    """Per segment: predicted_sum, actual_sum and aggregate_bias with intervals.

    The last column of the weights is all ones: it gives the value, summed in full precision.
    """
    rows = weighing.rows
    member = np.zeros((len(names), len(weighing.weights)), dtype=bool)
    member[group, rows.customer] = True
    sizes = member.sum(axis=1)
    predicted = weighing.sums(group, len(names), rows.forecast)
    actual = weighing.sums(group, len(names), rows.outcome)
    predicted[:, -1] = np.bincount(group, rows.forecast, len(names))
    actual[:, -1] = np.bincount(group, rows.outcome, len(names))
    some = np.where(actual > 0, actual, np.where(actual[:, -1:] > 0, actual[:, -1:], 1.0))
    bias = predicted / some - 1
    found: list[dict[str, object]] = []
    for metric, sums in (
        ("predicted_sum", predicted),
        ("actual_sum", actual),
        ("aggregate_bias", bias),
    ):
        low, high = np.quantile(sums[:, :-1], [0.05, 0.95], axis=1)
        found += [
            {
                "segment": segment,
                "metric": metric,
                "value": float(sums[k, -1]),
                "low": float(low[k]),
                "high": float(high[k]),
                "n_customers": int(sizes[k]),
            }
            for k, segment in enumerate(names)
            # A share of nothing is no number, and an empty segment no row.
            if sizes[k] and (metric != "aggregate_bias" or actual[k, -1] > 0)
        ]
    return found
