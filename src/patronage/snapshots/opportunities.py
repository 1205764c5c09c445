"""Opportunities: the purchases of each customer counted by whole periods back from as_of.

The periods are calendar months, quarters or years, or runs of days, and the last of them ends where
knowledge does: [as_of - 1 month, as_of), and so on back. An as_of on 1 January makes calendar
years of them; any other as_of still leaves nothing of what is known unused, and a forecast begins
with a whole period. (On calendar periods proper the broken one before as_of would be thrown away,
with the latest purchases in it; on each customer's own clock a broken period lies there too.)
What is broken is the period of the first purchase: it is no opportunity, and what else was bought
in it is none.
"""

from typing import Final

import numpy as np
import polars as pl

from patronage.engines import literal
from patronage.errors import SettingsError
from patronage.horizon import days_per
from patronage.snapshots.by_customer import frame_by_customer
from patronage.snapshots.features import days_of
from patronage.snapshots.rfm import RFM
from patronage.snapshots.snapshot import Snapshot

__all__ = ["opportunities", "period_length"]

_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}


def period_length(period: str | int | float) -> float:
    """Days of a period: a unit of time, or a number of days."""
    if isinstance(period, str):
        return days_per(period)
    if not (np.isfinite(period) and period >= 1):
        raise SettingsError(
            f"a period lasts a day or more; {period!r} days given.\n"
            "To mend: give a number of days, or one of day, week, month, quarter, year."
        )
    return float(period)


def opportunities(snapshot: Snapshot, period: str | int | float) -> RFM:
    """What each customer did with the periods since that of the first purchase.

    Returns
    -------
    frequency : periods with a counted purchase; recency : the last of these, 0 where there is none;
    T : all periods; these three in periods. monetary_value, first_amount : mean money of a period
    with a purchase, and of the period of the first; in the order of `snapshot.customers`
    """
    days_back = f"(({_day(snapshot)} - event_day) - 1)"
    months = _MONTHS.get(period) if isinstance(period, str) else None
    back = f"floor({days_back} / {period_length(period)!r})::BIGINT"
    if months is not None:
        as_of = _day(snapshot)
        back = (
            f"floor((12 * (year({as_of}) - year(event_day)) + month({as_of}) - month(event_day) - 1"
            f" + (day(event_day) < day({as_of}))::INT) / {months})::BIGINT"
        )
    ids = snapshot.customers["customer_id"]
    low, high = (literal(v) if isinstance(v, str) else str(v) for v in (ids.min(), ids.max()))
    mine = f"customer_id >= {low} AND customer_id <= {high}"

    def query(among: str) -> str:
        within = f"({among}) AND {mine}" if among else mine
        return f"""
            WITH days AS ({days_of(snapshot.events, has_clock=False, among=within)}),
            placed AS (SELECT *, {back} AS back FROM days),
            born AS (
                SELECT *, coalesce(max(back) FILTER (purchases > 0) OVER (PARTITION BY customer_id),
                                   max(back) OVER (PARTITION BY customer_id)) AS n
                FROM placed
            )
            SELECT customer_id, max(n)::DOUBLE AS n,
                   (count(DISTINCT back) FILTER (spent > 0 AND back < n))::DOUBLE AS x,
                   (max(n) - min(back) FILTER (spent > 0 AND back < n))::DOUBLE AS t_x,
                   coalesce(sum(spent) FILTER (back < n), 0)::DOUBLE AS later,
                   coalesce(sum(spent) FILTER (back = n), 0)::DOUBLE AS first
            FROM born GROUP BY customer_id
            """

    def make() -> pl.DataFrame:
        found = frame_by_customer(snapshot.events, query)
        return snapshot.customers.select("customer_id").join(
            found, on="customer_id", how="left", maintain_order="left"
        )

    key = ("opportunities", period, low, high, len(ids))
    table = snapshot.recall(key, make, n_rows=len)
    x = table["x"].to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(x > 0, table["later"].to_numpy() / x, np.nan)
    return RFM(
        table["customer_id"].to_numpy(),
        x,
        table["t_x"].fill_null(0.0).to_numpy(),
        table["n"].to_numpy(),
        mean,
        table["first"].to_numpy(),
        covariates=snapshot.rfm().covariates,
    )


def _day(snapshot: Snapshot) -> str:
    return f"DATE {literal(snapshot.as_of.isoformat())}"
