"""Everyone average: one rate of spending for all."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import polars as pl

from patronage.forecast.samples import SampleForecast
from patronage.horizon import Horizon
from patronage.snapshots import Snapshot

__all__ = ["EveryoneAverage", "FittedEveryoneAverage"]


@final
@dataclass(frozen=True)
class FittedEveryoneAverage:
    """Learned: net cash, and purchase days, per customer and day since acquisition."""

    cash_per_day: float
    purchases_per_day: float

    @property
    def features(self) -> tuple[str, ...]:
        return ()

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> SampleForecast:
        ids = snapshot.customers["customer_id"].to_numpy()
        days = np.tile(np.diff(horizon.edges()), (len(ids), 1))
        return SampleForecast(
            ids,
            snapshot.as_of,
            horizon,
            (self.cash_per_day * days)[None],
            n_purchases=self.purchases_per_day * days,
        )


@final
@dataclass(frozen=True)
class EveryoneAverage:
    """No settings."""

    assumption: ClassVar[str] = (
        "Every customer spends as much a day as the average customer has since the first "
        "purchase, which is counted in, and nobody ever leaves."
    )

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedEveryoneAverage:
        del horizon, seed
        days, cash, purchases = snapshot.customers.select(
            (snapshot.as_of - pl.col("first_day")).dt.total_days().sum().cast(pl.Float64),
            pl.col("cash").sum(),
            (pl.col("frequency") + (pl.col("first_amount") > 0)).sum().cast(pl.Float64).alias("n"),
        ).row(0)
        return FittedEveryoneAverage(cash / days, purchases / days)
