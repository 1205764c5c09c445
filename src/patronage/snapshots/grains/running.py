"""Sums over windows of days from running sums: a difference at two edges, however many windows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Int

__all__ = ["Within", "sums_within"]


@dataclass(frozen=True, order=True)
class Within:
    """The sum of a column over the last `days` days without the last `after` of them."""

    column: str
    days: int
    after: int

    @property
    def name(self) -> str:
        """The column that holds it."""
        return f"{self.column}_{self.days}_without_{self.after}"


def sums_within(
    rows: pl.DataFrame,
    as_of: date,
    asked: Iterable[Within],
    days_of: Mapping[str, tuple[str, ...]],
) -> pl.DataFrame:
    """One row per customer, with a column of integers for each sum.

    Parameters
    ----------
    rows : customer_id, event_day and columns of integers, sorted by customer and day, a row for
        each day; all days lie before as_of
    days_of : name → columns of which one must be above 0 for the day to count as one
    """
    ids = rows["customer_id"]
    first = np.flatnonzero((ids != ids.shift()).fill_null(value=True).to_numpy())
    end = np.append(first[1:], len(rows))[: len(first)]
    back = (pl.lit(as_of) - pl.col("event_day")).dt.total_days()
    age = rows.select(back.cast(pl.Int32)).to_series().to_numpy()
    # Days are in order: those of a window are the last of their customer.
    edge = {0: end}
    sums: dict[str, Any] = {"customer_id": ids.gather(first)}
    running, of = np.zeros(0, np.int64), ""
    for sum_ in sorted(asked):
        if sum_.column != of:
            of = sum_.column
            running = _running(_values(rows, days_of.get(of, ()), of))
        for bound in (sum_.days, sum_.after):
            if bound not in edge:
                n_within = _running(age <= bound)
                edge[bound] = end - (n_within[end] - n_within[first])
        sums[sum_.name] = running[edge[sum_.after]] - running[edge[sum_.days]]
    return pl.DataFrame(sums)


def _values(rows: pl.DataFrame, any_of: tuple[str, ...], column: str) -> np.ndarray:
    if not any_of:
        return rows[column].to_numpy()
    return rows.select(pl.any_horizontal(pl.col(one) > 0 for one in any_of)).to_series().to_numpy()


def _running(values: np.ndarray) -> Int[np.ndarray, " n+1"]:
    """The sum of all values before each edge; differences stay exact where it wraps around."""
    sums = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=sums[1:])
    return sums
