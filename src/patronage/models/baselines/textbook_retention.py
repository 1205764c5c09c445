"""The textbook's m·r / (1 + d − r): the same cash and the same retention for ever."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from patronage.forecast.samples import SampleForecast
from patronage.horizon import Horizon
from patronage.models.baselines.repeat_rate import RepeatRate, repeat_rate
from patronage.snapshots import Snapshot

__all__ = ["FittedTextbookRetention", "TextbookRetention"]


@final
@dataclass(frozen=True)
class FittedTextbookRetention:
    """Learned: retention r per period, and cash m per buyer of a period."""

    rate: RepeatRate

    def formula_value(self, annual_discount_rate: float = 0.10) -> float:
        """m·r / (1 + d − r): present value of all future, at the end of each period."""
        d = float((1 + annual_discount_rate) ** (self.rate.period_days / 365.25)) - 1
        return self.rate.cash * self.rate.retention / (1 + d - self.rate.retention)

    @property
    def features(self) -> tuple[str, ...]:
        return ()

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> SampleForecast:
        """The undiscounted terms m·r^t of the formula's sum that fall within the horizon."""
        ids = snapshot.customers["customer_id"].to_numpy()
        survivors = np.tile(np.diff(self._survivors(horizon.edges())), (len(ids), 1))
        return SampleForecast(
            ids,
            snapshot.as_of,
            horizon,
            (self.rate.cash * survivors)[None],
            n_purchases=self.rate.purchases * survivors,
        )

    def _survivors(self, days: Float[np.ndarray, " edges"]) -> Float[np.ndarray, " edges"]:
        """r + r² + … over the periods up to each day; a period's term accrues evenly in it."""
        r = self.rate.retention
        whole, part = np.divmod(days / self.rate.period_days, 1.0)
        return np.asarray(r * (1 - r**whole) / (1 - r) + part * r ** (whole + 1))


@final
@dataclass(frozen=True)
class TextbookRetention:
    """period : the period of the retention rate, 'month' unless said otherwise."""

    period: str = "month"

    assumption: ClassVar[str] = (
        "All customers are alike and all alive; each period keeps the same share r of them and "
        "each of these spends the same m: m r over 1 + d less r, here undiscounted and cut at the "
        "horizon."
    )

    def fit(
        self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0
    ) -> FittedTextbookRetention:
        del horizon, seed
        return FittedTextbookRetention(repeat_rate(snapshot, self.period))
