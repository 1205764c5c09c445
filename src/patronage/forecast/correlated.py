"""CorrelatedForecast: cash where how often a customer buys and how much at a time go together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Final, final

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from patronage.errors import SettingsError
from patronage.forecast.base import AbstractForecast
from patronage.forecast.counts import AbstractCounts, count_blocks
from patronage.forecast.mixing import Part, mixed_cdf, mixed_quantile
from patronage.forecast.spend import AbstractSpend
from patronage.horizon import Horizon

__all__ = ["CorrelatedForecast"]

# After so many rounds of drawing what is left keeps its last proposal: below 1e-6 of draws.
_ROUNDS: Final = 40


@final
@dataclass(frozen=True)
class CorrelatedForecast(AbstractForecast):
    """A mixture of compound forecasts: count a with spend b has the weight `weights[:, a, b]`.

    Within each of the four, purchases and spend are independent. Weights sum to 1 and may be
    negative: what they mix is a distribution all the same (Sarmanov's, see
    `models.btyd.sarmanov`). Draws are exact for the total; how a drawn total falls on the periods
    is that of its own component.

    Attributes
    ----------
    counts, spends : the two purchase counts and the two gross spends of each customer
    weights : of each pair
    cash_ratio : net cash per gross money, above 0
    """

    customer_id: Shaped[np.ndarray, " customers"]
    as_of: date
    horizon: Horizon
    counts: tuple[AbstractCounts, AbstractCounts]
    spends: tuple[AbstractSpend, AbstractSpend]
    weights: Float[np.ndarray, "customers 2 2"]
    cash_ratio: float = 1.0
    mean_factors: Float[np.ndarray, "customers factors"] | None = None

    def __post_init__(self) -> None:
        if not (np.isfinite(self.cash_ratio) and self.cash_ratio > 0):
            raise SettingsError(
                f"cash_ratio is {self.cash_ratio}; it must be above 0.\n"
                "To mend: forecast these customers without correlation."
            )

    @cached_property
    def p_alive(self) -> Float[np.ndarray, " customers"]:  # type: ignore[override]
        """P(alive at as_of | history and spend)."""
        share = self.weights.sum(axis=2)
        alive = sum(share[:, a] * self.counts[a].p_alive for a in range(2))
        return np.asarray(np.clip(np.asarray(alive), 0.0, 1.0))

    @cached_property
    def n_purchases(self) -> Float[np.ndarray, "customers periods"]:  # type: ignore[override]
        """Expected purchases per period."""
        share = self.weights.sum(axis=2)
        return np.asarray(sum(share[:, a, None] * self._expected[a] for a in range(2)))

    @cached_property
    def _expected(self) -> list[Float[np.ndarray, "customers periods"]]:
        return [counts.mean(self.horizon.edges()) for counts in self.counts]

    def mean(self) -> Float[np.ndarray, "customers periods"]:
        per_count = [
            sum(self.weights[:, a, b] * self.spends[b].mean() for b in range(2)) for a in range(2)
        ]
        total = sum(np.asarray(per_count[a])[:, None] * self._expected[a] for a in range(2))
        return np.asarray(self.cash_ratio * total)

    def quantile(self, levels: Sequence[float]) -> Float[np.ndarray, "customers levels"]:
        found = np.zeros((self.n_customers, len(levels)))
        for rows, _, parts in self._blocks():
            for column, level in enumerate(levels):
                found[rows, column] = mixed_quantile(parts, float(level))
        return self.cash_ratio * found

    def cdf(
        self, total: Float[np.ndarray, " customers"]
    ) -> tuple[Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        gross = total / self.cash_ratio
        below, up_to = np.zeros_like(gross), np.zeros_like(gross)
        for rows, _, parts in self._blocks():
            none = sum(pmf[:, 0] for pmf, _ in parts)
            some = mixed_cdf(parts, gross[rows])
            below[rows] = some + none * (gross[rows] > 0)
            up_to[rows] = some + none * (gross[rows] >= 0)
        return np.clip(below, 0.0, 1.0), np.clip(up_to, 0.0, 1.0)

    def p_zero(self) -> Float[np.ndarray, " customers"]:
        share, days = self.weights.sum(axis=2), self.horizon.days
        none = sum(share[:, a] * self.counts[a].pmf(days, 0)[:, 0] for a in range(2))
        return np.asarray(np.clip(np.asarray(none), 0.0, 1.0))

    def sample(
        self, n_draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers periods"]:
        """By rejection: proposals come from the pairs of positive weight."""
        edges = self.horizon.edges()
        drawn = np.zeros((n_draws, self.n_customers, len(edges) - 1))
        waiting = np.ones(drawn.shape[:2], dtype=bool)
        for _ in range(_ROUNDS):
            rows = np.flatnonzero(waiting.any(axis=0))
            if len(rows) == 0:
                break
            part = self.take(rows)
            purchases, cash = part._proposed(n_draws, rng)
            accepted = waiting[:, rows] & part._accepted(purchases, cash.sum(axis=2), rng)
            # What is never accepted keeps its last proposal.
            use = waiting[:, rows]
            kept = drawn[:, rows]
            kept[use] = cash[use]
            drawn[:, rows] = kept
            waiting[:, rows] &= ~accepted
        return self.cash_ratio * drawn

    def survival(self) -> Float[np.ndarray, "customers periods"] | None:
        found = [counts.survival(self.horizon.edges()[:-1]) for counts in self.counts]
        if any(one is None for one in found):
            return None
        share = self.weights.sum(axis=2)
        mixed = sum(share[:, a, None] * np.asarray(found[a]) for a in range(2))
        return np.asarray(np.clip(np.asarray(mixed), 0.0, 1.0))

    def take(self, rows: slice | np.ndarray) -> "CorrelatedForecast":
        return replace(
            self,
            customer_id=self.customer_id[rows],
            counts=(self.counts[0].take(rows), self.counts[1].take(rows)),
            spends=(self.spends[0].take(rows), self.spends[1].take(rows)),
            weights=self.weights[rows],
            mean_factors=None if self.mean_factors is None else self.mean_factors[rows],
        )

    def _blocks(
        self,
    ) -> Iterator[
        tuple[Int[np.ndarray, " rows"], list[Float[np.ndarray, "rows counts"]], list[Part]]
    ]:
        """Rows, P(N = n) of both counts, and the shares of them that go with each spend."""
        for rows, pmf in count_blocks(self.counts[0], self.horizon.days):
            other = self.counts[1].take(rows).pmf(self.horizon.days, pmf.shape[1] - 1)
            weights = self.weights[rows]
            parts: list[Part] = [
                (weights[:, 0, b, None] * pmf + weights[:, 1, b, None] * other, spend.take(rows))
                for b, spend in enumerate(self.spends)
            ]
            yield rows, [pmf, other], parts

    def _proposed(
        self, n_draws: int, rng: np.random.Generator
    ) -> tuple[Int[np.ndarray, "draws customers"], Float[np.ndarray, "draws customers periods"]]:
        """Purchases in all, and money per period, from the pairs of positive weight."""
        positive = np.maximum(self.weights, 0.0).reshape(-1, 4)
        bounds = np.cumsum(positive / positive.sum(axis=1, keepdims=True), axis=1)
        pair = (rng.random((n_draws, self.n_customers, 1)) > bounds).sum(axis=2).clip(max=3)
        edges = self.horizon.edges()
        counts = self.counts[0].sample(edges, n_draws, rng)
        tilted = self.counts[1].sample(edges, n_draws, rng)
        counts = np.where((pair >= 2)[:, :, None], tilted, counts)
        cash = self.spends[0].sample_sums(counts, rng)
        other = self.spends[1].sample_sums(counts, rng)
        return counts.sum(axis=2), np.where((pair % 2 == 1)[:, :, None], other, cash)

    def _accepted(
        self,
        purchases: Int[np.ndarray, "draws customers"],
        money: Float[np.ndarray, "draws customers"],
        rng: np.random.Generator,
    ) -> Bool[np.ndarray, "draws customers"]:
        """With the probability that the mixture's density has of that of the proposals."""
        n_max = int(purchases.max(initial=0))
        pmfs = [counts.pmf(self.horizon.days, n_max) for counts in self.counts]
        customer = np.broadcast_to(np.arange(self.n_customers), purchases.shape)
        density = np.ones((2, *purchases.shape))
        for n in np.unique(purchases[purchases > 0]):
            where = purchases == n
            for b, spend in enumerate(self.spends):
                density[b][where] = spend.take(customer[where]).sum_pdf(int(n), money[where])
        mass = np.stack([pmf[customer, purchases] for pmf in pmfs])
        whole = np.einsum("cab,adc,bdc->dc", self.weights, mass, density)
        positive = np.einsum("cab,adc,bdc->dc", np.maximum(self.weights, 0.0), mass, density)
        return np.asarray(rng.random(purchases.shape) * positive <= whole)
