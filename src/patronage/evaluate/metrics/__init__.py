"""How true forecasts were: METRICS, by name."""

from collections.abc import Mapping
from typing import Final

from patronage.evaluate.metrics import errors, ranks, spread
from patronage.evaluate.metrics.metric import Metric

__all__ = ["METRICS", "Metric"]

METRICS: Final[Mapping[str, Metric]] = {
    metric.name: metric for metric in (*errors.METRICS, *ranks.METRICS, *spread.METRICS)
}
