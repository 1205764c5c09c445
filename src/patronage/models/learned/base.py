"""The protocol of learned features: what is learned of a snapshot, and columns for customers.

They are no feature groups: a group is a fixed text over the log, while these have seen data. What
was learned at one day describes customers of that day alone; at every earlier origin, and today,
they are learned anew from what was known then.
"""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from patronage.horizon import Horizon
from patronage.snapshots import Snapshot

__all__ = ["LearnedFeatures", "Taught"]


@runtime_checkable
class Taught(Protocol):
    """A frozen dataclass of numbers and texts."""

    @property
    def features(self) -> tuple[str, ...]:
        """Feature groups and attributes that `table` reads beyond RFM."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of `table`."""
        ...

    def table(self, snapshot: Snapshot) -> Float32[np.ndarray, "customers columns"]:
        """A row per customer of the snapshot; NaN where nothing can be said."""
        ...


@runtime_checkable
class LearnedFeatures(Protocol):
    """A frozen dataclass of settings."""

    def learn(self, snapshot: Snapshot, horizon: Horizon, *, seed: int) -> Taught:
        """Learn from what was known at the snapshot's day; the columns are always the same."""
        ...
