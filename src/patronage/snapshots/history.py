"""The past of the whole base: by period, and by cohort and age."""

from datetime import timedelta

import polars as pl

from patronage.engines import literal
from patronage.errors import SettingsError
from patronage.horizon import DAYS_PER
from patronage.snapshots.features import days_of
from patronage.snapshots.snapshot import Snapshot

__all__ = ["cohort_history", "period_history"]


def period_history(snapshot: Snapshot, period: str, *, n_periods: int) -> pl.DataFrame:
    """Purchases and net cash of the last `n_periods` whole periods before as_of.

    Returns
    -------
    period_start (date), purchases, first_purchases (of customers acquired in it), cash; oldest
    first, and only periods that lie wholly after the first event
    """
    length = DAYS_PER[period]
    day = literal(snapshot.as_of.isoformat())
    days = days_of(snapshot.events, has_clock=False)
    counted = snapshot.events.engine.frame(
        f"""
        WITH days AS ({days}),
        dated AS (
            SELECT *, min(event_day) FILTER (purchases > 0) OVER (PARTITION BY customer_id) AS born
            FROM days
        )
        SELECT floor((DATE {day} - 1 - event_day) / {length})::BIGINT AS back,
               count(*) FILTER (spent > 0)::DOUBLE AS purchases,
               count(*) FILTER (event_day = born)::DOUBLE AS first_purchases,
               sum(cash)::DOUBLE AS cash
        FROM dated GROUP BY back
        """
    )
    first = snapshot.events.first_day()
    whole = int((snapshot.as_of - first).days // length)
    wanted = pl.DataFrame({"back": range(min(n_periods, whole))}, schema={"back": pl.Int64})
    return (
        wanted.join(counted, on="back", how="left")
        .fill_null(0.0)
        .sort("back", descending=True)
        .with_columns(
            pl.col("back")
            .map_elements(
                lambda back: snapshot.as_of - timedelta(days=round((back + 1) * length)),
                return_dtype=pl.Date,
            )
            .alias("period_start")
        )
        .select("period_start", "purchases", "first_purchases", "cash")
    )


def cohort_history(
    snapshot: Snapshot, *, cohort: str = "month", age: str = "month"
) -> pl.DataFrame:
    """Net cash per customer of each acquisition cohort at each whole age.

    Parameters
    ----------
    cohort : 'week', 'month', 'quarter' or 'year' of the first purchase
    age : length of one age

    Returns
    -------
    cohort (first day), age (0, 1, …), cash_per_customer, n_customers; only ages that every
    customer of the cohort has lived through by as_of
    """
    if cohort not in ("week", "month", "quarter", "year"):
        raise SettingsError(f"cohorts are by week, month, quarter or year; {cohort!r} given.")
    length = DAYS_PER[age]
    day = literal(snapshot.as_of.isoformat())
    days = days_of(snapshot.events, has_clock=False)
    cells = snapshot.events.engine.frame(
        f"""
        WITH days AS ({days}),
        born AS (
            SELECT customer_id, coalesce(min(event_day) FILTER (purchases > 0), min(event_day))
                   AS first_day
            FROM days GROUP BY customer_id
        ),
        size AS (
            SELECT date_trunc('{cohort}', first_day)::DATE AS cohort, count(*) AS n_customers,
                   floor((DATE {day} - max(first_day)) / {length})::BIGINT AS ages
            FROM born GROUP BY cohort
        ),
        cash AS (
            SELECT date_trunc('{cohort}', first_day)::DATE AS cohort,
                   greatest(floor((event_day - first_day) / {length}), 0)::BIGINT AS age,
                   sum(cash)::DOUBLE AS cash
            FROM days JOIN born USING (customer_id) GROUP BY ALL
        )
        SELECT size.cohort, grid.age::BIGINT AS age, coalesce(cash.cash, 0) / n_customers
               AS cash_per_customer, n_customers
        FROM size, LATERAL (SELECT unnest(range(ages)) AS age) AS grid
        LEFT JOIN cash ON cash.cohort = size.cohort AND cash.age = grid.age
        """
    )
    return cells.sort("cohort", "age")
