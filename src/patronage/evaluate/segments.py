"""Parts of the customers in which sums are compared: acquisition cohorts and expected value."""

import numpy as np
import polars as pl
from jaxtyping import Float

from patronage.evaluate.bootstrap import interval
from patronage.evaluate.judged import Judged
from patronage.evaluate.weighing import Weighing

__all__ = ["cohort_labels", "segment_rows", "value_labels"]

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


def value_labels(expected: Float[np.ndarray, " customers"]) -> pl.Series:
    """'value high' for those who carry the first half of the expected cash, 'value medium' for
    the next 30 %, 'value low' for the rest.
    """
    order = np.argsort(-expected, kind="stable")
    positive = np.maximum(expected[order], 0.0)
    before = positive.cumsum() - positive
    share = before / max(float(positive.sum()), 1e-300)
    level = np.empty(len(expected), np.int64)
    level[order] = np.digitize(np.where(positive > 0, share, 1.0), [0.5, 0.8])
    return pl.Series(np.array(["value high", "value medium", "value low"])[level])


def segment_rows(
    rows: Judged, labels: pl.Series, weights: Float[np.ndarray, "customers draws"]
) -> list[dict[str, object]]:
    """Per segment: predicted_sum, actual_sum and aggregate_bias with intervals."""
    names = labels.unique().sort()
    group = labels.replace_strict(names, np.arange(len(names))).to_numpy()
    found: list[dict[str, object]] = []
    sums = {}
    for name, values in (("predicted_sum", rows.forecast), ("actual_sum", rows.outcome)):
        exact = Weighing.exact(rows).sums(group, len(names), values)[:, 0]
        sums[name] = exact, Weighing(rows, weights).sums(group, len(names), values)
    for k, segment in enumerate(names):
        n = len(np.unique(rows.customer[group == k]))
        triples = {name: (exact[k], drawn[k]) for name, (exact, drawn) in sums.items()}
        (predicted, p_draws), (actual, a_draws) = triples.values()
        if actual > 0:
            some = np.where(a_draws > 0, a_draws, actual)
            triples["aggregate_bias"] = predicted / actual - 1, p_draws / some - 1
        for name, (value, drawn) in triples.items():
            low, high = interval(drawn)
            found.append(
                {
                    "segment": segment,
                    "metric": name,
                    "value": float(value),
                    "low": low,
                    "high": high,
                    "n_customers": n,
                }
            )
    return found
