"""What was known at as_of, and what happened after it."""

from patronage.snapshots.amounts import AmountSums
from patronage.snapshots.features import FEATURES, RUN_FEATURES
from patronage.snapshots.history import cohort_history, period_history
from patronage.snapshots.holdout import calibration_holdout
from patronage.snapshots.outcomes import Outcome, observe_outcome
from patronage.snapshots.rfm import RFM
from patronage.snapshots.snapshot import Snapshot, take_snapshot

__all__ = [
    "FEATURES",
    "RFM",
    "RUN_FEATURES",
    "AmountSums",
    "Outcome",
    "Snapshot",
    "calibration_holdout",
    "cohort_history",
    "observe_outcome",
    "period_history",
    "take_snapshot",
]
