"""The two protocols of every forecast model: settings, and what was learned from a snapshot."""

from typing import Protocol, runtime_checkable

from patronage.forecast import AbstractForecast
from patronage.horizon import Horizon
from patronage.snapshots import Snapshot

__all__ = ["FittedModel", "Model"]


@runtime_checkable
class FittedModel(Protocol):
    """A frozen dataclass of numbers, texts, arrays and nested dataclasses of the same.

    That is all it may hold: the registry writes it as JSON and arrays, without code.
    """

    @property
    def features(self) -> tuple[str, ...]:
        """Feature groups that `predict` reads beyond RFM."""
        ...

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> AbstractForecast:
        """Forecast every customer of the snapshot, in its order; HorizonError where it cannot."""
        ...


@runtime_checkable
class Model(Protocol):
    """A frozen dataclass of settings."""

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedModel:
        """Learn from what was known at the snapshot's as_of; the model itself is not changed."""
        ...
