"""What was known at as_of, and what happened after it."""

from patronage.snapshots.outcomes import Outcome, observe_outcome
from patronage.snapshots.rfm import RFM
from patronage.snapshots.snapshot import Snapshot, take_snapshot

__all__ = ["RFM", "Outcome", "Snapshot", "observe_outcome", "take_snapshot"]
