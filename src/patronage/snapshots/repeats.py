"""Repeat purchases of customers since the beginning, and when they joined: what tracking reads."""

from datetime import date

import polars as pl

from patronage.engines import literal
from patronage.snapshots.features import days_of
from patronage.snapshots.snapshot import Snapshot

__all__ = ["joining_days", "purchase_days", "repeat_purchases"]


def joining_days(snapshot: Snapshot, *, before: date) -> pl.DataFrame:
    """first_day, n_customers: how many first bought on each day before `before`."""
    return snapshot.events.engine.frame(
        f"""
        WITH {_counted(snapshot)}
        SELECT first_day, count(DISTINCT customer_id) AS n_customers FROM counted
        WHERE first_day < DATE {literal(before.isoformat())} GROUP BY first_day ORDER BY first_day
        """
    )


def repeat_purchases(snapshot: Snapshot, *, before: date) -> pl.DataFrame:
    """event_day, purchases: repeat purchases of each day, of those who joined before `before`."""
    return snapshot.events.engine.frame(
        f"""
        WITH {_counted(snapshot)}
        SELECT event_day, count(*) FILTER (spent > 0 AND event_day > first_day) AS purchases
        FROM counted WHERE first_day < DATE {literal(before.isoformat())}
        GROUP BY event_day ORDER BY event_day
        """
    )


def purchase_days(snapshot: Snapshot, customer_id: str | int) -> list[date]:
    """The first purchase's day, then those of the counted repeats, of one customer."""
    name = literal(customer_id) if isinstance(customer_id, str) else str(int(customer_id))
    found = snapshot.events.engine.rows(
        f"""
        WITH {_counted(snapshot, among=f"customer_id = {name}")}
        SELECT event_day FROM counted WHERE spent > 0 OR event_day = first_day ORDER BY event_day
        """
    )
    return [day for (day,) in found]


def _counted(snapshot: Snapshot, *, among: str = "") -> str:
    """WITH-text of `counted`: the days with a purchase, each beside its customer's first."""
    days = days_of(snapshot.events, has_clock=False, among=among)
    return f"""
        counted AS (
            SELECT customer_id, event_day, spent,
                   min(event_day) OVER (PARTITION BY customer_id) AS first_day
            FROM ({days}) WHERE purchases > 0)"""
