"""SampleForecast: a forecast held as joint draws; one draw is a point forecast."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import final

import numpy as np
from jaxtyping import Float, Shaped

from patronage.forecast.base import AbstractForecast
from patronage.horizon import Horizon

__all__ = ["SampleForecast"]


@final
@dataclass(frozen=True)
class SampleForecast(AbstractForecast):
    """Equally likely draws of every customer's cash per period.

    Attributes
    ----------
    draws : undiscounted cash; with one draw the forecast is a point
    """

    customer_id: Shaped[np.ndarray, " customers"]
    as_of: date
    horizon: Horizon
    draws: Float[np.ndarray, "draws customers periods"]
    p_alive: Float[np.ndarray, " customers"] | None = None
    n_purchases: Float[np.ndarray, "customers periods"] | None = None
    mean_factors: Float[np.ndarray, "customers factors"] | None = None

    def mean(self) -> Float[np.ndarray, "customers periods"]:
        return np.asarray(self.draws.mean(axis=0))

    def sample(
        self, n_draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers periods"]:
        """Draws with replacement, of each customer by itself (customers are independent)."""
        n_held, n_customers, _ = self.draws.shape
        picked = rng.integers(n_held, size=(n_draws, n_customers))
        return np.asarray(self.draws[picked, np.arange(n_customers)])

    def quantile(self, levels: Sequence[float]) -> Float[np.ndarray, "customers levels"]:
        total = self.draws.sum(axis=2)
        return np.asarray(np.quantile(total, np.asarray(levels), axis=0, method="inverted_cdf").T)

    def cdf(
        self, total: Float[np.ndarray, " customers"]
    ) -> tuple[Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        held = self.draws.sum(axis=2)
        return (held < total).mean(axis=0), (held <= total).mean(axis=0)

    def take(self, rows: slice | np.ndarray) -> "SampleForecast":
        return SampleForecast(
            self.customer_id[rows],
            self.as_of,
            self.horizon,
            self.draws[:, rows],
            None if self.p_alive is None else self.p_alive[rows],
            None if self.n_purchases is None else self.n_purchases[rows],
            None if self.mean_factors is None else self.mean_factors[rows],
        )
