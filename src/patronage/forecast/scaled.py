"""ScaledForecast: another forecast, its cash multiplied customer by customer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import final

import numpy as np
from jaxtyping import Float, Shaped

from patronage.forecast.base import AbstractForecast
from patronage.horizon import Horizon

__all__ = ["ScaledForecast"]


@final
@dataclass(frozen=True)
class ScaledForecast(AbstractForecast):
    """Cash = factor × the cash of `inner`; purchases and the chance of nothing stay as they are.

    Attributes
    ----------
    inner : the forecast that is scaled
    factor : of each customer, above 0
    """

    customer_id: Shaped[np.ndarray, " customers"]
    as_of: date
    horizon: Horizon
    inner: AbstractForecast
    factor: Float[np.ndarray, " customers"]
    p_alive: Float[np.ndarray, " customers"] | None = None
    n_purchases: Float[np.ndarray, "customers periods"] | None = None
    mean_factors: Float[np.ndarray, "customers factors"] | None = None

    @classmethod
    def of(
        cls, inner: AbstractForecast, factor: Float[np.ndarray, " customers"]
    ) -> "ScaledForecast":
        """The scaled forecast; the uncertainty of its mean is scaled with it."""
        known = inner.mean_factors
        return cls(
            inner.customer_id,
            inner.as_of,
            inner.horizon,
            inner,
            factor,
            inner.p_alive,
            inner.n_purchases,
            None if known is None else known * factor[:, None],
        )

    def mean(self) -> Float[np.ndarray, "customers periods"]:
        return np.asarray(self.factor[:, None] * self.inner.mean())

    def sample(
        self, n_draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers periods"]:
        return np.asarray(self.inner.sample(n_draws, rng) * self.factor[:, None])

    def sample_total(
        self, n_draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers"]:
        return np.asarray(self.inner.sample_total(n_draws, rng) * self.factor)

    @property
    def model_spread(self) -> Float[np.ndarray, " customers"] | None:
        known = self.inner.model_spread
        return None if known is None else np.asarray(self.factor * known)

    def for_totals(self) -> AbstractForecast:
        return replace(self, inner=self.inner.for_totals())

    def survival(self) -> Float[np.ndarray, "customers periods"] | None:
        return self.inner.survival()

    def quantile(self, levels: Sequence[float]) -> Float[np.ndarray, "customers levels"]:
        return np.asarray(self.factor[:, None] * self.inner.quantile(levels))

    def cdf(
        self, total: Float[np.ndarray, " customers"]
    ) -> tuple[Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        return self.inner.cdf(total / self.factor)

    def p_zero(self) -> Float[np.ndarray, " customers"]:
        return self.inner.p_zero()

    def take(self, rows: slice | np.ndarray) -> "ScaledForecast":
        return ScaledForecast(
            self.customer_id[rows],
            self.as_of,
            self.horizon,
            self.inner.take(rows),
            self.factor[rows],
            None if self.p_alive is None else self.p_alive[rows],
            None if self.n_purchases is None else self.n_purchases[rows],
            None if self.mean_factors is None else self.mean_factors[rows],
        )
