"""Who slips away: customers silent for long by their own rhythm, ranked by the value at stake."""

from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

__all__ = ["OVERDUE", "Slipping", "slipping_customers"]

OVERDUE: Final = 2.0  # usual gaps of silence after which a customer counts as slipping


@dataclass(frozen=True)
class Slipping:
    """All slipping customers together, and the first of them.

    Attributes
    ----------
    rows : the columns of the scores with usual_gap (days), overdue (gaps), at_stake (money)
    knows_alive : at_stake weighs by p_alive, as the model knows it
    """

    n_customers: int
    at_stake: float
    clv: float
    rows: pl.DataFrame
    knows_alive: bool


def slipping_customers(scores: pl.DataFrame, as_of: date, *, n_rows: int = 10) -> Slipping:
    """Customers silent for at least `OVERDUE` of their usual gaps, most at stake first.

    usual_gap = days from first to last purchase / repeat purchases, hence known only of customers
    who came back; at_stake = clv × (1 − p_alive), which is greatest where much is expected of
    somebody of whom one cannot tell whether they are still there; clv where p_alive is not known.
    """
    alive = pl.col("p_alive").clip(0.0, 1.0)
    silent = pl.col("days_since_last")
    age = (pl.lit(as_of) - pl.col("first_day")).dt.total_days().cast(pl.Float64)
    gap = ((age - silent) / pl.col("frequency")).clip(lower_bound=1.0)
    rows = (
        scores.filter(pl.col("frequency") >= 1, pl.col("days_since_last").is_not_null())
        .with_columns(gap.alias("usual_gap"), (silent / gap).alias("overdue"))
        .filter(pl.col("overdue") >= OVERDUE, pl.col("clv") > 0)
        .with_columns((pl.col("clv") * (1.0 - alive.fill_null(0.0))).alias("at_stake"))
        .sort("at_stake", "customer_id", descending=[True, False])
    )
    return Slipping(
        n_customers=rows.height,
        at_stake=float(rows["at_stake"].sum()),
        clv=float(rows["clv"].sum()),
        rows=rows.head(n_rows),
        knows_alive=bool(scores["p_alive"].is_not_null().any()),
    )
