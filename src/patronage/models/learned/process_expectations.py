"""What a buy-till-you-die model expects of a customer, as features for other models."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Float32

from patronage.errors import FitError, NotEnoughDataError
from patronage.horizon import Horizon
from patronage.models.base import FittedModel, Model
from patronage.snapshots import Snapshot

__all__ = ["ProcessExpectations", "TaughtExpectations"]

_COLUMNS: Final = ("p_alive", "expected_purchases", "expected_cash")


@final
@dataclass(frozen=True)
class TaughtExpectations:
    """Learned: the process model; None where it could not be fitted on that day.

    Attributes
    ----------
    process : the fitted model
    horizon : how far ahead its expectations reach
    """

    process: FittedModel | None
    horizon: Horizon

    @property
    def features(self) -> tuple[str, ...]:
        return () if self.process is None else self.process.features

    @property
    def columns(self) -> tuple[str, ...]:
        return _COLUMNS

    def table(self, snapshot: Snapshot) -> Float32[np.ndarray, "customers columns"]:
        n = len(snapshot.customers)
        if self.process is None:
            return np.full((n, len(_COLUMNS)), np.nan, dtype=np.float32)
        said = self.process.predict(snapshot, self.horizon)
        unknown = np.full(n, np.nan)
        purchases = unknown if said.n_purchases is None else said.n_purchases.sum(axis=1)
        alive = unknown if said.p_alive is None else said.p_alive
        columns = [alive, purchases, said.mean().sum(axis=1)]
        return np.stack(columns, axis=1).astype(np.float32)


@final
@dataclass(frozen=True)
class ProcessExpectations:
    """p_alive, expected purchases and expected cash of a process model, within the horizon.

    Attributes
    ----------
    process : such as ParetoNBD()
    """

    process: Model

    def learn(self, snapshot: Snapshot, horizon: Horizon, *, seed: int) -> TaughtExpectations:
        try:
            fitted = self.process.fit(snapshot, horizon, seed=seed)
        except (NotEnoughDataError, FitError):
            # Why no error: an early origin may be too young for it, and its rows still teach.
            return TaughtExpectations(None, horizon)
        return TaughtExpectations(fitted, horizon)
