"""FAMILIES: every metric of a validation, by what it is asked for."""

from collections.abc import Mapping
from typing import Final

from patronage.evaluate.metrics import METRICS, Metric, classes, fit, levels, tops

__all__ = ["FAMILIES", "VALIDATION_METRICS"]


def _known(*names: str) -> tuple[Metric, ...]:
    return tuple(METRICS[name] for name in names)


# A metric of the leaderboard goes before one of the same name here.
_SPREAD: Final = {
    metric.name: metric
    for metric in (*levels.METRICS, *(m for m in METRICS.values() if m.needs == "distribution"))
}

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
    "distribution": tuple(_SPREAD.values()),
}
VALIDATION_METRICS: Final[Mapping[str, Metric]] = {
    metric.name: metric for family in FAMILIES.values() for metric in family
}
