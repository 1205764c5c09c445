"""AbstractCounts: the distribution of each customer's purchases from as_of on."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from jaxtyping import Float, Int, Shaped

from patronage.errors import SettingsError
from patronage.forecast.discounted import bracketed, discount_per_day, no_finite_sum
from patronage.forecast.next_purchase import FAR_DAYS, quantiles_of_time

__all__ = ["AbstractCounts", "count_blocks", "levels_between"]

_ROWS: Final = 4096


class AbstractCounts(ABC):
    """Purchases of independent customers after as_of, given what is known of each.

    A final form holds the posterior of each customer's latent rates, usually by the customer's
    history and the population's parameters. Time is in days from as_of.

    `p_alive`, `mean`, `pmf`, `sample` and `take` are a model's own; everything else follows from
    them, and is overridden where a model has a formula of its own.
    """

    @property
    @abstractmethod
    def p_alive(self) -> Float[np.ndarray, " customers"]:
        """P(the customer has not dropped out by as_of | history)."""

    @property
    def n_customers(self) -> int:
        """Number of customers."""
        return len(self.p_alive)

    @abstractmethod
    def mean(self, edges: Float[np.ndarray, " edges"]) -> Float[np.ndarray, "customers periods"]:
        """Expected purchases between neighbouring `edges` (days from as_of, rising, from 0)."""

    @abstractmethod
    def pmf(self, days: float, n_max: int) -> Float[np.ndarray, "customers counts"]:
        """P(N = n) of the purchases in [0, days), n = 0 … n_max; what is missing to 1 is beyond."""

    @abstractmethod
    def sample(
        self, edges: Float[np.ndarray, " edges"], n_draws: int, rng: np.random.Generator
    ) -> Int[np.ndarray, "draws customers periods"]:
        """Joint draws of the purchases between neighbouring `edges`."""

    def survival(
        self, days: Float[np.ndarray, " times"]
    ) -> Float[np.ndarray, "customers times"] | None:
        """P(alive at as_of + days | history); None where there is no such notion."""
        del days
        return None

    def p_active(self, days: Float[np.ndarray, " times"]) -> Float[np.ndarray, "customers times"]:
        """P(a purchase in [0, days)): that the next purchase comes by then."""
        none = [self.pmf(float(until), 0)[:, 0] for until in days]
        return 1.0 - np.stack(none, axis=1) if none else np.empty((self.n_customers, 0))

    @property
    def p_never(self) -> Float[np.ndarray, " customers"]:
        """P(no purchase ever again); here: none in a million days."""
        return 1.0 - self.p_active(np.array([FAR_DAYS]))[:, 0]

    def next_purchase(self, levels: Sequence[float]) -> Float[np.ndarray, "customers levels"]:
        """Quantiles of the days until the next purchase; infinite above 1 − p_never."""
        asked = levels_between(levels)
        found = np.empty((self.n_customers, len(asked)))
        for start in range(0, len(found), _ROWS):
            rows = slice(start, start + _ROWS)
            found[rows] = quantiles_of_time(self.take(rows).p_active, asked)
        return found

    def quantile(self, days: float, levels: Sequence[float]) -> Int[np.ndarray, "customers levels"]:
        """Quantiles of the purchases in [0, days): the least n with P(N <= n) >= level."""
        asked = np.array(levels_between(levels))
        found = np.zeros((self.n_customers, len(asked)), dtype=np.int64)
        for rows, pmf in count_blocks(self, days):
            cumulative = np.cumsum(pmf, axis=1)
            for column, level in enumerate(asked):
                at = (cumulative < level - 1e-12).sum(axis=1)
                found[rows, column] = np.minimum(at, pmf.shape[1] - 1)
        return found

    def dert(
        self, annual_discount_rate: float, *, days: float = np.inf, tolerance: float = 1e-4
    ) -> Float[np.ndarray, " customers"]:
        """Discounted expected purchases in [0, days), discounted continuously.

        Here between bounds (`forecast.discounted`); most models have a formula, right to 1e-8.

        Parameters
        ----------
        annual_discount_rate : effective, 0 or more
        days : may be infinite
        tolerance : largest error, as a share of each value

        Raises
        ------
        SettingsError : a rate below 0; or a sum that is not finite
        """
        delta = discount_per_day(annual_discount_rate)
        if not days > 0.0:
            raise SettingsError(f"a horizon of {days} days.\nTo mend: give days above 0.")
        if delta > 0.0:
            return self._discounted(delta, float(days), tolerance)
        return self.mean(np.array([0.0, days]))[:, 0] if np.isfinite(days) else self._lifetime()

    def _discounted(
        self, delta: float, days: float, tolerance: float
    ) -> Float[np.ndarray, " customers"]:
        """DERT at a δ a day above 0; `days` may be infinite."""
        return bracketed(self, delta, days, tolerance)

    def _lifetime(self) -> Float[np.ndarray, " customers"]:
        """Purchases expected of the whole lifetime ahead; SettingsError where infinite."""
        raise no_finite_sum(f"{type(self).__name__} has no formula for it")

    def compacted(self) -> tuple["AbstractCounts", Int[np.ndarray, " customers"]]:
        """Counts of fewer customers, and which of them each customer is like."""
        return self, np.arange(self.n_customers)

    @abstractmethod
    def take(self, rows: slice | Shaped[np.ndarray, " rows"]) -> "AbstractCounts":
        """The same for some of the customers."""


def count_blocks(
    counts: AbstractCounts, days: float, *, tail: float = 1e-10, block: int = 1024
) -> Iterator[tuple[Int[np.ndarray, " rows"], Float[np.ndarray, "rows counts"]]]:
    """Rows and their P(N = n) over [0, days), few customers at a time, each customer once.

    Customers of like expectation share a block and so a largest n, beyond which each of them has
    less than `tail`: heavy buyers do not cost everybody. An n_max of 100,000 is never passed.
    """
    alive = np.maximum(counts.p_alive, 1e-300)
    if_alive = counts.mean(np.array([0.0, days]))[:, 0] / alive
    order = np.argsort(if_alive, kind="stable")
    n_max, start = 8, 0
    while start < len(order):
        # Why: a block of probabilities stays below 16 MiB however many purchases are expected.
        rows = order[start : start + max(1, min(block, 2_000_000 // n_max))]
        start += len(rows)
        part = counts.take(rows)
        while True:
            pmf = part.pmf(days, n_max)
            beyond = 1.0 - np.cumsum(pmf, axis=1)
            enough = np.flatnonzero(beyond.max(axis=0) <= tail)
            if len(enough) or n_max >= 100_000:
                break
            n_max = min(2 * n_max, 100_000)
        if len(enough):
            pmf = pmf[:, : enough[0] + 1]
        yield rows, pmf


def levels_between(levels: Sequence[float]) -> list[float]:
    """The levels as numbers, each above 0 and below 1."""
    asked = [float(level) for level in levels]
    if not all(0.0 < level < 1.0 for level in asked):
        raise SettingsError(
            f"levels lie between 0 and 1; {asked} given.\nTo mend: write 90 percent as 0.9."
        )
    return asked
