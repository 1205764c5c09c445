"""The spreadsheet's order value × purchase frequency × expected lifetime (× margin)."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import polars as pl
from jaxtyping import Float

from patronage.forecast.samples import SampleForecast
from patronage.horizon import Horizon
from patronage.models.baselines.repeat_rate import repeat_rate
from patronage.snapshots import Snapshot

__all__ = ["FittedTextbookLifetime", "TextbookLifetime"]


@final
@dataclass(frozen=True)
class FittedTextbookLifetime:
    """Learned: expected lifetime from the churn rate; the rest is each customer's own.

    Attributes
    ----------
    lifetime_days : 1 / churn rate, the same for all
    period_days : period of the churn rate; nobody's frequency is taken over less
    """

    lifetime_days: float
    period_days: float

    def formula_value(self, snapshot: Snapshot) -> Float[np.ndarray, " customers"]:
        """Order value × frequency × lifetime, without an end."""
        cash, _ = self._per_day(snapshot)
        return cash * self.lifetime_days

    @property
    def features(self) -> tuple[str, ...]:
        return ()

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> SampleForecast:
        """The part of the lifetime that falls within the horizon, when churn is constant."""
        alive = -np.diff(np.exp(-horizon.edges() / self.lifetime_days)) * self.lifetime_days
        cash, purchases = self._per_day(snapshot)
        return SampleForecast(
            snapshot.customers["customer_id"].to_numpy(),
            snapshot.as_of,
            horizon,
            np.outer(cash, alive)[None],
            n_purchases=np.outer(purchases, alive),
        )

    def _per_day(
        self, snapshot: Snapshot
    ) -> tuple[Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        """Net cash and orders per day since acquisition; order value × frequency is the first."""
        age = (snapshot.as_of - pl.col("first_day")).dt.total_days().cast(pl.Float64)
        orders = (pl.col("frequency") + (pl.col("first_amount") > 0)).cast(pl.Float64)
        rates = snapshot.customers.select(
            (pl.col("cash") / age.clip(self.period_days)).alias("cash"),
            (orders / age.clip(self.period_days)).alias("orders"),
        )
        return rates["cash"].to_numpy(), rates["orders"].to_numpy()


@final
@dataclass(frozen=True)
class TextbookLifetime:
    """period : the period of the churn rate, 'month' unless said otherwise."""

    period: str = "month"

    assumption: ClassVar[str] = (
        "Everybody is alive and goes on with their own order value and purchase frequency since "
        "the first purchase for a lifetime of 1 / churn rate, the same for all; margin is left "
        "to the economics, and the sum is cut at the horizon."
    )

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedTextbookLifetime:
        del horizon, seed
        rate = repeat_rate(snapshot, self.period)
        return FittedTextbookLifetime(rate.lifetime_days, rate.period_days)
