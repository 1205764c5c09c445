"""FAMILIES: every metric of a validation, by what it is asked for."""

from collections.abc import Mapping
from typing import Final

from patronage.evaluate.metrics import METRICS, Metric, classes, fit, levels, tops

__all__ = ["FAMILIES", "VALIDATION_METRICS"]


def _known(*names: str) -> tuple[Metric, ...]:
    return tuple(METRICS[name] for name in names)


FAMILIES: Final[Mapping[str, tuple[Metric, ...]]] = {
    "statistical": (
        *_known("deviance", "mae", "rmse", "aggregate_bias", "decile_mape"),
        *fit.METRICS,
    ),
    "ranking": (
        *_known("normalized_gini", "spearman", "top_decile_capture", "decile_lift"),
        *tops.RANKING,
    ),
    "classification": classes.METRICS,
    "business": tops.BUSINESS,
    "distribution": (
        *(metric for metric in METRICS.values() if metric.needs == "distribution"),
        *levels.METRICS,
    ),
}
VALIDATION_METRICS: Final[Mapping[str, Metric]] = {
    metric.name: metric for family in FAMILIES.values() for metric in family
}
