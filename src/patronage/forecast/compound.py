"""CompoundForecast: a random number of purchases times a spend whose level is not known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import final

import numpy as np
from jaxtyping import Float, Int, Shaped

from patronage.errors import SettingsError
from patronage.forecast.base import AbstractForecast
from patronage.forecast.counts import AbstractCounts, count_blocks
from patronage.forecast.mixing import mixed_cdf, mixed_quantile
from patronage.forecast.spend import AbstractSpend
from patronage.horizon import Horizon

__all__ = ["CompoundForecast"]


@final
@dataclass(frozen=True)
class CompoundForecast(AbstractForecast):
    """Cash = cash_ratio × the sum of N spends, N and the spends independent given the history.

    The distribution of the total is Σ_n P(N = n) P(sum of n spends <= total), not draws; spends
    may be negative (`signed`), and some may cost nothing (`paying`). Counts
    above 32 are taken in groups about sqrt(n) / 2 wide, each by two points with the group's mean
    and variance: the error of a probability stays below 2e-5 (tested). P(N = n) is cut off where
    less than 1e-10 is left. What customers share is computed once: the counts of equal histories,
    and quantiles of those who differ by the scale of their spend alone.

    Attributes
    ----------
    counts : purchases from as_of on
    spend : gross money per purchase
    cash_ratio : net cash per gross money, below 1 where there are refunds
    """

    customer_id: Shaped[np.ndarray, " customers"]
    as_of: date
    horizon: Horizon
    counts: AbstractCounts
    spend: AbstractSpend
    cash_ratio: float = 1.0
    mean_factors: Float[np.ndarray, "customers factors"] | None = None

    def __post_init__(self) -> None:
        if not np.isfinite(self.cash_ratio):
            raise SettingsError(f"cash_ratio is {self.cash_ratio}; it must be a finite number.")

    @cached_property
    def p_alive(self) -> Float[np.ndarray, " customers"]:  # type: ignore[override]
        """P(alive at as_of | history)."""
        return self.counts.p_alive

    @cached_property
    def n_purchases(self) -> Float[np.ndarray, "customers periods"]:  # type: ignore[override]
        """Expected purchases per period."""
        return self.counts.mean(self.horizon.edges())

    def mean(self) -> Float[np.ndarray, "customers periods"]:
        return np.asarray(self.cash_ratio * self.spend.mean()[:, None] * self.n_purchases)

    def sample(
        self, n_draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers periods"]:
        counts = self.counts.sample(self.horizon.edges(), n_draws, rng)
        return self.cash_ratio * self.spend.sample_sums(counts, rng)

    def sample_total(
        self, n_draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers"]:
        """The number of purchases by its distribution function, and money where there are any."""
        uniform = rng.random((n_draws, self.n_customers))
        drawn = np.zeros_like(uniform)
        for rows, pmf in count_blocks(self.counts, self.horizon.days):
            draw, row = np.nonzero(uniform[:, rows] > pmf[:, 0])
            customer = rows[row]
            n = _nth(np.cumsum(pmf, axis=1), row, uniform[draw, customer])
            drawn[draw, customer] = self.spend.sample_each(n, customer, rng)
        return np.asarray(self.cash_ratio * drawn)

    def survival(self) -> Float[np.ndarray, "customers periods"] | None:
        return self.counts.survival(self.horizon.edges()[:-1])

    def quantile(self, levels: Sequence[float]) -> Float[np.ndarray, "customers levels"]:
        asked = np.asarray(levels, dtype=float)
        if self.cash_ratio == 0.0:
            return np.zeros((self.n_customers, len(asked)))
        # Money to be paid back mirrors the distribution of the gross money.
        gross = asked if self.cash_ratio > 0 else 1.0 - asked
        spend, scale, form = self.spend.standard()
        first, group = _alike(self.counts.compacted()[1], form)
        counts, spend = self.counts.take(first), spend.take(first)
        found = np.zeros((len(first), len(asked)))
        for rows, pmf in count_blocks(counts, self.horizon.days):
            if spend.lattice is not None:
                at = (np.cumsum(pmf, axis=1)[:, :, None] < gross - 1e-12).sum(axis=1)
                found[rows] = spend.lattice * np.minimum(at, pmf.shape[1] - 1)
                continue
            pmf, part = spend.take(rows).paying(pmf)
            for column, level in enumerate(gross):
                found[rows, column] = mixed_quantile([(pmf, part)], float(level))
                if part.signed:
                    found[rows, column] -= mixed_quantile(
                        [(pmf, part)], 1.0 - float(level), sign=-1
                    )
        return np.asarray(self.cash_ratio * scale[:, None] * found[group]) + 0.0

    def cdf(
        self, total: Float[np.ndarray, " customers"]
    ) -> tuple[Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        if self.cash_ratio == 0.0:
            return (total > 0).astype(float), (total >= 0).astype(float)
        gross = total / self.cash_ratio
        if self.spend.lattice is None:
            below, up_to = self._continuous_cdf(gross)
        else:
            below, up_to = self._lattice_cdf(gross / self.spend.lattice)
        below, up_to = np.minimum(below, 1.0), np.minimum(up_to, 1.0)
        return (below, up_to) if self.cash_ratio > 0 else (1.0 - up_to, 1.0 - below)

    def p_zero(self) -> Float[np.ndarray, " customers"]:
        if self.cash_ratio > 0.0 and self.spend.positive:
            return self.counts.pmf(self.horizon.days, 0)[:, 0]
        return self.cdf(np.zeros(self.n_customers))[1]

    def _continuous_cdf(
        self, gross: Float[np.ndarray, " customers"]
    ) -> tuple[Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        others = np.zeros(self.n_customers)
        at_zero = np.where(gross >= 0, self.counts.pmf(self.horizon.days, 0)[:, 0], 0.0)
        # Where a purchase costs something, the counts alone tell what there is at zero.
        asked = np.flatnonzero((gross > 0) | (not self.spend.positive))
        for rows, pmf in count_blocks(self.counts.take(asked), self.horizon.days):
            some = asked[rows]
            pmf, part = self.spend.take(some).paying(pmf)
            at_zero[some] = pmf[:, 0]
            others[some] = mixed_cdf([(pmf, part)], gross[some])
        return others + at_zero * (gross > 0), others + at_zero * (gross >= 0)

    def _lattice_cdf(
        self, steps: Float[np.ndarray, " customers"]
    ) -> tuple[Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        below, up_to = np.zeros(self.n_customers), np.zeros(self.n_customers)
        for rows, pmf in count_blocks(self.counts, self.horizon.days):
            cumulative = np.cumsum(pmf, axis=1)
            up_to[rows] = _at(cumulative, np.floor(steps[rows] + 1e-9))
            below[rows] = _at(cumulative, np.ceil(steps[rows] - 1e-9) - 1)
        return below, up_to

    def take(self, rows: slice | np.ndarray) -> "CompoundForecast":
        taken = replace(
            self,
            customer_id=self.customer_id[rows],
            counts=self.counts.take(rows),
            spend=self.spend.take(rows),
            mean_factors=None if self.mean_factors is None else self.mean_factors[rows],
        )
        if "n_purchases" in self.__dict__:
            taken.__dict__["n_purchases"] = self.n_purchases[rows]
        return taken


def _alike(
    history: Int[np.ndarray, " customers"], form: Float[np.ndarray, " customers"]
) -> tuple[Int[np.ndarray, " groups"], Int[np.ndarray, " customers"]]:
    """The first customer of each pair of history and form, and each customer's group."""
    order = np.lexsort((form, history))
    new = np.ones(len(order), dtype=bool)
    new[1:] = (np.diff(history[order]) != 0) | (np.diff(form[order]) != 0)
    group = np.empty(len(order), dtype=np.int64)
    group[order] = np.cumsum(new) - 1
    return order[new], group


def _nth(
    cumulative: Float[np.ndarray, "rows counts"],
    row: Int[np.ndarray, " draws"],
    level: Float[np.ndarray, " draws"],
) -> Int[np.ndarray, " draws"]:
    """The smallest n at which each draw's row reaches its level; the last where none does."""
    n_rows, width = cumulative.shape
    # Rows one after the other make one rising sequence, so that one search serves all.
    rising = (np.minimum(cumulative, 1.0) + np.arange(n_rows)[:, None]).ravel()
    found = np.searchsorted(rising, row + level) - row * width
    return np.asarray(np.minimum(found, width - 1))


def _at(
    cumulative: Float[np.ndarray, "rows counts"], n: Float[np.ndarray, " rows"]
) -> Float[np.ndarray, " rows"]:
    last = cumulative.shape[1] - 1
    place = np.clip(n, 0, last).astype(np.int64)
    reached = np.where(n > last, 1.0, cumulative[np.arange(len(n)), place])
    return np.where(n < 0, 0.0, reached)
