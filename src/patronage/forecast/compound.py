"""CompoundForecast: a random number of purchases times a spend whose level is not known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import final

import numpy as np
from jaxtyping import Float, Shaped

from patronage.errors import SettingsError
from patronage.forecast.base import AbstractForecast
from patronage.forecast.counts import AbstractCounts, count_blocks
from patronage.forecast.inversion import invert_cdf
from patronage.forecast.spend import AbstractSpend
from patronage.forecast.thinning import thin_counts
from patronage.horizon import Horizon

__all__ = ["CompoundForecast"]


@final
@dataclass(frozen=True)
class CompoundForecast(AbstractForecast):
    """Cash = cash_ratio × the sum of N spends, N and the spends independent given the history.

    The distribution of the total is Σ_n P(N = n) P(sum of n spends <= total), not draws. Counts
    above 32 are taken in groups about sqrt(n) / 2 wide, each by two points with the group's mean
    and variance: the error of a probability stays below 2e-5 (tested). P(N = n) is cut off where
    less than 1e-10 is left.

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
        whole = np.array([0.0, self.horizon.days])
        counts = self.counts.sample(whole, n_draws, rng)
        return np.asarray(self.cash_ratio * self.spend.sample_sums(counts, rng)[:, :, 0])

    def survival(self) -> Float[np.ndarray, "customers periods"] | None:
        return self.counts.survival(self.horizon.edges()[:-1])

    def quantile(self, levels: Sequence[float]) -> Float[np.ndarray, "customers levels"]:
        asked = np.asarray(levels, dtype=float)
        found = np.zeros((self.n_customers, len(asked)))
        if self.cash_ratio == 0.0:
            return found
        # Money to be paid back mirrors the distribution of the gross money.
        gross = asked if self.cash_ratio > 0 else 1.0 - asked
        for rows, pmf in count_blocks(self.counts, self.horizon.days):
            spend = self.spend.take(rows)
            if spend.lattice is not None:
                at = (np.cumsum(pmf, axis=1)[:, :, None] < gross - 1e-12).sum(axis=1)
                found[rows] = spend.lattice * np.minimum(at, pmf.shape[1] - 1)
                continue
            for column, level in enumerate(gross):
                found[rows, column] = _block_quantile(pmf, spend, float(level))
        return np.asarray(self.cash_ratio * found) + 0.0

    def cdf(
        self, total: Float[np.ndarray, " customers"]
    ) -> tuple[Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        if self.cash_ratio == 0.0:
            return (total > 0).astype(float), (total >= 0).astype(float)
        gross = total / self.cash_ratio
        below, up_to = np.zeros(self.n_customers), np.zeros(self.n_customers)
        for rows, pmf in count_blocks(self.counts, self.horizon.days):
            spend, money = self.spend.take(rows), gross[rows]
            if spend.lattice is not None:
                cumulative = np.cumsum(pmf, axis=1)
                steps = money / spend.lattice
                up_to[rows] = _at(cumulative, np.floor(steps + 1e-9))
                below[rows] = _at(cumulative, np.ceil(steps - 1e-9) - 1)
                continue
            inside = np.where(money > 0, _mixture(pmf, spend.sum_cdf, money), 0.0)
            up_to[rows] = np.where(money >= 0, pmf[:, 0] + inside, 0.0)
            below[rows] = np.where(money > 0, up_to[rows], 0.0)
        below, up_to = np.minimum(below, 1.0), np.minimum(up_to, 1.0)
        return (below, up_to) if self.cash_ratio > 0 else (1.0 - up_to, 1.0 - below)

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


def _mixture(
    pmf: Float[np.ndarray, "rows counts"],
    part: Callable[[float, Float[np.ndarray, " rows"]], Float[np.ndarray, " rows"]],
    money: Float[np.ndarray, " rows"],
) -> Float[np.ndarray, " rows"]:
    """Σ_{n >= 1} P(N = n) part(n, money)."""
    found = np.zeros(len(pmf))
    for n, mass in thin_counts(pmf):
        found += mass * part(n, money)
    return found


def _block_quantile(
    pmf: Float[np.ndarray, "rows counts"], spend: AbstractSpend, level: float
) -> Float[np.ndarray, " rows"]:
    """Quantile of the gross total: 0 where P(no purchase) reaches the level."""
    found = np.zeros(len(pmf))
    rows = np.flatnonzero(pmf[:, 0] < level)
    if len(rows) == 0:
        return found
    if level >= 1.0:
        found[rows] = np.inf
        return found
    pmf, spend = pmf[rows], spend.take(rows)
    points = thin_counts(pmf)
    any_at_all = 1.0 - pmf[:, 0]
    n_if_any = (pmf @ np.arange(pmf.shape[1])) / np.maximum(any_at_all, 1e-300)

    def both(
        money: Float[np.ndarray, " some"], which: Shaped[np.ndarray, " some"]
    ) -> tuple[Float[np.ndarray, " some"], Float[np.ndarray, " some"]]:
        some = spend.take(which)
        reached, density = pmf[which, 0], np.zeros(len(which))
        for n, mass in points:
            share = mass[which]
            reached = reached + share * some.sum_cdf(n, money)
            density += share * some.sum_pdf(n, money)
        return reached, density

    found[rows] = invert_cdf(both, np.full(len(rows), level), guess=spend.mean() * n_if_any)
    return found


def _at(
    cumulative: Float[np.ndarray, "rows counts"], n: Float[np.ndarray, " rows"]
) -> Float[np.ndarray, " rows"]:
    last = cumulative.shape[1] - 1
    place = np.clip(n, 0, last).astype(np.int64)
    reached = np.where(n > last, 1.0, cumulative[np.arange(len(n)), place])
    return np.where(n < 0, 0.0, reached)
