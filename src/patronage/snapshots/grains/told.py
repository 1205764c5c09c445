"""Aggregates over all the days before as_of, read off a timeline."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import polars as pl
from jaxtyping import Bool, Int

from patronage.engines import decimal_column
from patronage.snapshots.grains.lookback import Lookback

__all__ = ["TOLD"]

# One of each customer, or nothing.
_Places = tuple[Int[np.ndarray, " customers"], Bool[np.ndarray, " customers"]]


def _first(back: Lookback) -> _Places:
    return back.first, np.ones(len(back.first), bool)


def _last(back: Lookback) -> _Places:
    return back.end - 1, np.ones(len(back.first), bool)


def _first_listed(back: Lookback, name: str) -> _Places:
    low, high = back.listed(name)
    return _values(back.arrays[f"at_{name}"], (low, low < high)), low < high


def _last_listed(back: Lookback, name: str) -> _Places:
    low, high = back.listed(name)
    return _values(back.arrays[f"at_{name}"], (high - 1, low < high)), low < high


def _values(array: np.ndarray, places: _Places) -> np.ndarray:
    """What is at the places; anything where there is none."""
    at, there = places
    if there.all():
        return array.take(at)
    return array.take(np.where(there, at, 0)) if len(array) else np.zeros(len(at), array.dtype)


def _nullable(values: np.ndarray | pl.Series, there: Bool[np.ndarray, " customers"]) -> pl.Series:
    found = values if isinstance(values, pl.Series) else pl.Series(values)
    return found if there.all() else pl.select(pl.when(pl.Series(there)).then(found)).to_series()


def _day(back: Lookback, places: _Places) -> pl.Series:
    found = _values(back.arrays["day"], places).astype(np.int32)
    return _nullable(found, places[1]).cast(pl.Date)


def _instant(back: Lookback, places: _Places) -> pl.Series:
    found = _values(back.arrays["first_time"], places)
    return _nullable(found, places[1]).cast(pl.Datetime("us"))


def _spent(back: Lookback, places: _Places) -> pl.Series:
    rows, there = places
    spent = back.arrays["spent"]
    units = _values(spent, (rows + 1, there)) - _values(spent, places)
    return _nullable(decimal_column(units, 18, 4), there)


def _total(back: Lookback, column: str) -> np.ndarray:
    sums = back.arrays[column]
    # Why widened last: the sums wrap around, their difference does not.
    return np.asarray(sums.take(back.end) - sums.take(back.first)).astype(np.int64)


def _sum(back: Lookback, column: str) -> pl.Series:
    return decimal_column(_total(back, column), 38, 4)


def _count(back: Lookback, name: str) -> pl.Series:
    return pl.Series(_total(back, name))


def _mean(total: np.ndarray, n: np.ndarray, *, scale: int = 1) -> pl.Series:
    """Divided once, in the widest floats there are, as DuckDB does."""
    there = n > 0
    exact = total.astype(np.longdouble) / (np.where(there, n, 1) * np.longdouble(scale))
    return _nullable(exact.astype(np.float64), there)


def _mean_gap(back: Lookback) -> pl.Series:
    first, there = _first_listed(back, "buying_days")
    last, _ = _last_listed(back, "buying_days")
    day = back.arrays["day"]
    total = _values(day, (last, there)).astype(np.int64) - _values(day, (first, there))
    return _mean(total, _n_gaps(back))


def _n_gaps(back: Lookback) -> np.ndarray:
    low, high = back.listed("buying_days")
    return np.asarray(np.maximum(high - low - 1, 0))


def _mean_spent(back: Lookback) -> pl.Series:
    low, high = back.listed("buying_days")
    spent = back.arrays["buying_spent"]
    return _mean(spent.take(high) - spent.take(low), high - low, scale=10_000)


def _gap(back: Lookback, *, last: bool) -> pl.Series:
    low, high = back.listed("buying_days")
    there = high > low + 1
    found = _values(back.arrays["gap"], (high - 1 if last else low + 1, there))
    return _nullable(found.astype(np.int64), there)


def _sd_gap(back: Lookback) -> pl.Series:
    low, high = back.listed("buying_days")
    there = high > low + 1
    return _nullable(_values(back.arrays["sd_gap"], (high - 1, there)), there).fill_nan(None)


def _extreme_gap(back: Lookback, extreme: np.ufunc) -> pl.Series:
    low, high = back.listed("buying_days")
    there = high > low + 1
    found = _extreme(back.arrays["gap"], low + 1, high, there, extreme)
    return _nullable(found.astype(np.int64), there)


def _max_spent(back: Lookback) -> pl.Series:
    # On any other day nothing was spent.
    low, high = back.listed("buying_days")
    values = np.diff(back.arrays["buying_spent"])
    found = _extreme(values, low, high, low < high, np.maximum)
    return decimal_column(found.astype(np.int64), 18, 4)


def _extreme(
    values: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    there: Bool[np.ndarray, " customers"],
    extreme: np.ufunc,
) -> np.ndarray:
    """The least or largest value between two edges; 0 where there is none."""
    found = np.zeros(len(low), values.dtype)
    edges = np.stack([low[there], high[there]], axis=1).ravel()
    if len(edges):
        # Why one more: the last edge lies behind the last value.
        found[there] = extreme.reduceat(np.append(values, values[:1]), edges)[::2]
    return found


_COUNTED: Final = "FILTER (spent > 0)"
_BOUGHT: Final = "FILTER (purchases > 0)"

# Aggregate over the grains `days` and `activity` → the same of a timeline up to as_of.
TOLD: Final[Mapping[str, Callable[[Lookback], Any]]] = {
    "min(event_day)": lambda back: _day(back, _first(back)),
    f"min(event_day) {_BOUGHT}": lambda back: _day(back, _first_listed(back, "purchase_days")),
    f"max(event_day) {_COUNTED}": lambda back: _day(back, _last_listed(back, "buying_days")),
    "min(first_time)": lambda back: _instant(back, _first_listed(back, "purchase_days")),
    f"max(first_time) {_COUNTED}": lambda back: _instant(back, _last_listed(back, "buying_days")),
    "arg_min(spent, event_day)": lambda back: _spent(back, _first(back)),
    f"arg_min(spent, event_day) {_BOUGHT}": lambda back: _spent(
        back, _first_listed(back, "purchase_days")
    ),
    f"arg_max(spent, event_day) {_COUNTED}": lambda back: _spent(
        back, _last_listed(back, "buying_days")
    ),
    "sum(spent)": lambda back: _sum(back, "spent"),
    "sum(cash)": lambda back: _sum(back, "cash"),
    "max(spent)": _max_spent,
    f"avg(spent) {_COUNTED}": _mean_spent,
    f"count(*) {_COUNTED}": lambda back: _count(back, "buying_days"),
    "count(*) FILTER (cash < spent)": lambda back: _count(back, "refund_days"),
    "avg(gap)": _mean_gap,
    "stddev_samp(gap)": _sd_gap,
    "min(gap)": lambda back: _extreme_gap(back, np.minimum),
    "max(gap)": lambda back: _extreme_gap(back, np.maximum),
    "arg_min(gap, event_day) FILTER (gap IS NOT NULL)": lambda back: _gap(back, last=False),
    f"arg_max(gap, event_day) {_COUNTED}": lambda back: _gap(back, last=True),
    "count(gap)": lambda back: pl.Series(_n_gaps(back)),
    "max(event_day) FILTER (events > 0)": lambda back: _day(back, _last(back)),
    "count(*)": lambda back: pl.Series(back.end - back.first),
    "sum(events)": lambda back: pl.Series(_total(back, "events")),
}
