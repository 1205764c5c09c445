"""Calibration and holdout in one table: what was known, and what then happened."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from patronage.engines import literal
from patronage.errors import EventSchemaError, HorizonError
from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.snapshots.by_customer import frame_by_customer
from patronage.snapshots.features import days_of
from patronage.snapshots.outcomes import observe_outcome
from patronage.snapshots.packed import packed_summary
from patronage.snapshots.snapshot import take_snapshot
from patronage.snapshots.summary import summary_sql

__all__ = ["calibration_holdout"]


def calibration_holdout(log: EventLog, *, as_of: date, horizon: Horizon) -> pl.DataFrame:
    """The customers known at `as_of`, and what they did in the horizon after it.

    Returns
    -------
    The columns of `Snapshot.customers`, then frequency_holdout (counted purchase days),
    cash_holdout (net cash, summed exactly) and duration_holdout (days); sorted by customer_id.

    Raises
    ------
    HorizonError : the log ends before the horizon does
    EventSchemaError : nothing was known before as_of
    """
    end = as_of + timedelta(days=int(np.ceil(horizon.days)))
    known_until = log.cut if log.cut is not None else log.next_day()
    if end > known_until:
        raise HorizonError(
            f"a holdout of {horizon} from {as_of} ends {end}, but the log ends {known_until}.\n"
            "To mend: choose an earlier as_of or a shorter horizon."
        )
    if log.has_known_time:
        table = _late_knowledge(log, as_of, horizon)
    else:
        table = _one_query(log.before(known_until), as_of, end)
    if table.is_empty():
        raise EventSchemaError(
            f"nothing is known before as_of {as_of}.\n"
            "To mend: choose an as_of after the first event."
        )
    return table.with_columns(duration_holdout=pl.lit(horizon.days))


def _one_query(log: EventLog, as_of: date, end: date) -> pl.DataFrame:
    """Both sides of as_of from one pass over the days."""
    first, last = (f"DATE {literal(day.isoformat())}" for day in (as_of, end))
    after = f"event_day >= {first} AND event_day < {last}"
    extra = {
        "frequency_holdout": f"count(*) FILTER (spent > 0 AND {after})",
        "cash_holdout": f"(coalesce(sum(cash) FILTER ({after}), 0))::DOUBLE",
    }
    until = replace(log, cut=end)
    packed = packed_summary(until, as_of, holdout=True)
    if packed is not None:
        return packed
    known = f"event_day < {first}"

    def query(among: str) -> str:
        return summary_sql(days_of(until, among=among), until, as_of, extra=extra, known=known)

    return frame_by_customer(until, query)


def _late_knowledge(log: EventLog, as_of: date, horizon: Horizon) -> pl.DataFrame:
    """Where rows are learned late, each side is judged with what was known on its own day."""
    judge = take_snapshot(log)
    known = take_snapshot(log, as_of=as_of)
    outcome = observe_outcome(judge, known, horizon)
    return known.customers.with_columns(
        frequency_holdout=pl.Series(outcome.total_purchases).cast(pl.Int64),
        cash_holdout=pl.Series(outcome.total),
    )
