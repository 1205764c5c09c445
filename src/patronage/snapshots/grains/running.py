"""Sums over windows of days from running sums: a difference at two edges, however many windows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Int, Shaped

from patronage.snapshots.grains.written import edges

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
    """One row per customer with a day before as_of, with a column of integers for each sum.

    Parameters
    ----------
    rows : customer_id, event_day and columns of integers, sorted by customer and day, a row for
        each day
    days_of : name → columns of which one must be above 0 for the day to count as one
    """
    ids = rows["customer_id"]
    first = edges(ids)
    end = np.append(first[1:], len(rows))[: len(first)]
    back = (pl.lit(as_of) - pl.col("event_day")).dt.total_days()
    age = rows.select(back.cast(pl.Int32)).to_series().to_numpy()

    def edge(days: int) -> Int[np.ndarray, " customers"]:
        """Where the last days of each customer begin: they are in order."""
        n_within = _running(age <= days)
        return np.asarray(end - (n_within[end] - n_within[first]))

    is_known = edge(0) > first
    first, end = first[is_known], end[is_known]
    wanted = sorted(asked)
    bounds = {days for one in wanted for days in (one.days, one.after)}
    starts = {days: edge(days) for days in bounds}
    sums: dict[str, Any] = {"customer_id": ids.gather(first)}
    for column, group in groupby(wanted, key=lambda one: one.column):
        running = _running(_values(rows, days_of.get(column, ()), column))
        for one in group:
            sums[one.name] = running[starts[one.after]] - running[starts[one.days]]
    return pl.DataFrame(sums)


def _values(rows: pl.DataFrame, any_of: tuple[str, ...], column: str) -> Shaped[np.ndarray, " n"]:
    if not any_of:
        return rows[column].to_numpy()
    return rows.select(pl.any_horizontal(pl.col(one) > 0 for one in any_of)).to_series().to_numpy()


def _running(values: Shaped[np.ndarray, " n"]) -> Int[np.ndarray, " n+1"]:
    """The sum of all values before each edge; differences stay exact where it wraps around."""
    sums = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=sums[1:])
    return sums
