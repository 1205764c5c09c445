"""What happened after an origin, as known to the snapshot that judges."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from jaxtyping import Float, Shaped

from patronage.engines import literal
from patronage.errors import HorizonError
from patronage.horizon import DAYS_PER, Horizon
from patronage.snapshots.features import days_of
from patronage.snapshots.snapshot import Snapshot

__all__ = ["Outcome", "observe_outcome"]


@dataclass(frozen=True)
class Outcome:
    """Realised net cash and purchases of [origin, origin + horizon), customer by customer.

    Attributes
    ----------
    customer_id : the customers known at the origin, in the order of its snapshot
    origin : first day of the outcome
    horizon : its periods
    known_at : as_of of the snapshot that judges; its maturity is known_at − origin − horizon
    cash : net cash per customer and period; a refund counts on its own date
    purchases : counted purchase days per customer and period
    """

    customer_id: Shaped[np.ndarray, " customers"]
    origin: date
    horizon: Horizon
    known_at: date
    cash: Float[np.ndarray, "customers periods"]
    purchases: Float[np.ndarray, "customers periods"]

    @property
    def total(self) -> Float[np.ndarray, " customers"]:
        """Net cash over the whole horizon."""
        return np.asarray(self.cash.sum(axis=1))

    @property
    def total_purchases(self) -> Float[np.ndarray, " customers"]:
        """Purchases over the whole horizon."""
        return np.asarray(self.purchases.sum(axis=1))


def observe_outcome(judge: Snapshot, at: Snapshot, horizon: Horizon) -> Outcome:
    """What the customers of `at` did in the horizon after it, as `judge` knows it.

    Raises
    ------
    HorizonError : the horizon does not end by judge.as_of
    """
    end = at.as_of + timedelta(days=int(np.ceil(horizon.days)))
    if end > judge.as_of:
        raise HorizonError(
            f"the outcome of {horizon} from {at.as_of} ends {end}, but the snapshot that judges "
            f"knows only what came before {judge.as_of}.\n"
            "To mend: choose an earlier origin or a shorter horizon."
        )
    ids = at.customers.select("customer_id").with_row_index("row")
    cells = _cells(judge, at.as_of, end, horizon).join(ids, on="customer_id")
    cash = np.zeros((len(ids), horizon.n_periods))
    purchases = np.zeros_like(cash)
    where = (cells["row"].to_numpy(), cells["period"].to_numpy())
    cash[where], purchases[where] = cells["cash"].to_numpy(), cells["counted"].to_numpy()
    return Outcome(
        at.customers["customer_id"].to_numpy(), at.as_of, horizon, judge.as_of, cash, purchases
    )


def _cells(judge: Snapshot, start: date, end: date, horizon: Horizon) -> pl.DataFrame:
    """Net cash and counted days of each customer and period with any event."""
    days = days_of(judge.events, has_clock=False)
    first, last = literal(start.isoformat()), literal(end.isoformat())
    period = f"floor((event_day - DATE {first}) / {DAYS_PER[horizon.period]})::BIGINT"
    # Why summed here: decimals add up exactly, floats as the order of the rows will have it.
    return judge.events.engine.frame(
        f"""
        SELECT customer_id, period, sum(cash)::DOUBLE AS cash,
               count_if(spent > 0)::DOUBLE AS counted
        FROM (SELECT *, {period} AS period FROM ({days})
              WHERE event_day >= DATE {first} AND event_day < DATE {last})
        WHERE period < {horizon.n_periods} GROUP BY customer_id, period
        """
    )
