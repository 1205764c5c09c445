"""CalibratedForecast: a forecast whose outcomes are read on a scale learned from earlier errors.

An outcome y has a score s, rising in y. How often scores came out below s is the calibrated
distribution: P(cash <= y) = G(s), and its quantile function reads the table of G backwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Final, Literal, TypeAlias, final

import numpy as np
from jaxtyping import Float, Int, Shaped

from patronage.forecast.base import AbstractForecast
from patronage.horizon import Horizon

__all__ = ["TOP", "CalibratedForecast", "ScoreBy", "Yardstick"]

ScoreBy: TypeAlias = Literal["quantiles", "mean"]

TOP: Final = 0.99
"""Up to this level amounts are read off the quantiles of a forecast; beyond it, off its scale."""

_LEAST: Final = 1e-6
# Levels at which the inner quantile function is tabulated for draws.
_GRID: Final = np.concatenate(
    ([_LEAST, 0.005, 0.01, 0.02, 0.035], np.arange(0.05, 0.90, 0.025), np.arange(0.90, 0.995, 0.01))
)
_GRID[-1] = TOP


@final
@dataclass(frozen=True)
class Yardstick:
    """How outcomes of each customer become scores, and scores amounts.

    By quantiles the score of an outcome is its level in the forecast, anywhere between the ends of
    an atom. An outcome above the top of the forecast has 1 + log(1 + excess / scale), one between
    nothing and its bottom has outcome / bottom − 1, and one below both −1 − log(1 + shortfall /
    scale). By mean the score is outcome / scale.

    Attributes
    ----------
    forecast : whose quantiles are used
    by : quantiles or mean
    floor : the least scale, for customers of whom nearly nothing is expected; above 0
    """

    forecast: AbstractForecast
    by: ScoreBy
    floor: float

    @cached_property
    def ends(self) -> Float[np.ndarray, "customers 2"]:
        """Bottom and top: the amounts between which a score is a level."""
        return self.forecast.quantile([1.0 - TOP, TOP])

    @cached_property
    def scale(self) -> Float[np.ndarray, " customers"]:
        """What money is measured in, beyond the ends: the expectation or the top."""
        expected = np.maximum(self.forecast.mean().sum(axis=1), self.floor)
        return np.asarray(expected if self.by == "mean" else np.maximum(expected, self.ends[:, 1]))

    def scores(
        self, total: Float[np.ndarray, " customers"]
    ) -> tuple[Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        """The lowest and the highest score of an outcome; they differ at an atom."""
        if self.by == "mean":
            score = np.asarray(total / self.scale)
            return score, score
        bottom, top = self.ends.T
        least = np.minimum(bottom, 0.0)
        below, up_to = self.forecast.cdf(total)
        over = 1.0 + np.log1p(np.maximum(total - top, 0.0) / self.scale)
        under = -1.0 - np.log1p(np.maximum(least - total, 0.0) / self.scale)
        short = total / np.where(bottom > 0, bottom, 1.0) - 1.0
        under = np.where(total < least, under, short)
        first = np.where(total > top, over, np.where(total <= bottom, 0.0, below))
        last = np.where(total >= top, over, up_to)
        outside = total < bottom
        return np.where(outside, under, first), np.where(outside, under, last)

    def amounts(
        self, scores: Sequence[float] | Float[np.ndarray, " scores"]
    ) -> Float[np.ndarray, "customers scores"]:
        """The outcome at each score, the same scores for all customers."""
        asked = np.asarray(scores, dtype=float)
        scale = self.scale[:, None]
        if self.by == "mean":
            return np.asarray(scale * asked)
        inside = self.forecast.quantile(np.clip(asked, _LEAST, TOP).tolist())
        return self._beyond(inside, np.broadcast_to(asked, inside.shape))

    def amounts_of_draws(
        self, scores: Float[np.ndarray, "draws customers"]
    ) -> Float[np.ndarray, "draws customers"]:
        """The outcome at scores of each customer's own, linear between tabulated quantiles."""
        if self.by == "mean":
            return np.asarray(scores * self.scale)
        level = np.clip(scores.T, _LEAST, TOP)
        right = np.clip(np.searchsorted(_GRID, level), 1, len(_GRID) - 1)
        rows = np.arange(len(level))[:, None]
        low, high = self._table[rows, right - 1], self._table[rows, right]
        # Why: an atom ends between two levels, and what lies above it begins where it ends.
        start = np.where(low == 0.0, np.maximum(_GRID[right - 1], self._zero), _GRID[right - 1])
        gap = _GRID[right] - start
        step = np.clip((level - start) / np.where(gap > 0, gap, 1.0), 0.0, 1.0)
        return np.asarray(self._beyond(low + step * (high - low), scores.T).T)

    def _beyond(
        self,
        inside: Float[np.ndarray, "customers scores"],
        scores: Float[np.ndarray, "customers scores"],
    ) -> Float[np.ndarray, "customers scores"]:
        """Amounts within the ends, and those that scores outside 0 to 1 stand for."""
        bottom, top = self.ends[:, :1], self.ends[:, 1:]
        over = np.expm1(np.maximum(scores - 1.0, 0.0)) * self.scale[:, None]
        under = np.expm1(np.maximum(-1.0 - scores, 0.0)) * self.scale[:, None]
        found = np.where(scores > 1.0, top + over, np.clip(inside, bottom, top))
        short = np.where(bottom > 0, bottom * np.clip(1.0 + scores, 0.0, 1.0), bottom)
        return np.asarray(np.where(scores < 0.0, short - under, found))

    @cached_property
    def _table(self) -> Float[np.ndarray, "customers levels"]:
        return self.forecast.quantile(_GRID.tolist())

    @cached_property
    def _zero(self) -> Float[np.ndarray, "customers 1"]:
        return self.forecast.p_zero()[:, None]


