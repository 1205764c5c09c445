"""SignedHurdleForecast: a loss, nothing, or a gain, each of a shape of the customer's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import final

import numpy as np
from jaxtyping import Float, Shaped

from patronage.errors import SettingsError
from patronage.forecast.base import AbstractForecast
from patronage.horizon import Horizon

__all__ = ["SignedHurdleForecast"]


@final
@dataclass(frozen=True)
class SignedHurdleForecast(AbstractForecast):
    """Net cash is below 0 with p_negative, above it with p_positive, and else 0.

    A gain is positive_mean × R, a loss negative_mean × S; R and S have mean 1 and quantile
    functions that are linear between `levels`.

    Attributes
    ----------
    p_positive, p_negative : chances; together at most 1
    positive_mean, negative_mean : expected gain, and loss (as a positive number), if any
    levels : increasing, from 0 to 1
    ratios : quantiles of R at `levels`, a row per customer
    negative_ratios : quantiles of S at `levels`, the same for all
    shares : how the total divides over the periods; sums to 1 per customer
    """

    customer_id: Shaped[np.ndarray, " customers"]
    as_of: date
    horizon: Horizon
    p_positive: Float[np.ndarray, " customers"]
    positive_mean: Float[np.ndarray, " customers"]
    p_negative: Float[np.ndarray, " customers"]
    negative_mean: Float[np.ndarray, " customers"]
    levels: Float[np.ndarray, " levels"]
    ratios: Float[np.ndarray, "customers levels"]
    negative_ratios: Float[np.ndarray, " levels"]
    shares: Float[np.ndarray, "customers periods"]
    p_alive: Float[np.ndarray, " customers"] | None = None
    n_purchases: Float[np.ndarray, "customers periods"] | None = None
    mean_factors: Float[np.ndarray, "customers factors"] | None = None

    def __post_init__(self) -> None:
        if bool(np.any(self.p_positive + self.p_negative > 1.0 + 1e-9)):
            raise SettingsError("the chances of a gain and of a loss sum to more than 1.")

    def mean(self) -> Float[np.ndarray, "customers periods"]:
        total = self.p_positive * self.positive_mean - self.p_negative * self.negative_mean
        return np.asarray(total[:, None] * self.shares)

    def sample(
        self, n_draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers periods"]:
        """The total is drawn; its periods are its fixed shares."""
        return np.asarray(self.sample_total(n_draws, rng)[:, :, None] * self.shares)

    def sample_total(
        self, n_draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers"]:
        uniform = rng.random((n_draws, self.n_customers))
        drawn = np.zeros_like(uniform)
        gain = np.nonzero(uniform > 1.0 - self.p_positive)
        loss = np.nonzero(uniform < self.p_negative)
        drawn[gain] = self._gain(gain[1], uniform[gain])
        drawn[loss] = self._loss(loss[1], uniform[loss])
        return drawn

    def quantile(self, levels: Sequence[float]) -> Float[np.ndarray, "customers levels"]:
        found = np.zeros((self.n_customers, len(levels)))
        for column, level in enumerate(levels):
            gain = np.flatnonzero(level > 1.0 - self.p_positive)
            loss = np.flatnonzero(level < self.p_negative)
            found[gain, column] = self._gain(gain, np.full(len(gain), float(level)))
            found[loss, column] = self._loss(loss, np.full(len(loss), float(level)))
        return found

    def cdf(
        self, total: Float[np.ndarray, " customers"]
    ) -> tuple[Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        gain = total / np.maximum(self.positive_mean, 1e-300)
        inside = _level(self.levels, self.ratios, gain)
        owed = np.interp(
            -total / np.maximum(self.negative_mean, 1e-300), self.negative_ratios, self.levels
        )
        below_zero = self.p_negative * (1.0 - np.where(total < 0, owed, 0.0))
        above = 1.0 - self.p_positive * (1.0 - inside)
        up_to = np.where(total < 0, below_zero, above)
        return np.where(total <= 0, below_zero, above), up_to

    def p_zero(self) -> Float[np.ndarray, " customers"]:
        return 1.0 - self.p_positive

    def take(self, rows: slice | np.ndarray) -> "SignedHurdleForecast":
        return SignedHurdleForecast(
            self.customer_id[rows],
            self.as_of,
            self.horizon,
            self.p_positive[rows],
            self.positive_mean[rows],
            self.p_negative[rows],
            self.negative_mean[rows],
            self.levels,
            self.ratios[rows],
            self.negative_ratios,
            self.shares[rows],
            None if self.p_alive is None else self.p_alive[rows],
            None if self.n_purchases is None else self.n_purchases[rows],
            None if self.mean_factors is None else self.mean_factors[rows],
        )

    def _gain(
        self, row: Shaped[np.ndarray, " asked"], level: Float[np.ndarray, " asked"]
    ) -> Float[np.ndarray, " asked"]:
        given = np.clip(1.0 - (1.0 - level) / self.p_positive[row], 0.0, 1.0)
        place = np.clip(np.searchsorted(self.levels, given, "right") - 1, 0, len(self.levels) - 2)
        low, high = self.levels[place], self.levels[place + 1]
        left, right = self.ratios[row, place], self.ratios[row, place + 1]
        ratio = left + (given - low) / (high - low) * (right - left)
        return np.asarray(ratio * self.positive_mean[row])

    def _loss(
        self, row: Shaped[np.ndarray, " asked"], level: Float[np.ndarray, " asked"]
    ) -> Float[np.ndarray, " asked"]:
        given = np.clip(1.0 - level / self.p_negative[row], 0.0, 1.0)
        ratio = np.interp(given, self.levels, self.negative_ratios)
        return np.asarray(-ratio * self.negative_mean[row])


def _level(
    levels: Float[np.ndarray, " levels"],
    table: Float[np.ndarray, "rows levels"],
    asked: Float[np.ndarray, " rows"],
) -> Float[np.ndarray, " rows"]:
    """The level at which each row of the table reaches `asked`, linear in between."""
    place = np.clip((table <= asked[:, None]).sum(axis=1) - 1, 0, len(levels) - 2)
    row = np.arange(len(asked))
    left, right = table[row, place], table[row, place + 1]
    gap = np.where(right > left, right - left, 1.0)
    step = np.clip(np.where(right > left, (asked - left) / gap, 1.0), 0.0, 1.0)
    found = levels[place] + step * (levels[place + 1] - levels[place])
    return np.where(asked < table[:, 0], 0.0, found)
