"""AbstractCounts: the distribution of each customer's purchases from as_of on."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int, Shaped

__all__ = ["AbstractCounts", "count_blocks"]


class AbstractCounts(ABC):
    """Purchases of independent customers after as_of, given what is known of each.

    A final form holds the posterior of each customer's latent rates, usually by the customer's
    history and the population's parameters. Time is in days from as_of.
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
