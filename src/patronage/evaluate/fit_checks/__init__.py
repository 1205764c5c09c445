"""Does a fitted purchase model describe its customers? Each check a frame, and where it can a p."""

from patronage.evaluate.fit_checks.by_frequency import holdout_by_frequency
from patronage.evaluate.fit_checks.predictive import predictive_checks
from patronage.evaluate.fit_checks.repeat_counts import RepeatCounts, repeat_counts
from patronage.evaluate.fit_checks.tracking import Tracking, tracking

__all__ = [
    "RepeatCounts",
    "Tracking",
    "holdout_by_frequency",
    "predictive_checks",
    "repeat_counts",
    "tracking",
]
