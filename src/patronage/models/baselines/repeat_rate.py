"""The constant retention of textbooks: what share of one period's buyers buy in the next."""

import math
from dataclasses import dataclass

from patronage.engines import literal
from patronage.horizon import days_per
from patronage.snapshots import Snapshot
from patronage.snapshots.features import days_of

__all__ = ["RepeatRate", "repeat_rate"]


@dataclass(frozen=True)
class RepeatRate:
    """One number for all customers and all time.

    Attributes
    ----------
    period_days : length of a period in days
    retention : share of a period's buyers who buy in the next one too, below 1
    cash : net cash per buyer of a period
    purchases : purchase days per buyer of a period
    """

    period_days: float
    retention: float
    cash: float
    purchases: float

    @property
    def lifetime_days(self) -> float:
        """Expected lifetime when a share 1 − retention leaves every period."""
        return self.period_days / (1.0 - self.retention)


def repeat_rate(snapshot: Snapshot, period: str) -> RepeatRate:
    """Count buyers in whole periods back from as_of, and who of them buys in the next.

    A history shorter than two periods is cut in two halves.
    """
    history = (snapshot.as_of - snapshot.customers["first_day"].min()).days  # type: ignore[operator,union-attr]
    length = max(1.0, min(days_per(period), history / 2))
    n_periods = max(1, math.floor(history / length))
    as_of = f"DATE {literal(snapshot.as_of.isoformat())}"
    days = days_of(snapshot.events, has_clock=False)
    earlier, retained, active, cash, purchases = snapshot.events.engine.row(f"""
        WITH cells AS (
            SELECT customer_id, floor(({as_of} - event_day - 1) / {length})::BIGINT AS back,
                   sum(cash) AS cell_cash, count(*) FILTER (spent > 0) AS bought
            FROM ({days}) GROUP BY 1, 2
        ),
        buyers AS (SELECT * FROM cells WHERE bought > 0 AND back < {n_periods})
        SELECT count(*) FILTER (now.back > 0), count(later.back), count(*),
               coalesce(sum(now.cell_cash), 0), coalesce(sum(now.bought), 0)
        FROM buyers AS now LEFT JOIN buyers AS later
          ON now.customer_id = later.customer_id AND now.back = later.back + 1""")
    # Why: one buyer more who left keeps the lifetime finite where everybody has come back so far.
    retention = retained / (earlier + 1)
    buyers = max(active, 1)
    # Why decimals until here: the engine adds in another order each time, and floats would show it.
    return RepeatRate(length, retention, float(cash) / buyers, float(purchases) / buyers)
