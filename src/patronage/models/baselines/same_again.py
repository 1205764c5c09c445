"""Same again: the time ahead repeats the time just gone, customer by customer."""

import math
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from patronage.forecast.samples import SampleForecast
from patronage.horizon import Horizon
from patronage.snapshots import Snapshot, observe_outcome

__all__ = ["FittedSameAgain", "SameAgain"]


@final
@dataclass(frozen=True)
class FittedSameAgain:
    """Learned: nothing; the snapshot itself holds what will be repeated."""

    @property
    def features(self) -> tuple[str, ...]:
        return ()

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> SampleForecast:
        start = snapshot.as_of - timedelta(days=math.ceil(horizon.days))
        window = observe_outcome(snapshot, replace(snapshot, as_of=start), horizon)
        # Why of the log: the customers may be one chunk of many, and younger than the others.
        history = (snapshot.as_of - snapshot.events.first_day()).days
        cash, purchases = window.cash, window.purchases
        if history < horizon.days:
            cash, purchases = (_stretch(seen, history, horizon) for seen in (cash, purchases))
        return SampleForecast(
            window.customer_id, snapshot.as_of, horizon, cash[None], n_purchases=purchases
        )


def _stretch(
    seen: Float[np.ndarray, "customers periods"], history: int, horizon: Horizon
) -> Float[np.ndarray, "customers periods"]:
    """What `history` days saw, scaled to the horizon and spread evenly over it."""
    return np.outer(seen.sum(axis=1) / history, np.diff(horizon.edges()))


@final
@dataclass(frozen=True)
class SameAgain:
    """No settings."""

    assumption: ClassVar[str] = (
        "Every customer repeats what they did in as many days just gone as are looked ahead, "
        "first purchases included; a shorter history is scaled up."
    )

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedSameAgain:
        del snapshot, horizon, seed
        return FittedSameAgain()
