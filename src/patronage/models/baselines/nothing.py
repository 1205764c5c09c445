"""Nothing: nobody comes back. A model that loses to it is worse than silence."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from patronage.forecast.samples import SampleForecast
from patronage.horizon import Horizon
from patronage.snapshots import Snapshot

__all__ = ["FittedNothing", "Nothing"]


@final
@dataclass(frozen=True)
class FittedNothing:
    """Learned: nothing."""

    @property
    def features(self) -> tuple[str, ...]:
        return ()

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> SampleForecast:
        ids = snapshot.customers["customer_id"].to_numpy()
        zeros = np.zeros((len(ids), horizon.n_periods))
        return SampleForecast(
            ids, snapshot.as_of, horizon, zeros[None], p_alive=np.zeros(len(ids)), n_purchases=zeros
        )


@final
@dataclass(frozen=True)
class Nothing:
    """No settings."""

    assumption: ClassVar[str] = "Nobody buys again."

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedNothing:
        del snapshot, horizon, seed
        return FittedNothing()
