"""Weighing: sums over judged rows, once as they are or under many resamplings of customers.

A metric is written once, as a formula over these sums. With all weights 1 the sums are exact;
under a bootstrap there are as many columns as draws, and ranks are cut into bins of neighbours.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_array

from patronage.evaluate.judged import Judged

__all__ = ["ROUNDING", "Concentration", "Weighing"]

ROUNDING = 1e-9
"""A sum below this share of its terms is nothing but rounding."""


@dataclass(frozen=True)
class Concentration:
    """Running totals from the best-ranked group of equals to the worst, beginning at 0.

    Within a group of equals everything is shared evenly, so no row order leaks in.
    """

    weight: Float[np.ndarray, "groups_1 draws"]
    outcome: Float[np.ndarray, "groups_1 draws"]
    forecast: Float[np.ndarray, "groups_1 draws"]

    def gini(self) -> Float[np.ndarray, " draws"]:
        """Twice the area between the share of outcome found and the diagonal; 0 without outcome."""
        total = self.total()
        heights = (self.outcome[1:] + self.outcome[:-1]) / 2
        area = (heights * np.diff(self.weight, axis=0)).sum(axis=0) / self.weight[-1]
        return np.where(total > 0, 2 * area / np.where(total > 0, total, 1.0) - 1, 0.0)

    def total(self) -> Float[np.ndarray, " draws"]:
        """Sum of all outcomes; 0 where gains and refunds cancel but for rounding."""
        total = self.outcome[-1]
        return np.where(np.abs(total) > ROUNDING * np.abs(self.outcome).max(axis=0), total, 0.0)

    def at(
        self, shares: Float[np.ndarray, " shares"]
    ) -> tuple[Float[np.ndarray, "shares draws"], Float[np.ndarray, "shares draws"]]:
        """Outcome and forecast among the best-ranked shares of the customers."""
        columns = range(self.weight.shape[1])
        outcome, forecast = (
            np.column_stack(
                [
                    np.interp(shares * self.weight[-1, k], self.weight[:, k], totals[:, k])
                    for k in columns
                ]
            )
            for totals in (self.outcome, self.forecast)
        )
        return outcome, forecast


@dataclass(frozen=True)
class Weighing:
    """Judged rows, and how often each customer counts.

    Attributes
    ----------
    rows : the judged rows
    weights : times each customer counts; a column per draw, each of which sums to the customers.
        Sums are taken in their precision: single for resamplings, whose noise is far above it
    max_groups : ranks are cut into at most so many bins (None: one per distinct value)
    foresight : `by_outcome`, where other rows of the same outcomes and weights have it already
    """

    rows: Judged
    weights: Float[np.ndarray, "customers draws"]
    max_groups: int | None = None
    foresight: Concentration | None = None

    @classmethod
    def exact(cls, rows: Judged) -> "Weighing":
        """Every row counts once."""
        return cls(rows, np.ones((int(rows.customer.max(initial=-1)) + 1, 1)))

    def means(
        self, columns: Float[np.ndarray, "columns rows"]
    ) -> Float[np.ndarray, "columns draws"]:
        """Weighted means over the rows."""
        n = len(self.weights)
        # Why: one matrix product over customers, however many origins each of them has.
        stacked = np.vstack([columns, np.ones(len(self.rows.customer))])
        folded = np.vstack([np.bincount(self.rows.customer, column, n) for column in stacked])
        sums = self._precise(folded.astype(self.weights.dtype) @ self.weights)
        return np.asarray(sums[:-1] / sums[-1])

    def sums(
        self,
        group: Int[np.ndarray, " rows"],
        n_groups: int,
        values: Float[np.ndarray, " rows"] | None = None,
    ) -> Float[np.ndarray, "groups draws"]:
        """Weighted sums of values (default: ones) by group."""
        customer, shape = self.rows.customer, (n_groups, len(self.weights))
        if values is None:
            values = np.ones(len(group))
        else:
            # Why: most customers spend nothing, and each entry costs a row of all draws.
            some = np.flatnonzero(values)
            group, customer, values = group[some], customer[some], values[some]
        matrix = csr_array((values.astype(self.weights.dtype), (group, customer)), shape)
        return self._precise(matrix @ self.weights)

    @staticmethod
    def _precise(sums: Float[np.ndarray, "any draws"]) -> Float[np.ndarray, "any draws"]:
        return np.asarray(sums, dtype=np.float64)

    def groups(
        self, key: Float[np.ndarray, " rows"], at_most: int | None = None
    ) -> tuple[Int[np.ndarray, " rows"], int]:
        """Number of each row's group when rows fall in groups of equal key, largest key first."""
        limit = self.max_groups if at_most is None or self.max_groups is None else at_most
        order = np.argsort(-key, kind="stable")
        new = np.diff(key[order], prepend=np.inf) != 0
        ranked = np.cumsum(new) - 1
        n = len(key)
        if limit is not None and n and ranked[-1] >= limit:
            # Neighbouring groups share a bin of about n / limit rows, by the middle of each: equals
            # are never parted, and a large group (those of outcome 0) never takes in a neighbour.
            first = np.flatnonzero(new)
            middle = (first + np.append(first[1:], n))[ranked]
            _, ranked = np.unique(middle * limit // (2 * n), return_inverse=True)
        group = np.empty(n, np.int64)
        group[order] = ranked
        return group, int(ranked[-1]) + 1 if n else 0

    def concentration(self, key: Float[np.ndarray, " rows"]) -> Concentration:
        """Running totals from the largest key to the smallest."""
        group, n = self.groups(key)
        return Concentration(
            *(
                np.vstack([np.zeros((1, self.weights.shape[1])), self.sums(group, n, v).cumsum(0)])
                for v in (None, self.rows.outcome, self.rows.forecast)
            )
        )

    @cached_property
    def by_forecast(self) -> Concentration:
        """The rows from the largest forecast to the smallest."""
        return self.concentration(self.rows.forecast)

    @cached_property
    def by_outcome(self) -> Concentration:
        """The rows from the largest outcome to the smallest: what perfect foresight finds."""
        if self.foresight is not None:
            return self.foresight
        return self.concentration(self.rows.outcome)
