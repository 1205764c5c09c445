"""Forecasts of several horizons at once, without what a model doubts of its own means."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from patronage.forecast import AbstractForecast
from patronage.horizon import Horizon
from patronage.models.base import FittedModel
from patronage.snapshots import Snapshot

__all__ = ["Expecting", "expectations_of"]


@runtime_checkable
class Expecting(Protocol):
    """A fitted model to which `mean_factors` are work, and another horizon nearly none."""

    def expectations(
        self, snapshot: Snapshot, horizons: Sequence[Horizon]
    ) -> Sequence[AbstractForecast]:
        """What `predict` says of each horizon, but for `mean_factors`."""
        ...


def expectations_of(
    fitted: FittedModel, snapshot: Snapshot, horizons: Sequence[Horizon]
) -> Sequence[AbstractForecast]:
    """The model's own, or a whole forecast of each horizon; `mean_factors` may be left out."""
    if isinstance(fitted, Expecting):
        return fitted.expectations(snapshot, horizons)
    return [fitted.predict(snapshot, horizon) for horizon in horizons]
