"""Customers aligned by age: every first purchase falls on one day, so that one as_of is one age.

Both clocks of a customer's events are shifted by the same whole days, after the log was cut at the
real as_of. A snapshot of the aligned log, taken `age` days after the common day, is then what was
known of each customer at that age, by the same SQL and the same cut as any other snapshot.
"""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

import polars as pl

from patronage.engines import default_engine, literal, parquet
from patronage.errors import EventSchemaError, SettingsError
from patronage.events import EventLog
from patronage.events.schema import PURCHASE_KINDS
from patronage.events.tables import SideTables
from patronage.events.workspace import Workspace
from patronage.snapshots.features import FEATURES, days_of
from patronage.snapshots.grains import GRAINS
from patronage.snapshots.snapshot import Snapshot, take_snapshot

__all__ = ["AlignedLog", "align", "has_age"]

# The day of every first purchase. Any would do: nothing that tells it may be a feature at an age.
_FIRST_DAY: Final = date(2000, 1, 1)
# The year in which profiles without a known_time were known: before anything happened, at any age.
_EVER: Final = 1900
# Side tables whose time is no customer's.
_OF_EVERYBODY: Final = {"products", "links", "calendar"}
# What tells a day, month or year of the calendar from another, in SQL.
_DATED: Final = re.compile(
    r"\b(iso)?(day|week|month|quarter|year|dow|doy)(of\w+|name|num)?\b|strftime|date_part|extract",
    re.IGNORECASE,
)


def has_age(group: str) -> bool:
    """Whether a feature group says the same of an age as of the day on which it was reached.

    Seasons, weekdays and what touches everybody at once do not: an age has no date.
    """
    found = FEATURES[group]
    return (
        not _OF_EVERYBODY.intersection(found.needs)
        and not GRAINS[found.grain].of_everybody
        and not any(_DATED.search(sql) for sql in found.values())
    )


@dataclass(frozen=True)
class AlignedLog:
    """A log in which every customer's first purchase is on the same day.

    Attributes
    ----------
    log : the events known at as_of, by days of the customer's life; profiles likewise. Products,
        links and the calendar have no place in it: their time is no customer's
    births : customer_id, first_day (the real day of the first purchase) and age (days from it to
        as_of), sorted by customer_id
    as_of : the first unknown day, of the calendar
    """

    log: EventLog
    births: pl.DataFrame
    as_of: date

    def at_age(self, age: int, features: Sequence[str] = ()) -> Snapshot:
        """What was known of each customer after `age` days, that of the first purchase with them.

        Who had not reached that age by as_of is not in it, nor who was at that age not yet known
        to be a buyer.
        """
        if age < 1:
            raise SettingsError(
                f"an age is 1 day or more; {age} given.\n"
                "To mend: age 1 is what the day of the first purchase told."
            )
        old_enough = self.births.filter(pl.col("age") >= age).select("customer_id")
        known = take_snapshot(
            self.log, as_of=_FIRST_DAY + timedelta(days=age), features=tuple(features)
        )
        customers = known.customers.filter("is_buyer").join(
            old_enough, on="customer_id", how="semi", maintain_order="left"
        )
        return replace(known, customers=customers)

    def outcomes(self, ages: Sequence[int], end: int) -> pl.DataFrame:
        """Net cash and purchases of days `age` to `end` of each life, as known at as_of.

        Returns
        -------
        customer_id, cash_0 and purchases_0 of the whole life, then cash_A and purchases_A from
        each age A on; in no order. Of customers younger than `end` it is what is known so far.
        """
        columns = []
        for age in (0, *ages):
            # Why no bound for the whole life: what is learned late may lie before its first day.
            after = f"event_day >= DATE {literal(_FIRST_DAY + timedelta(days=age))}"
            within = f"FILTER ({after})" if age else ""
            counted = f"spent > 0 AND {after}" if age else "spent > 0"
            columns += [
                f"coalesce(sum(cash) {within}, 0)::DOUBLE AS cash_{age}",
                f"(count(*) FILTER ({counted}))::DOUBLE AS purchases_{age}",
            ]
        last = literal(_FIRST_DAY + timedelta(days=end))
        days = days_of(self.log, has_clock=False)
        return default_engine().frame(
            f"SELECT customer_id, {', '.join(columns)} FROM ({days}) "
            f"WHERE event_day < DATE {last} GROUP BY customer_id"
        )


def align(log: EventLog, *, as_of: date) -> AlignedLog:
    """Cut the log at as_of by both clocks, and lay every customer's first purchase on one day.

    The first purchase is the one that was known first: what is learned later of an earlier one
    must not move the days at which a customer was already looked at.

    Raises
    ------
    EventSchemaError : nobody had bought anything before as_of
    """
    known = log.before(as_of)
    births = _births(known, as_of)
    if births.is_empty():
        raise EventSchemaError(
            f"no purchase is known before as_of {as_of}, so nobody has an age.\n"
            "To mend: choose an as_of after the first purchase."
        )
    workspace = log.workspace or Workspace()
    path = workspace.path / f"births-{uuid.uuid4().hex}.parquet"
    births.select("customer_id", shift=pl.lit(_FIRST_DAY) - pl.col("first_day")).select(
        "customer_id", pl.col("shift").dt.total_days()
    ).write_parquet(path)
    relation = f"""
        SELECT * EXCLUDE (shift) REPLACE (event_time + to_days(shift::INT) AS event_time,
                                          known_time + to_days(shift::INT) AS known_time)
        FROM ({known.sql()}) JOIN {parquet([path])} USING (customer_id)"""
    aligned = replace(
        known,
        relation=relation,
        cut=None,
        ledger=None,
        observation_date=None,
        tables=SideTables(customers=_shifted(known.tables.customers, births)),
        workspace=workspace,
    )
    return AlignedLog(aligned.compact(), births, as_of)


def _births(known: EventLog, as_of: date) -> pl.DataFrame:
    kinds = ", ".join(literal(kind) for kind in (*PURCHASE_KINDS, *known.rated_kinds))
    first = default_engine().frame(
        f"""
        SELECT customer_id, min(event_day) AS first_day FROM (
            SELECT customer_id, event_day FROM ({known.ledger_sql()}) WHERE kind IN ({kinds})
            QUALIFY greatest(event_day, known_day)
                    = min(greatest(event_day, known_day)) OVER (PARTITION BY customer_id)
        ) GROUP BY customer_id ORDER BY customer_id
        """
    )
    return first.with_columns(age=(pl.lit(as_of) - pl.col("first_day")).dt.total_days())


def _shifted(people: pl.DataFrame | None, births: pl.DataFrame) -> pl.DataFrame | None:
    """Profiles with the days of their customer's life; those of nobody aligned left out."""
    if people is None:
        return None
    shift = pl.lit(_FIRST_DAY) - pl.col("first_day")
    moved = pl.when(pl.col("known_time").dt.year() <= _EVER).then("known_time")
    return (
        people.join(births.select("customer_id", "first_day"), "customer_id", maintain_order="left")
        .with_columns(moved.otherwise(pl.col("known_time") + shift).alias("known_time"))
        .select(people.columns)
    )
