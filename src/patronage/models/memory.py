"""Remembered: a model that is fitted once per day and horizon, however many ask for it.

In one run the same fit is wanted often: a process model for itself, as the carrier of a tabular
model, as a member of the stack, and under its recalibration. The memory is the run's own and goes
with it; a fit is a function of its arguments, so remembering changes no number.
"""

from collections.abc import Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, final

from patronage.horizon import Horizon
from patronage.models.base import FittedModel, Model
from patronage.snapshots import Snapshot

__all__ = ["Remembered"]


@final
@dataclass(frozen=True)
class Remembered:
    """Fits `model` at most once per log, as_of, horizon and seed; two threads share one fit."""

    model: Model
    _fits: dict[Hashable, "Future[Any]"] = field(default_factory=dict, repr=False, compare=False)
    _lock: Any = field(default_factory=Lock, repr=False, compare=False)

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedModel:
        events = snapshot.events
        key = (events.relation, events.ledger, snapshot.as_of, horizon, seed)
        with self._lock:
            known = self._fits.get(key)
            mine = Future[Any]() if known is None else known
            self._fits[key] = mine
        if known is None:
            try:
                mine.set_result(self.model.fit(snapshot, horizon, seed=seed))
            except BaseException as error:
                mine.set_exception(error)
        fitted: FittedModel = mine.result()
        return fitted
