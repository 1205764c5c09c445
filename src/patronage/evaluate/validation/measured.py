"""Metrics of judged rows with intervals over customers, every model by the same resamplings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from patronage.evaluate.bootstrap import RANK_GROUPS, interval, measure, metric_draws
from patronage.evaluate.judged import Judged
from patronage.evaluate.metrics import Metric
from patronage.evaluate.weighing import Weighing

__all__ = ["Measured", "measured"]


@dataclass(frozen=True)
class Measured:
    """One number and what it would have been of other customers.

    Attributes
    ----------
    value : NaN where it is not defined
    draws : under each resampling
    n : customers that it is of
    """

    value: float
    draws: Float[np.ndarray, " draws"]
    n: int

    @property
    def bounds(self) -> tuple[float, float]:
        """The 90 % interval; NaN where half of the resamplings leave it undefined."""
        known = self.draws[np.isfinite(self.draws)]
        if len(known) < max(2, len(self.draws) / 2) or not np.isfinite(self.value):
            return float("nan"), float("nan")
        return interval(known)

    def over(self, other: "Measured") -> "Measured":
        """This over another, resampling by resampling."""
        with np.errstate(divide="ignore", invalid="ignore"):
            value = float(np.divide(self.value, other.value))
            return Measured(value, self.draws / other.draws, self.n)

    def row(self) -> dict[str, float | int]:
        """value, low, high, n."""
        low, high = self.bounds
        return {"value": self.value, "low": low, "high": high, "n": self.n}


def measured(
    rows: Judged, weights: Float[np.ndarray, "customers draws_1"], metrics: Sequence[Metric]
) -> Mapping[str, Measured]:
    """Each metric of the rows; `weights` are those of `customer_weights`."""
    everybody = len(np.unique(rows.customer))
    buyers = len(np.unique(rows.customer[rows.outcome > 0]))
    # A resampling may leave a small group without anybody: its metric is then not defined.
    with np.errstate(divide="ignore", invalid="ignore"):
        values = measure(rows, metrics)
        drawn = metric_draws(Weighing(rows, weights, RANK_GROUPS), values, metrics)
    n = {metric.name: buyers if metric.among == "buyers" else everybody for metric in metrics}
    return {name: Measured(value, drawn[name], n[name]) for name, value in values.items()}