@final
@dataclass(frozen=True)
class CalibratedForecast(AbstractForecast):
    """The outcomes of `inner`, spread as the errors of earlier forecasts were.

    Quantiles, distribution function and draws are of one distribution. The mean is that of
    `inner`, and need not be the mean of the draws: conformal calibration promises levels, not
    means. Nor does it promise anything of sums over customers, whose draws stay those of `inner`
    (`for_totals`).

    Attributes
    ----------
    inner : the forecast that is calibrated
    levels : increasing, from 0 to 1
    scores : score at each level, a row per bucket of customers, non-decreasing along it
    bucket : the row of each customer
    floor, by : of the `Yardstick`
    """

    customer_id: Shaped[np.ndarray, " customers"]
    as_of: date
    horizon: Horizon
    inner: AbstractForecast
    levels: Float[np.ndarray, " levels"]
    scores: Float[np.ndarray, "buckets levels"]
    bucket: Int[np.ndarray, " customers"]
    floor: float
    by: ScoreBy = "quantiles"
    p_alive: Float[np.ndarray, " customers"] | None = None
    n_purchases: Float[np.ndarray, "customers periods"] | None = None
    mean_factors: Float[np.ndarray, "customers factors"] | None = None

    def mean(self) -> Float[np.ndarray, "customers periods"]:
        return self.inner.mean()

    def sample(
        self, n_draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers periods"]:
        """The total is drawn; it falls on the periods as the expectation does."""
        mean = self.mean()
        total = mean.sum(axis=1, keepdims=True)
        even = np.diff(self.horizon.edges()) / self.horizon.days
        shares = np.where(total > 0, mean / np.where(total > 0, total, 1.0), even)
        return np.asarray(self.sample_total(n_draws, rng)[:, :, None] * shares)

    def sample_total(
        self, n_draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers"]:
        scores = rng.random((n_draws, self.n_customers))
        for number, rows in self._buckets():
            scores[:, rows] = np.interp(scores[:, rows], self.levels, self.scores[number])
        return self._yardstick.amounts_of_draws(scores)

    @property
    def model_spread(self) -> Float[np.ndarray, " customers"] | None:
        return self.inner.model_spread

    def for_totals(self) -> AbstractForecast:
        return replace(self.inner, mean_factors=self.mean_factors)  # type: ignore[type-var]

    def survival(self) -> Float[np.ndarray, "customers periods"] | None:
        return self.inner.survival()

    def quantile(self, levels: Sequence[float]) -> Float[np.ndarray, "customers levels"]:
        found = np.empty((self.n_customers, len(levels)))
        for number, rows in self._buckets():
            part = Yardstick(self.inner.take(rows), self.by, self.floor)
            found[rows] = part.amounts(np.interp(levels, self.levels, self.scores[number]))
        return found

    def cdf(
        self, total: Float[np.ndarray, " customers"]
    ) -> tuple[Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        first, last = self._yardstick.scores(total)
        below, up_to = np.empty(self.n_customers), np.empty(self.n_customers)
        for number, rows in self._buckets():
            table = self.scores[number]
            below[rows] = _reached(self.levels, table, first[rows], "left")
            up_to[rows] = _reached(self.levels, table, last[rows], "right")
        return below, up_to

    def take(self, rows: slice | np.ndarray) -> "CalibratedForecast":
        return CalibratedForecast(
            self.customer_id[rows],
            self.as_of,
            self.horizon,
            self.inner.take(rows),
            self.levels,
            self.scores,
            self.bucket[rows],
            self.floor,
            self.by,
            None if self.p_alive is None else self.p_alive[rows],
            None if self.n_purchases is None else self.n_purchases[rows],
            None if self.mean_factors is None else self.mean_factors[rows],
        )

    @cached_property
    def _yardstick(self) -> Yardstick:
        return Yardstick(self.inner, self.by, self.floor)

    def _buckets(self) -> list[tuple[int, Int[np.ndarray, " rows"]]]:
        return [(int(k), np.flatnonzero(self.bucket == k)) for k in np.unique(self.bucket)]


def _reached(
    levels: Float[np.ndarray, " levels"],
    table: Float[np.ndarray, " levels"],
    score: Float[np.ndarray, " rows"],
    side: Literal["left", "right"],
) -> Float[np.ndarray, " rows"]:
    """The level of a score, linear in between; of equal entries the first (left) or the last."""
    n_reached = np.searchsorted(table, score, side)
    last = len(levels) - 1
    left = np.clip(n_reached - 1, 0, last)
    right = np.minimum(left + 1, last)
    low, high = table[left], table[right]
    step = np.clip((score - low) / np.where(high > low, high - low, 1.0), 0.0, 1.0)
    level = levels[left] + step * (levels[right] - levels[left])
    level = np.where(n_reached > last, 1.0, level)
    return np.where(n_reached == 0, 0.0, level)
