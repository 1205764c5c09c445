"""Intervals by resampling customers, each with all of their origins, the same for all models."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from jaxtyping import Float

from patronage.evaluate.judged import Judged
from patronage.evaluate.metrics import METRICS, Metric
from patronage.evaluate.metrics.metric import OfMeans
from patronage.evaluate.weighing import Weighing

__all__ = ["RANK_GROUPS", "customer_weights", "interval", "measure", "metric_draws"]

EVERY: Final = tuple(METRICS.values())

RANK_GROUPS = 1000
"""Bins of neighbouring ranks under resampling: finer than the intervals can tell."""


def customer_weights(
    n_customers: int, n_draws: int, *, seed: int
) -> Float[np.ndarray, "customers draws_1"]:
    """How often each customer occurs when as many are drawn with replacement.

    A column per draw, and a last one in which everybody occurs once. In single precision, which
    holds these small counts exactly: products with them are the cost of a leaderboard.
    """
    rng = np.random.default_rng(seed)
    weights = np.ones((n_customers, n_draws + 1), dtype=np.float32)
    for k in range(n_draws):
        drawn = rng.integers(n_customers, size=n_customers)
        weights[:, k] = np.bincount(drawn, minlength=n_customers)
    return weights


def measure(rows: Judged, metrics: Sequence[Metric] = EVERY) -> dict[str, float]:
    """Every metric whose needs the rows meet."""
    draws = _all_metrics(Weighing.exact(rows), metrics)
    return {name: float(values[0]) for name, values in draws.items()}


def metric_draws(
    weighing: Weighing, values: Mapping[str, float], metrics: Sequence[Metric] = EVERY
) -> dict[str, Float[np.ndarray, " draws"]]:
    """Every metric under every resampling, centred as the exact `values` are.

    The last column of the weights is all ones: resampled ranks are binned, and what the bins
    alone change, which that column shows, is taken off again.
    """
    found = _all_metrics(weighing, metrics)
    return {name: found[name][:-1] + (values[name] - found[name][-1]) for name in values}


def interval(draws: Float[np.ndarray, " draws"], level: float = 0.9) -> tuple[float, float]:
    """The central interval of the draws."""
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _all_metrics(
    weighing: Weighing, metrics: Sequence[Metric]
) -> dict[str, Float[np.ndarray, " draws"]]:
    metrics = [metric for metric in metrics if metric.needs in weighing.rows.has]
    found = _of_means(weighing, metrics)
    for metric in metrics:
        if not isinstance(metric.formula, OfMeans):
            found[metric.name] = metric.formula.compute(weighing)
    return {metric.name: found[metric.name] for metric in metrics}


def _of_means(
    weighing: Weighing, metrics: Sequence[Metric]
) -> dict[str, Float[np.ndarray, " draws"]]:
    """All metrics that are functions of means, by one matrix product."""
    formulas = {m.name: m.formula for m in metrics if isinstance(m.formula, OfMeans)}
    columns = {name: formula.columns(weighing.rows) for name, formula in formulas.items()}
    if not columns:
        return {}
    means = weighing.means(np.stack([column for many in columns.values() for column in many]))
    ends = np.cumsum([len(many) for many in columns.values()])
    parts = np.split(means, ends[:-1])
    return {
        name: formula.finish(part)
        for (name, formula), part in zip(formulas.items(), parts, strict=True)
    }
