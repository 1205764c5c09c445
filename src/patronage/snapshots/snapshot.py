"""Snapshot: the world as known at as_of. It can be rewound, never wound forward."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TypeVar

import numpy as np
import polars as pl

from patronage.errors import EventSchemaError, FutureEventError, SettingsError
from patronage.events import EventLog
from patronage.snapshots.attributes import is_attribute, named_features, with_attributes
from patronage.snapshots.by_customer import frame_by_customer
from patronage.snapshots.features import FEATURES, features_of
from patronage.snapshots.features.group import marked
from patronage.snapshots.features.query import by_grain, uses_of
from patronage.snapshots.features.read_off import frame_read_off, is_read_off
from patronage.snapshots.grains import GRAINS, Asked
from patronage.snapshots.grains.written import days_written, has_timelines
from patronage.snapshots.memory import SnapshotMemory
from patronage.snapshots.packed import packed_summary
from patronage.snapshots.rfm import RFM, rfm_of
from patronage.snapshots.summary import summary_sql

__all__ = ["Snapshot", "customers_query", "first_unknown_day", "take_snapshot"]

# Beyond it a horizon of 100 years might leave the calendar's own end.
_LAST_YEAR = 2500
Made = TypeVar("Made")


@dataclass(frozen=True)
class Snapshot:
    """What was known strictly before the day `as_of`.

    Attributes
    ----------
    events : the log, cut at as_of; what any model may look at
    customers : one row per customer, sorted by customer_id, with
        first_day (acquisition), is_buyer (has a purchase at all), frequency, recency (days),
        T (days), monetary_value (null where frequency is 0), first_amount, spend (gross money of
        purchases), cash (net money), then the columns of the feature groups asked for
    as_of : first unknown day
    features : the feature groups and attributes (see `attributes`) in `customers`
    memory : where rewound snapshots and what is learned from them are kept, when they will be
        asked for again (see `remembering`)
    """

    events: EventLog
    customers: pl.DataFrame
    as_of: date
    features: tuple[str, ...] = ()
    memory: SnapshotMemory | None = field(default=None, repr=False, compare=False)

    def remembering(self) -> "Snapshot":
        """The same snapshot; days that it is rewound to are kept for the next who asks."""
        return self if self.memory is not None else replace(self, memory=SnapshotMemory())

    def recall(
        self, key: Hashable, make: Callable[[], Made], *, n_rows: Callable[[Made], int]
    ) -> Made:
        """What `make` gives, or gave before where this day was asked for the same.

        Parameters
        ----------
        key : all that it depends on beside the log and as_of
        n_rows : the room that it takes, in rows of a snapshot
        """
        if self.memory is None:
            return make()
        return self.memory.get((self.as_of, key), make, n_rows=n_rows)

    def rewind(self, to: date) -> "Snapshot":
        """The snapshot of an earlier day, with the same feature groups."""
        if to > self.as_of:
            raise FutureEventError(
                f"a snapshot of {self.as_of} knows nothing of {to}.\n"
                "To mend: rewind to an earlier day, or take a new snapshot from the log."
            )

        def make() -> Snapshot:
            earlier = take_snapshot(self.events, as_of=to, features=self.features)
            return replace(earlier, memory=self.memory)

        if self.memory is None:
            return make()
        key = (to, self.features)
        return self.memory.get(key, make, n_rows=lambda made: len(made.customers))

    def with_features(self, groups: Sequence[str]) -> "Snapshot":
        """The same snapshot with more feature groups or attributes."""
        wanted = named_features(self.events, (*self.features, *groups))
        if wanted == self.features:
            return self
        if all(is_attribute(name) for name in wanted[len(self.features) :]):
            customers = with_attributes(self.customers, self.events, wanted)
            return replace(self, customers=customers, features=wanted)

        def make() -> Snapshot:
            wider = take_snapshot(self.events, as_of=self.as_of, features=wanted)
            return replace(wider, memory=self.memory)

        # Why the key of `rewind`: it is the same snapshot, whoever asks for it first.
        whole = (
            make()
            if self.memory is None
            else self.memory.get(
                (self.as_of, wanted), make, n_rows=lambda made: len(made.customers)
            )
        )
        if len(whole.customers) == len(self.customers):
            return whole
        mine = self.customers.select("customer_id")
        return replace(whole, customers=whole.customers.join(mine, on="customer_id", how="semi"))

    def take(self, rows: slice | np.ndarray) -> "Snapshot":
        """The same day for some of the customers: a chunk."""
        # Why: what is made of some customers is not what others ask for.
        return replace(self, customers=self.customers[rows], memory=None)

    def spread(self, most: int) -> "Snapshot":
        """At most so many of the customers, spread evenly over all: a sample that is ever the same.

        Customers are in the order of their ids, so that it may be no fair draw where ids tell.
        """
        n = len(self.customers)
        places = np.linspace(0, n - 1, min(n, most)).round().astype(np.int64)
        return self.take(np.unique(places))

    def rfm(self) -> RFM:
        """The RFM summary of all customers, in the order of `customers`; times in days."""
        return rfm_of(self.customers, self.features)


def take_snapshot(
    log: EventLog, *, as_of: date | None = None, features: Sequence[str] = ()
) -> Snapshot:
    """What the log knew at `as_of` (default: the day after its last event).

    Raises
    ------
    EventSchemaError : nothing was known before as_of
    SettingsError : a feature group or an attribute that does not exist
    """
    features = named_features(log, features)
    groups = [name for name in features if not is_attribute(name)]
    unknown = [name for name in groups if name not in FEATURES]
    if unknown:
        raise SettingsError(f"no feature groups {unknown}; known groups: {', '.join(FEATURES)}.")
    as_of = first_unknown_day(log, as_of)
    known = log.before(as_of)
    of_days_first = sorted(groups, key=lambda name: FEATURES[name].grain != "days")
    told = [feature for lines in by_grain(of_days_first).values() for feature in lines]
    customers, others = _customers(known, as_of, groups)
    if customers.is_empty():
        raise EventSchemaError(
            f"nothing is known before as_of {as_of}.\n"
            "To mend: choose an as_of after the first event."
        )
    customers = features_of(customers, known, as_of, others).select(
        *(name for name in customers.columns if name not in told), *told
    )
    customers = with_attributes(customers, known, features)
    return Snapshot(known, customers, as_of, features)


def _customers(
    known: EventLog, as_of: date, groups: Sequence[str]
) -> tuple[pl.DataFrame, list[str]]:
    """The summary with what the same query tells of the groups, and the groups that are left."""
    history = [name for name in groups if FEATURES[name].grain == "days"]
    read = [name for name in groups if is_read_off(FEATURES[name])]
    at_hand = read if groups else has_timelines(known)
    if known.elsewhere is None and at_hand and set(history) <= set(read):
        lines = {feature: sql for name in read for feature, sql in FEATURES[name].items()}

        def query(left: Mapping[str, str]) -> str:
            return summary_sql("FROM frame", known, as_of, extra=left, grouped=False)

        found = frame_read_off(Asked(known, as_of), lines, query)
        return found, [name for name in groups if name not in read]
    if any(FEATURES[name].grain in ("activity", "spans") for name in groups):
        # Why first: the history is then read from it too.
        days_written(Asked(known, as_of))
    customers = None if groups else packed_summary(known, as_of)
    if customers is None:
        customers = frame_by_customer(known, customers_query(known, as_of, history))
    return customers, [name for name in groups if name not in history]


def first_unknown_day(log: EventLog, as_of: date | None) -> date:
    """The as_of asked for, or the day after the last event that the log knows.

    Raises
    ------
    FutureEventError : the log is cut before it
    """
    if as_of is None:
        return log.cut if log.cut is not None else log.next_day()
    if as_of.year > _LAST_YEAR:
        raise SettingsError(
            f"as_of {as_of} lies too far ahead.\n"
            "To mend: choose the day after the last event, or leave as_of out."
        )
    if log.cut is not None and as_of > log.cut:
        raise FutureEventError(f"this log is cut at {log.cut}; it knows nothing of {as_of}.")
    return as_of


def customers_query(known: EventLog, as_of: date, groups: Sequence[str]) -> Callable[[str], str]:
    """SQL text of `Snapshot.customers`, without attributes and in no order.

    groups : those over days

    Returns
    -------
    from a SQL condition on customer_id, or an empty text, to the query of those who meet it
    """
    extra = {name: sql for group in groups for name, sql in FEATURES[group].items()}
    asked = Asked(known, as_of, uses=uses_of(extra))

    def query(among: str) -> str:
        days = GRAINS["days"].sql(replace(asked, among=among))
        text = summary_sql(days, known, as_of, extra=extra)
        return marked(text, as_of, has_clock=known.has_clock)

    return query
