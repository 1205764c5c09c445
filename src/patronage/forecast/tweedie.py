"""TweedieForecast: compound Poisson-gamma cash with mean, dispersion and variance power."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import final

import numpy as np
from jaxtyping import Float, Shaped

from patronage.errors import SettingsError
from patronage.forecast.base import AbstractForecast
from patronage.forecast.compound import CompoundForecast
from patronage.forecast.poisson_gamma import GammaSpend, PoissonCounts
from patronage.horizon import Horizon

__all__ = ["TweedieForecast"]


@final
@dataclass(frozen=True)
class TweedieForecast(AbstractForecast):
    """Cash of the horizon with mean mu and variance dispersion × mu^power, 1 < power < 2.

    That is a Poisson number, mu^(2 − power) / (dispersion (2 − power)), of gamma amounts with
    shape (2 − power) / (power − 1) (Jørgensen 1987); the distribution is summed, not simulated.

    Attributes
    ----------
    total_mean : mu, expected cash of the horizon; 0 or more
    dispersion : phi, above 0
    power : of the variance
    shares : how the total divides over the periods, for all or for each customer; sums to 1
    """

    customer_id: Shaped[np.ndarray, " customers"]
    as_of: date
    horizon: Horizon
    total_mean: Float[np.ndarray, " customers"]
    dispersion: float | Float[np.ndarray, " customers"]
    power: float
    shares: Float[np.ndarray, " periods"] | Float[np.ndarray, "customers periods"]
    p_alive: Float[np.ndarray, " customers"] | None = None
    n_purchases: Float[np.ndarray, "customers periods"] | None = None
    mean_factors: Float[np.ndarray, "customers factors"] | None = None

    def __post_init__(self) -> None:
        if not 1.0 < self.power < 2.0:
            raise SettingsError(
                f"the power of a Tweedie forecast is {self.power:g}; it must lie between 1 and 2."
            )

    def mean(self) -> Float[np.ndarray, "customers periods"]:
        return np.asarray(self.total_mean[:, None] * self.shares)

    def sample(
        self, n_draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers periods"]:
        """Each period is Tweedie itself: the purchases divide over the periods by the shares."""
        expected = self._compound.counts.mean(np.array([0.0, self.horizon.days])) * self.shares
        counts = rng.poisson(expected, size=(n_draws, *expected.shape))
        return self._compound.spend.sample_sums(counts, rng)

    def sample_total(
        self, n_draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers"]:
        return self._compound.sample_total(n_draws, rng)

    def quantile(self, levels: Sequence[float]) -> Float[np.ndarray, "customers levels"]:
        return self._compound.quantile(levels)

    def cdf(
        self, total: Float[np.ndarray, " customers"]
    ) -> tuple[Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        return self._compound.cdf(total)

    def p_zero(self) -> Float[np.ndarray, " customers"]:
        return self._compound.p_zero()

    def take(self, rows: slice | np.ndarray) -> "TweedieForecast":
        phi = self.dispersion
        return TweedieForecast(
            self.customer_id[rows],
            self.as_of,
            self.horizon,
            self.total_mean[rows],
            phi[rows] if isinstance(phi, np.ndarray) else phi,
            self.power,
            self.shares if self.shares.ndim == 1 else self.shares[rows],
            None if self.p_alive is None else self.p_alive[rows],
            None if self.n_purchases is None else self.n_purchases[rows],
            None if self.mean_factors is None else self.mean_factors[rows],
        )

    @cached_property
    def _compound(self) -> CompoundForecast:
        positive = self.total_mean > 0
        mu = np.where(positive, self.total_mean, 1.0)
        number = mu ** (2 - self.power) / (self.dispersion * (2 - self.power))
        scale = self.dispersion * (self.power - 1) * mu ** (self.power - 1)
        rate = np.where(positive, number / self.horizon.days, 0.0)
        spend = GammaSpend((2 - self.power) / (self.power - 1), np.asarray(scale))
        counts = PoissonCounts(rate)
        return CompoundForecast(self.customer_id, self.as_of, self.horizon, counts, spend)
