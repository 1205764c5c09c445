"""A snapshot whose equal customers are one row with a weight: what a cluster hands to one driver.

Likelihoods read what a customer did, not who did it, so that a fit to the compacted snapshot is the
fit to the whole one.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import polars as pl

from patronage.engines import NO_ENGINE
from patronage.errors import EventSchemaError
from patronage.events import EventLog
from patronage.snapshots.features import FEATURES
from patronage.snapshots.snapshot import Snapshot, customers_query

__all__ = ["compacted_snapshot"]

_HISTORY = ("is_buyer", "frequency", "recency", "T")
_MONEY = ("monetary_value", "first_amount")


def compacted_snapshot(
    log: EventLog, *, as_of: date, features: Sequence[str] = (), money: bool = True
) -> Snapshot:
    """Grouped where the log's SQL runs: each distinct history, and how many customers share it.

    The rows are numbered in customer_id; `weight` says how many customers each stands for, spend
    and cash are their sums. It has no events behind it.

    Parameters
    ----------
    features : feature groups, no attributes
    money : tell apart customers who spent differently; without it far fewer rows differ
    """
    known = log.before(as_of)
    told = [*_HISTORY, *(_MONEY if money else ())]
    told += [column for group in features for column in FEATURES[group]]
    listed = ", ".join(told)
    customers = known.engine.frame(
        f"""
        SELECT {listed}, count(*) AS weight, sum(spend) AS spend, sum(cash) AS cash
        FROM ({customers_query(known, as_of, features)("")}) GROUP BY {listed}
        """
    )
    if customers.is_empty():
        raise EventSchemaError(
            f"nothing is known before as_of {as_of}.\n"
            "To mend: choose an as_of after the first event."
        )
    if not money:
        customers = customers.with_columns(
            pl.lit(None, dtype=pl.Float64).alias(name) for name in _MONEY
        )
    # Why sorted: a cluster hands them over in any order, and sums of floats would follow it.
    numbered = customers.sort(told).with_row_index("customer_id")
    return Snapshot(replace(known, elsewhere=NO_ENGINE), numbered, as_of, tuple(features))
