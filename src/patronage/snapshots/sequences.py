"""Sequences: the last events of each customer, and its months, as padded arrays.

Rows are sorted here, after the query: an engine's lists may lose their order.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Shaped

from patronage.engines import default_engine, literal
from patronage.errors import SettingsError
from patronage.events.schema import CASH_KINDS, PURCHASE_KINDS
from patronage.horizon import DAYS_PER
from patronage.snapshots.snapshot import Snapshot

__all__ = ["EventSequences", "PeriodSequences", "event_sequences", "period_sequences"]


@dataclass(frozen=True)
class EventSequences:
    """The last events of each customer, the oldest first, at the end of the row.

    Attributes
    ----------
    customer_id : in the order of the snapshot
    kinds : what the numbers of `kind` stand for; number 0 is padding
    kind : 1 + position in `kinds`; 0 where there is none
    days_before : days from the event to as_of
    gap : days from the event before; 0 at the first
    amount : as in the log
    there : False: padding
    """

    customer_id: Shaped[np.ndarray, " customers"]
    kinds: tuple[str, ...]
    kind: Shaped[np.ndarray, "customers events"]
    days_before: Float[np.ndarray, "customers events"]
    gap: Float[np.ndarray, "customers events"]
    amount: Float[np.ndarray, "customers events"]
    there: Bool[np.ndarray, "customers events"]


@dataclass(frozen=True)
class PeriodSequences:
    """Whole periods before as_of, the last of them last.

    Attributes
    ----------
    customer_id : in the order of the snapshot
    columns : names of the last axis
    values : sums of the period
    there : False: before the customer's first event
    """

    customer_id: Shaped[np.ndarray, " customers"]
    columns: tuple[str, ...]
    values: Float[np.ndarray, "customers periods columns"]
    there: Bool[np.ndarray, "customers periods"]


def event_sequences(
    snapshot: Snapshot, *, n_events: int = 64, kinds: Sequence[str] | None = None
) -> EventSequences:
    """The last `n_events` events of each customer, of these kinds (None: all of the log)."""
    if n_events < 1:
        raise SettingsError(f"{n_events} events make no sequence.\nTo mend: ask for 1 or more.")
    log = snapshot.events
    named = tuple(kinds if kinds is not None else sorted(set(log.kinds)))
    listed = ", ".join(literal(kind) for kind in named)
    day = f"TIMESTAMP {literal(snapshot.as_of.isoformat())}"
    order = "event_time DESC, kind DESC, amount DESC"
    found = default_engine().frame(
        f"""
        SELECT customer_id, kind, amount::DOUBLE AS amount,
               (epoch_us({day}) - epoch_us(event_time)) / 86400e6 AS days_before, back
        FROM (SELECT customer_id, kind, amount, event_time, row_number() OVER (
                  PARTITION BY customer_id ORDER BY {order}) AS back
              FROM ({log.sql()}) WHERE kind IN ({listed or "''"}))
        WHERE back <= {n_events}
        """
    )
    row, found = _rows(snapshot, found)
    place = n_events - found["back"].to_numpy()
    shape = (len(snapshot.customers), n_events)
    there = np.zeros(shape, dtype=bool)
    there[row, place] = True
    kind = np.zeros(shape, dtype=np.int64)
    number = {name: position + 1 for position, name in enumerate(named)}
    kind[row, place] = [number[name] for name in found["kind"]]
    days = np.zeros(shape)
    days[row, place] = found["days_before"].to_numpy()
    amount = np.zeros(shape)
    amount[row, place] = found["amount"].to_numpy()
    gap = np.zeros(shape)
    gap[:, 1:] = np.where(there[:, 1:] & there[:, :-1], days[:, :-1] - days[:, 1:], 0.0)
    return EventSequences(
        snapshot.customers["customer_id"].to_numpy(), named, kind, days, gap, amount, there
    )


def period_sequences(
    snapshot: Snapshot, *, n_periods: int = 24, period: str = "month"
) -> PeriodSequences:
    """The last `n_periods` periods of each customer: gross and net money, counts by kind.

    A period is as long as those of a horizon, and the last ends at as_of.
    """
    log = snapshot.events
    length = DAYS_PER[period]
    day = f"DATE {literal(snapshot.as_of.isoformat())}"
    kinds = tuple(sorted(set(log.kinds)))
    bought = ", ".join(literal(kind) for kind in (*PURCHASE_KINDS, *log.rated_kinds))
    money = ", ".join(literal(kind) for kind in (*CASH_KINDS, *log.rated_kinds))
    counts = "".join(
        f", coalesce(sum(n_events) FILTER (kind = {literal(kind)}), 0)::DOUBLE AS kind_{number}"
        for number, kind in enumerate(kinds)
    )
    # Why the day before: the last day known is in the last period.
    back = f"floor(({day} - 1 - event_day) / {length})"
    found = default_engine().frame(
        f"""
        SELECT customer_id, back::BIGINT AS back,
               coalesce(sum(amount) FILTER (kind IN ({bought})), 0)::DOUBLE AS spent,
               coalesce(sum(amount) FILTER (kind IN ({money})), 0)::DOUBLE AS cash{counts}
        FROM (SELECT *, {back} AS back FROM ({log.ledger_sql()})) GROUP BY customer_id, back
        """
    )
    row, found = _rows(snapshot, found)
    since = found["back"].to_numpy()
    columns = ("spent", "cash", *(f"kind_{number}" for number in range(len(kinds))))
    n = len(snapshot.customers)
    first = np.full(n, -1)
    np.maximum.at(first, row, since)
    values = np.zeros((n, n_periods, len(columns)))
    within = since < n_periods
    values[row[within], n_periods - 1 - since[within]] = found.select(columns).to_numpy()[within]
    there = np.arange(n_periods)[::-1][None, :] <= first[:, None]
    names = ("spent", "cash", *kinds)
    return PeriodSequences(snapshot.customers["customer_id"].to_numpy(), names, values, there)


def _rows(snapshot: Snapshot, found: pl.DataFrame) -> tuple[np.ndarray, pl.DataFrame]:
    """Row of the snapshot of each row found, and the rows found of its customers."""
    mine = snapshot.customers.select("customer_id").with_row_index("row")
    joined = found.join(mine, on="customer_id", how="inner")
    return joined["row"].to_numpy().astype(np.int64), joined
