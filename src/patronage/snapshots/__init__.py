"""What was known at as_of, and what happened after it."""

from patronage.snapshots.aligned import AlignedLog, align, has_age
from patronage.snapshots.amounts import AmountSums
from patronage.snapshots.attributes import attribute_source, is_attribute
from patronage.snapshots.compacted import compacted_snapshot
from patronage.snapshots.features import FEATURES, RUN_FEATURES, available_groups, describe
from patronage.snapshots.history import cohort_history, period_history
from patronage.snapshots.holdout import calibration_holdout
from patronage.snapshots.opportunities import opportunities, period_length
from patronage.snapshots.outcomes import Outcome, observe_outcome
from patronage.snapshots.rfm import RFM
from patronage.snapshots.snapshot import Snapshot, customers_query, first_unknown_day, take_snapshot
from patronage.snapshots.state import CustomerLedger

__all__ = [
    "FEATURES",
    "RFM",
    "RUN_FEATURES",
    "AlignedLog",
    "AmountSums",
    "CustomerLedger",
    "Outcome",
    "Snapshot",
    "align",
    "attribute_source",
    "available_groups",
    "calibration_holdout",
    "cohort_history",
    "compacted_snapshot",
    "customers_query",
    "describe",
    "first_unknown_day",
    "has_age",
    "is_attribute",
    "observe_outcome",
    "opportunities",
    "period_history",
    "period_length",
    "take_snapshot",
]
