"""QuantileForecast: a forecast held as a table of quantiles beside its mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import final

import numpy as np
from jaxtyping import Float, Shaped

from patronage.errors import SettingsError
from patronage.forecast.base import AbstractForecast
from patronage.horizon import Horizon

__all__ = ["QuantileForecast"]


@final
@dataclass(frozen=True)
class QuantileForecast(AbstractForecast):
    """Quantiles of each customer's total, linear between the levels given.

    Equal values at neighbouring levels are an atom, nearly always at zero. Outside the levels the
    first and the last value hold: give levels 0 and 1 to bound the distribution. The mean is given
    and need not be the integral of the quantiles.

    Attributes
    ----------
    levels : increasing, within [0, 1]
    values : quantiles at `levels`, non-decreasing along them
    mean_total : expected cash of the horizon
    shares : how the total divides over the periods, for all or for each customer; sums to 1
    """

    customer_id: Shaped[np.ndarray, " customers"]
    as_of: date
    horizon: Horizon
    levels: Float[np.ndarray, " levels"]
    values: Float[np.ndarray, "customers levels"]
    mean_total: Float[np.ndarray, " customers"]
    shares: Float[np.ndarray, " periods"] | Float[np.ndarray, "customers periods"]
    p_alive: Float[np.ndarray, " customers"] | None = None
    n_purchases: Float[np.ndarray, "customers periods"] | None = None
    mean_factors: Float[np.ndarray, "customers factors"] | None = None

    def __post_init__(self) -> None:
        if bool(np.any(np.diff(self.levels) <= 0)) or bool(np.any(np.diff(self.values) < 0)):
            raise SettingsError(
                "levels must increase, and values must not fall along them.\n"
                "To mend: sort the values of each row (np.sort(values, axis=1))."
            )

    def mean(self) -> Float[np.ndarray, "customers periods"]:
        return np.asarray(self.mean_total[:, None] * self.shares)

    def sample(
        self, n_draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers periods"]:
        """The total is drawn; its periods are its fixed shares."""
        return np.asarray(self.sample_total(n_draws, rng)[:, :, None] * self.shares)

    def sample_total(
        self, n_draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers"]:
        return self._at(rng.random((self.n_customers, n_draws))).T

    def quantile(self, levels: Sequence[float]) -> Float[np.ndarray, "customers levels"]:
        asked = np.asarray(levels, dtype=float)
        return self._at(np.broadcast_to(asked, (self.n_customers, len(asked))))

    def cdf(
        self, total: Float[np.ndarray, " customers"]
    ) -> tuple[Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        column = total[:, None]
        below = self._level((self.values < column).sum(axis=1), total)
        up_to = self._level((self.values <= column).sum(axis=1), total)
        return below, up_to

    def take(self, rows: slice | np.ndarray) -> "QuantileForecast":
        return QuantileForecast(
            self.customer_id[rows],
            self.as_of,
            self.horizon,
            self.levels,
            self.values[rows],
            self.mean_total[rows],
            self.shares if self.shares.ndim == 1 else self.shares[rows],
            None if self.p_alive is None else self.p_alive[rows],
            None if self.n_purchases is None else self.n_purchases[rows],
            None if self.mean_factors is None else self.mean_factors[rows],
        )

    def _at(
        self, level: Float[np.ndarray, "customers asked"]
    ) -> Float[np.ndarray, "customers asked"]:
        """The quantile function, a row per customer."""
        last = len(self.levels) - 1
        right = np.clip(np.searchsorted(self.levels, level), 1, max(last, 1))
        left, right = right - 1, np.minimum(right, last)
        gap = self.levels[right] - self.levels[left]
        step = np.clip((level - self.levels[left]) / np.where(gap > 0, gap, 1.0), 0.0, 1.0)
        rows = np.arange(self.n_customers)[:, None]
        low, high = self.values[rows, left], self.values[rows, right]
        return np.asarray(low + step * (high - low))

    def _level(
        self, n_reached: Shaped[np.ndarray, " customers"], total: Float[np.ndarray, " customers"]
    ) -> Float[np.ndarray, " customers"]:
        """The highest level whose quantile is reached, given how many of the values are."""
        last = len(self.levels) - 1
        left = np.clip(n_reached - 1, 0, last)
        right = np.minimum(left + 1, last)
        rows = np.arange(self.n_customers)
        low, high = self.values[rows, left], self.values[rows, right]
        step = np.clip((total - low) / np.where(high > low, high - low, 1.0), 0.0, 1.0)
        level = self.levels[left] + step * (self.levels[right] - self.levels[left])
        level = np.where(n_reached > last, 1.0, level)
        return np.where(n_reached == 0, 0.0, level)
