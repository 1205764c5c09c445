"""EmpiricalHurdleForecast: nothing or a positive amount, whose shape was observed, not assumed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import final

import numpy as np
from jaxtyping import Float, Shaped

from patronage.forecast.base import AbstractForecast
from patronage.horizon import Horizon

__all__ = ["EmpiricalHurdleForecast"]


@final
@dataclass(frozen=True)
class EmpiricalHurdleForecast(AbstractForecast):
    """Cash is zero with probability 1 − p_positive, else positive_mean × R.

    R has mean 1 and a tabulated quantile function: the observed ratios of outcome to conditional
    mean in rewound folds, in bins of customers alike. A customer at `position` 1.3 has three
    tenths of the way from the table's row 1 to row 2.

    Attributes
    ----------
    p_positive : P(cash of the horizon > 0)
    positive_mean : expected cash of the horizon, given that there is any
    shares : how the total divides over the periods; sums to 1 per customer
    levels : increasing levels of the table, from 0 to 1
    ratios : quantiles of R at `levels`, a row per bin, non-decreasing along levels
    position : place between the rows of `ratios`
    """

    customer_id: Shaped[np.ndarray, " customers"]
    as_of: date
    horizon: Horizon
    p_positive: Float[np.ndarray, " customers"]
    positive_mean: Float[np.ndarray, " customers"]
    shares: Float[np.ndarray, "customers periods"]
    levels: Float[np.ndarray, " levels"]
    ratios: Float[np.ndarray, "bins levels"]
    position: Float[np.ndarray, " customers"]
    p_alive: Float[np.ndarray, " customers"] | None = None
    n_purchases: Float[np.ndarray, "customers periods"] | None = None
    mean_factors: Float[np.ndarray, "customers factors"] | None = None

    def mean(self) -> Float[np.ndarray, "customers periods"]:
        return np.asarray((self.p_positive * self.positive_mean)[:, None] * self.shares)

    def sample_total(
        self, n_draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers"]:
        uniform = rng.random((n_draws, self.n_customers))
        draw, customer = np.nonzero(uniform > 1.0 - self.p_positive)
        level = 1.0 - (1.0 - uniform[draw, customer]) / self.p_positive[customer]
        low, weight = (part[customer] for part in self._rows())
        drawn = np.zeros_like(uniform)
        for row in np.unique(low):
            here = low == row
            first, second = self.ratios[row], self.ratios[min(row + 1, len(self.ratios) - 1)]
            ratio = (1.0 - weight[here]) * np.interp(level[here], self.levels, first)
            ratio += weight[here] * np.interp(level[here], self.levels, second)
            drawn[draw[here], customer[here]] = ratio * self.positive_mean[customer[here]]
        return drawn

    def sample(
        self, n_draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers periods"]:
        return np.asarray(self.sample_total(n_draws, rng)[:, :, None] * self.shares)

    def quantile(self, levels: Sequence[float]) -> Float[np.ndarray, "customers levels"]:
        low, weight = self._rows()
        high = np.minimum(low + 1, len(self.ratios) - 1)
        result = np.zeros((self.n_customers, len(levels)))
        for column, level in enumerate(levels):
            inside = level > 1.0 - self.p_positive
            given = 1.0 - (1.0 - level) / np.maximum(self.p_positive, 1e-300)
            place = np.clip(
                np.searchsorted(self.levels, given, "right") - 1, 0, len(self.levels) - 2
            )
            step = (given - self.levels[place]) / (self.levels[place + 1] - self.levels[place])
            left = (1 - weight) * self.ratios[low, place] + weight * self.ratios[high, place]
            right = (1 - weight) * self.ratios[low, place + 1] + weight * self.ratios[
                high, place + 1
            ]
            ratio = left + np.clip(step, 0.0, 1.0) * (right - left)
            result[:, column] = np.where(inside, ratio * self.positive_mean, 0.0)
        return result

    def cdf(
        self, total: Float[np.ndarray, " customers"]
    ) -> tuple[Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        low, weight = self._rows()
        high = np.minimum(low + 1, len(self.ratios) - 1)
        asked = total / np.maximum(self.positive_mean, 1e-300)
        inside = np.zeros(self.n_customers)
        block = max(1, 4_000_000 // len(self.levels))
        for start in range(0, self.n_customers, block):
            rows = slice(start, start + block)
            table = (1 - weight[rows, None]) * self.ratios[low[rows]]
            table += weight[rows, None] * self.ratios[high[rows]]
            inside[rows] = _inverse(self.levels, table, asked[rows])
        zero = 1.0 - self.p_positive
        upper = np.where(total < 0, 0.0, zero + self.p_positive * inside)
        lower = np.where(total <= 0, 0.0, upper)
        return lower, upper

    def take(self, rows: slice | np.ndarray) -> "EmpiricalHurdleForecast":
        return EmpiricalHurdleForecast(
            self.customer_id[rows],
            self.as_of,
            self.horizon,
            self.p_positive[rows],
            self.positive_mean[rows],
            self.shares[rows],
            self.levels,
            self.ratios,
            self.position[rows],
            None if self.p_alive is None else self.p_alive[rows],
            None if self.n_purchases is None else self.n_purchases[rows],
            None if self.mean_factors is None else self.mean_factors[rows],
        )

    def _rows(self) -> tuple[np.ndarray, Float[np.ndarray, " customers"]]:
        low = np.clip(np.floor(self.position).astype(np.int64), 0, len(self.ratios) - 1)
        return low, np.clip(self.position - low, 0.0, 1.0)


def _inverse(
    levels: Float[np.ndarray, " levels"],
    table: Float[np.ndarray, "rows levels"],
    asked: Float[np.ndarray, " rows"],
) -> Float[np.ndarray, " rows"]:
    """The level at which each row of the quantile table reaches `asked`, linear in between."""
    place = np.clip((table <= asked[:, None]).sum(axis=1) - 1, 0, len(levels) - 2)
    row = np.arange(len(asked))
    left, right = table[row, place], table[row, place + 1]
    step = np.where(right > left, (asked - left) / np.where(right > left, right - left, 1.0), 1.0)
    found = levels[place] + np.clip(step, 0.0, 1.0) * (levels[place + 1] - levels[place])
    return np.where(asked < table[:, 0], 0.0, found)
