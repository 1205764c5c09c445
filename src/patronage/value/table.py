"""The table behind a CLV: period by period, for one customer, a group or all."""

from collections.abc import Iterable
from datetime import timedelta

import numpy as np
import polars as pl
from jaxtyping import Shaped

from patronage.forecast import AbstractForecast
from patronage.value.discounting import discount_factors
from patronage.value.economics import Economics

__all__ = ["sum_value_tables", "value_table"]

_SUMS = ("expected_purchases", "expected_cash", "present_value", "n_customers")


def value_table(
    forecast: AbstractForecast,
    economics: Economics,
    rows: slice | Shaped[np.ndarray, " rows"] | None = None,
) -> pl.DataFrame:
    """A row per period; `present_value` sums to the CLV of the customers in `rows` (all: None).

    Columns: period (from 1), start, end (dates; end exclusive), p_alive (mean over the customers
    at the period's start; null where the model has no such notion), expected_purchases (null where
    unknown), expected_cash (undiscounted), margin (weighted by cash), discount_factor,
    present_value, n_customers. present_value = expected_cash × margin × discount_factor.
    """
    if rows is not None:
        forecast, economics = forecast.take(rows), economics.take(rows)
    cash = forecast.mean()
    factors = discount_factors(
        forecast.horizon, economics.annual_discount_rate, timing=economics.timing
    )
    margins = economics.per_customer_margin(forecast.n_customers)
    earned, total = margins @ cash, cash.sum(axis=0)
    usual = float(margins.mean()) if forecast.n_customers else 0.0
    alive, n = forecast.survival(), forecast.n_purchases
    periods = forecast.horizon.n_periods
    days = np.rint(forecast.horizon.edges()).astype(int).tolist()
    missing = pl.Series([None] * periods, dtype=pl.Float64)
    return pl.DataFrame(
        {
            "period": np.arange(1, periods + 1),
            "start": [forecast.as_of + timedelta(days=day) for day in days[:-1]],
            "end": [forecast.as_of + timedelta(days=day) for day in days[1:]],
            "p_alive": missing if alive is None else alive.mean(axis=0),
            "expected_purchases": missing if n is None else n.sum(axis=0),
            "expected_cash": total,
            "margin": _margin(earned, total, usual),
            "discount_factor": factors,
            "present_value": earned * factors,
            "n_customers": np.full(periods, forecast.n_customers),
        }
    )


def sum_value_tables(tables: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """One table from those of several groups of customers with the same periods: of chunks."""
    parts = list(tables)
    first = parts[0]
    sums = {name: sum(part[name] for part in parts[1:]) + first[name] for name in _SUMS}
    people = sums["n_customers"]
    alive = first["p_alive"] * first["n_customers"]
    for part in parts[1:]:
        alive = alive + part["p_alive"] * part["n_customers"]
    earned = (sums["present_value"] / first["discount_factor"]).to_numpy()
    usual = float(sum(float(part["margin"][0]) * part["n_customers"][0] for part in parts))
    usual /= max(int(people[0]), 1)
    margin = _margin(earned, sums["expected_cash"].to_numpy(), usual)
    return first.with_columns(
        (alive / people).alias("p_alive"), pl.Series("margin", margin), **sums
    ).select(first.columns)


def _margin(
    earned: Shaped[np.ndarray, " periods"], cash: Shaped[np.ndarray, " periods"], usual: float
) -> Shaped[np.ndarray, " periods"]:
    """Money kept of each period's cash; the usual margin where there is no cash to weigh by."""
    known = np.abs(cash) > 1e-12
    return np.where(known, earned / np.where(known, cash, 1.0), usual)
