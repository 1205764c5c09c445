"""Buckets of customers by their chance of nothing and their tenure; a table of one's own each."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int

__all__ = ["Buckets", "learn_buckets"]

_ZERO_PARTS: Final = 4
_TENURE_PARTS: Final = 3
# Why: the last bits of a probability depend on who was forecast together.
_DIGITS: Final = 9


@dataclass(frozen=True)
class Buckets:
    """A grid of P(zero) by tenure, whose cells share a bucket where they are small.

    Attributes
    ----------
    zero_edges : P(cash <= 0) at which a row of the grid ends
    tenure_edges : days since the first purchase at which a column ends
    number : the bucket of each cell
    sizes : rows that each bucket was learned from
    """

    zero_edges: Float[np.ndarray, " zeros"]
    tenure_edges: Float[np.ndarray, " tenures"]
    number: Int[np.ndarray, "rows columns"]
    sizes: Int[np.ndarray, " buckets"]

    def of(
        self, p_zero: Float[np.ndarray, " customers"], tenure: Float[np.ndarray, " customers"]
    ) -> Int[np.ndarray, " customers"]:
        """The bucket of each customer; nobody's outcome has a say in it."""
        row = np.searchsorted(self.zero_edges, np.round(p_zero, _DIGITS))
        column = np.searchsorted(self.tenure_edges, tenure)
        return np.asarray(self.number[row, column])


def learn_buckets(
    p_zero: Float[np.ndarray, " rows"], tenure: Float[np.ndarray, " rows"], *, least: int
) -> Buckets:
    """Cut at quarters of P(zero) and thirds of tenure, as far as all parts have `least` rows.

    Rows of the grid that are too small are joined with their neighbour; one that cannot be cut by
    tenure with `least` in each part is one bucket. With few customers there is one bucket in all.
    """
    told = np.round(p_zero, _DIGITS)
    zero_edges = _edges(told, _ZERO_PARTS, least)
    tenure_edges = np.unique(np.quantile(tenure, np.arange(1, _TENURE_PARTS) / _TENURE_PARTS))
    row = np.searchsorted(zero_edges, told)
    column = np.searchsorted(tenure_edges, tenure)
    counts = np.zeros((len(zero_edges) + 1, len(tenure_edges) + 1), dtype=np.int64)
    np.add.at(counts, (row, column), 1)
    number = np.zeros_like(counts)
    sizes: list[int] = []
    for place, cells in enumerate(counts):
        apart = bool((cells >= least).all())
        number[place] = len(sizes) + (np.arange(len(cells)) if apart else 0)
        sizes += cells.tolist() if apart else [int(cells.sum())]
    return Buckets(zero_edges, tenure_edges, number, np.array(sizes))


def _edges(
    values: Float[np.ndarray, " rows"], n_parts: int, least: int
) -> Float[np.ndarray, " edges"]:
    """Quantiles that leave at least so many values between them."""
    edges = np.unique(np.quantile(values, np.arange(1, n_parts) / n_parts, method="lower"))
    while len(edges):
        counts = np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1)
        small = int(counts.argmin())
        if counts[small] >= least:
            break
        # Join the smallest part with the smaller of its neighbours.
        left = small > 0 and (small == len(edges) or counts[small - 1] <= counts[small + 1])
        edges = np.delete(edges, small - 1 if left else small)
    return np.asarray(edges, dtype=float)
