"""ZeroInflatedForecast: nothing, or a log-normal or gamma amount."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, final

import numpy as np
from jaxtyping import Float, Shaped
from scipy.special import gammainc, gammaincinv, ndtr, ndtri

from patronage.forecast.base import AbstractForecast
from patronage.horizon import Horizon

__all__ = ["ZeroInflatedForecast"]


@final
@dataclass(frozen=True)
class ZeroInflatedForecast(AbstractForecast):
    """Cash of the horizon is zero with probability 1 − p_positive, else of a positive family.

    Attributes
    ----------
    p_positive : P(cash of the horizon > 0)
    positive_mean : expected cash of the horizon given that there is any; above 0
    dispersion : squared coefficient of variation of that cash: 1 / shape of a gamma,
        e^(sigma²) − 1 of a log-normal; above 0
    shares : how the total divides over the periods, for all or for each customer; sums to 1
    family : of the positive cash
    """

    customer_id: Shaped[np.ndarray, " customers"]
    as_of: date
    horizon: Horizon
    p_positive: Float[np.ndarray, " customers"]
    positive_mean: Float[np.ndarray, " customers"]
    dispersion: Float[np.ndarray, " customers"]
    shares: Float[np.ndarray, " periods"] | Float[np.ndarray, "customers periods"]
    family: Literal["log_normal", "gamma"] = "log_normal"
    p_alive: Float[np.ndarray, " customers"] | None = None
    n_purchases: Float[np.ndarray, "customers periods"] | None = None
    mean_factors: Float[np.ndarray, "customers factors"] | None = None

    def mean(self) -> Float[np.ndarray, "customers periods"]:
        return np.asarray((self.p_positive * self.positive_mean)[:, None] * self.shares)

    def sample(
        self, n_draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers periods"]:
        """The total is drawn; its periods are its fixed shares."""
        return np.asarray(self.sample_total(n_draws, rng)[:, :, None] * self.shares)

    def sample_total(
        self, n_draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers"]:
        shape = (n_draws, self.n_customers)
        drawn = np.zeros(shape)
        # Why: most draws are nothing, and an amount costs ten times what a uniform does.
        at = np.nonzero(rng.random(shape) < self.p_positive)
        row = at[1]
        if self.family == "gamma":
            scale = self.dispersion * self.positive_mean
            drawn[at] = rng.standard_gamma(1.0 / self.dispersion[row]) * scale[row]
        else:
            location, sigma = self._log_normal()
            drawn[at] = np.exp(location[row] + sigma[row] * rng.standard_normal(len(row)))
        return drawn

    def quantile(self, levels: Sequence[float]) -> Float[np.ndarray, "customers levels"]:
        zero = 1.0 - self.p_positive[:, None]
        given = (np.asarray(levels) - zero) / np.maximum(self.p_positive[:, None], 1e-300)
        inside = np.clip(given, 0.0, 1.0)
        if self.family == "gamma":
            shape = 1.0 / self.dispersion[:, None]
            found = self.positive_mean[:, None] / shape * gammaincinv(shape, inside)
        else:
            location, sigma = self._log_normal()
            found = np.exp(location[:, None] + sigma[:, None] * ndtri(inside))
        return np.where(given > 0.0, found, 0.0)

    def cdf(
        self, total: Float[np.ndarray, " customers"]
    ) -> tuple[Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        money = np.maximum(total, 0.0)
        if self.family == "gamma":
            inside = gammainc(1 / self.dispersion, money / (self.positive_mean * self.dispersion))
        else:
            location, sigma = self._log_normal()
            with np.errstate(divide="ignore"):
                inside = ndtr((np.log(money) - location) / sigma)
        up_to = np.where(total < 0, 0.0, 1.0 - self.p_positive + self.p_positive * inside)
        return np.where(total > 0, up_to, 0.0), up_to

    def p_zero(self) -> Float[np.ndarray, " customers"]:
        return 1.0 - self.p_positive

    def take(self, rows: slice | np.ndarray) -> "ZeroInflatedForecast":
        return ZeroInflatedForecast(
            self.customer_id[rows],
            self.as_of,
            self.horizon,
            self.p_positive[rows],
            self.positive_mean[rows],
            self.dispersion[rows],
            self.shares if self.shares.ndim == 1 else self.shares[rows],
            self.family,
            None if self.p_alive is None else self.p_alive[rows],
            None if self.n_purchases is None else self.n_purchases[rows],
            None if self.mean_factors is None else self.mean_factors[rows],
        )

    def _log_normal(
        self,
    ) -> tuple[Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        variance = np.log1p(self.dispersion)
        return np.log(self.positive_mean) - variance / 2.0, np.sqrt(variance)
