"""Is it as right for every group of customers: sums, errors and ranking within each."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float

from patronage.evaluate.examined import Decision, Examined
from patronage.evaluate.metrics import METRICS, Metric
from patronage.evaluate.metrics.fit import METRICS as FIT
from patronage.evaluate.metrics.metric import OfMeans, ratio
from patronage.evaluate.validation.measured import Measured, measured

__all__ = ["DECILE", "FEWEST", "MOST_GROUPS", "group_labels", "group_table", "tenure_labels"]

FEWEST: Final = 50
"""Customers without whom a group is shown but not judged."""
MOST_GROUPS: Final = 12
DECILE: Final = "decile"
UNKNOWN: Final = "not known"

_RATIO: Final = Metric(
    "predicted_to_actual",
    "Sum of forecasts over sum of outcomes.",
    "cash",
    False,
    OfMeans(lambda rows: (rows.forecast, rows.outcome), lambda means: ratio(means[0], means[1])),
    best=1.0,
)
_METRICS: Final = (
    _RATIO,
    METRICS["mae"],
    next(metric for metric in FIT if metric.name == "nmae"),
    METRICS["normalized_gini"],
)


def group_table(
    table: pl.DataFrame,
    labels: Mapping[str, pl.Series],
    weights: Float[np.ndarray, "customers draws_1"],
    decision: Decision,
) -> pl.DataFrame:
    """Columns by, group, metric, value, low, high, n, judged (n is enough).

    Beside the metrics within each group: top_decile_share, the part of it that is among the best
    tenth of all by forecast, and relative_ratio, its predicted_to_actual over that of everybody,
    by the same resamplings.

    Parameters
    ----------
    table : fresh forecasts of one model
    labels : by what → the group of each row
    """
    rows = Examined.of(table, decision)
    everybody = measured(rows, weights, (_RATIO,))["predicted_to_actual"]
    top = _top_membership(rows.forecast)
    found = []
    for by, label in labels.items():
        for group in label.unique().sort().to_list():
            mine = (label == group).to_numpy()
            part = rows.take(mine)
            numbers = dict(measured(part, weights, _METRICS))
            numbers["relative_ratio"] = numbers["predicted_to_actual"].over(everybody)
            numbers["top_decile_share"] = _share(part, top[mine], weights)
            n = numbers["mae"].n
            found += [
                {"by": by, "group": group, "metric": metric, **one.row(), "judged": n >= FEWEST}
                for metric, one in numbers.items()
            ]
    return pl.DataFrame(found)


def group_labels(values: pl.Series) -> pl.Series:
    """Names of groups: values as they are, numbers of many values by fifths, rare ones together."""
    if values.dtype.is_numeric() and values.n_unique() > MOST_GROUPS:
        edges = [values.quantile(share, interpolation="nearest") for share in (0.2, 0.4, 0.6, 0.8)]
        cuts = sorted({float(edge) for edge in edges if edge is not None})
        names = [f"{k + 1}: {name}" for k, name in enumerate(_between(cuts))]
        place = np.searchsorted(cuts, values.cast(pl.Float64).fill_null(0).to_numpy(), "left")
        text = pl.Series([names[k] for k in place])
        return text.set(values.is_null(), UNKNOWN)
    text = values.cast(pl.String).fill_null(UNKNOWN)
    common = text.value_counts(sort=True)[: MOST_GROUPS - 1].to_series(0)
    if text.n_unique() <= MOST_GROUPS:
        return text
    return text.set(~text.is_in(common.implode()), "others")


def tenure_labels(first_day: pl.Series, origin: pl.Series) -> pl.Series:
    """By time since the first purchase."""
    days = (origin - first_day).dt.total_days().to_numpy()
    names = ("1: under 3 months", "2: 3–6 months", "3: 6–12 months", "4: 1–2 years", "5: longer")
    return pl.Series([names[k] for k in np.searchsorted([91, 182, 365, 730], days, "right")])


def decile_labels(forecast: Float[np.ndarray, " rows"]) -> pl.Series:
    """Tenths by forecast, D10 the highest; equals share a tenth."""
    share = pl.Series(forecast).rank("average").to_numpy() / len(forecast)
    return pl.Series([f"D{k:02d}" for k in np.clip(np.ceil(share * 10), 1, 10).astype(int)])


def _between(cuts: Sequence[float]) -> list[str]:
    written = [f"{cut:g}" for cut in cuts]
    inner = [f"over {a} to {b}" for a, b in pairwise(written)]
    return [f"up to {written[0]}", *inner, f"over {written[-1]}"]


def _top_membership(forecast: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
    """1 in the best tenth, 0 below, shared among equals at its border."""
    values, group, sizes = np.unique(-forecast, return_inverse=True, return_counts=True)
    before = sizes.cumsum() - sizes
    del values
    return np.asarray(np.clip((0.1 * len(forecast) - before) / sizes, 0.0, 1.0)[group])


def _share(
    rows: Examined,
    top: Float[np.ndarray, " rows"],
    weights: Float[np.ndarray, "customers draws_1"],
) -> Measured:
    metric = Metric("share", "", "cash", True, OfMeans(lambda _: (top,)))
    return measured(rows, weights, (metric,))["share"]
