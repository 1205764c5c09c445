"""The summary of each customer from one sorted array of integers, where the log allows it.

A purchase on a whole day by a customer with an integer id is one int64: from the highest bits down
the customer, the day and the amount. Sorted, the purchases of a customer lie together and in order
of time, and all that the summary asks for is read off at the edges between days and customers.
Money is summed in whole ten-thousandths, so it is exact. The table equals that of `summary_sql`,
which stays the definition: docs/decisions/0012-one-integer-per-purchase.md.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from patronage.engines import cores, default_engine, literal
from patronage.events import EventLog
from patronage.snapshots.by_customer import ranges
from patronage.snapshots.features import only_purchases

__all__ = ["packed_summary"]

_BITS: Final = 63
# Why: below it DECIMAL → DOUBLE → ten-thousandths and back is exact for every sum there can be.
_MOST_MONEY: Final = 2**50
# Below it the second query costs what the sort saves.
_FEWEST_ROWS: Final = 50_000
# Held at once, at 8 bytes a row twice over. Above the most rows SQL can go out of core.
_ROWS_AT_ONCE: Final = 25_000_000
_MOST_ROWS: Final = 200_000_000
# Rows whose intermediate arrays stay in cache.
_SLICE: Final = 250_000
_EPOCH: Final = date(1970, 1, 1)


def packed_summary(log: EventLog, as_of: date, *, holdout: bool = False) -> pl.DataFrame | None:
    """`Snapshot.customers` without features, sorted by customer_id; None: SQL must make it.

    as_of : days from it on are not known
    holdout : also frequency_holdout and cash_holdout, of the days from as_of on
    """
    in_reach = _FEWEST_ROWS <= log.quality.n_rows_used <= _MOST_ROWS
    if not in_reach or log.elsewhere is not None or log.has_clock or not only_purchases(log):
        return None
    layout = _layout(log)
    if layout is None:
        return None
    today = (as_of - layout.first_day).days

    def summary(keys: Int[np.ndarray, " rows"]) -> pl.DataFrame:
        days = _days(keys, layout, today)
        return _frame(_known(days, layout, today) | (_outcome(days) if holdout else {}))

    parts: list[pl.DataFrame] = []
    with ThreadPoolExecutor(cores()) as pool:
        for among in ranges(log, rows_at_once=_ROWS_AT_ONCE) or ["true"]:
            parts += pool.map(summary, layout.slices(layout.keys(log, among)))
    return pl.concat(parts, rechunk=False)


@dataclass(frozen=True)
class _Layout:
    """Where in an integer the customer, the day and the amount lie.

    first_id, first_day : what 0 stands for
    day_bits, amount_bits : widths; the customer has the bits above them
    """

    first_id: int
    first_day: date
    day_bits: int
    amount_bits: int

    def keys(self, log: EventLog, among: str) -> Int[np.ndarray, " rows"]:
        """One integer per row of the ledger whose customer meets a SQL condition, sorted."""
        customer = f"customer_id - ({self.first_id})::BIGINT"
        day = f"(event_day - DATE {literal(self.first_day.isoformat())})::BIGINT"
        sql = f"""
            SELECT (({customer}) << {self.day_bits + self.amount_bits})
                   | ({day} << {self.amount_bits}) | round(amount::DOUBLE * 10000)::BIGINT AS key
            FROM ({log.ledger_sql()}) WHERE {among}"""
        keys = default_engine().frame(sql)["key"].to_numpy(writable=True)
        cuts = [len(keys) * k // cores() for k in range(1, cores())] if len(keys) else []
        if cuts:
            keys.partition(cuts)
        with ThreadPoolExecutor(cores()) as pool:
            list(pool.map(np.ndarray.sort, np.split(keys, cuts)))
        return keys

    def slices(self, keys: Int[np.ndarray, " rows"]) -> list[Int[np.ndarray, " some"]]:
        """Sorted keys in pieces, each with all keys of its customers."""
        width = self.day_bits + self.amount_bits
        cuts = np.searchsorted(keys, keys[_SLICE::_SLICE] >> width << width)
        return [piece for piece in np.split(keys, cuts) if len(piece)]


def _layout(log: EventLog) -> _Layout | None:
    """How the rows known fit into integers, if they do."""
    ledger = log.ledger_sql()
    _, id_type, *_ = default_engine().row(f"DESCRIBE SELECT customer_id FROM ({ledger})")
    if id_type != "BIGINT":
        return None
    n, complete, least, most, total, first_id, last_id, first_day, last_day = default_engine().row(
        f"""
        SELECT count(*), count(amount), min(amount), max(amount), sum(amount), min(customer_id),
               max(customer_id), min(event_day), max(event_day) FROM ({ledger})"""
    )
    if not 0 < n == complete or least < 0 or total * 10_000 >= _MOST_MONEY:
        return None
    id_bits = (last_id - first_id).bit_length()
    day_bits = (last_day - first_day).days.bit_length()
    amount_bits = int(most * 10_000).bit_length()
    if id_bits + day_bits + amount_bits > _BITS:
        return None
    return _Layout(first_id, first_day, day_bits, amount_bits)


@dataclass(frozen=True)
class _Days:
    """The days on which customers bought, and where those of each known customer lie among them.

    Attributes
    ----------
    customer, day : what 0 stands for is in the layout
    is_counted : some money was spent
    money, n_counted : ten-thousandths and counted days before each edge between days
    first, today, end : edges of a customer: the first day, the first unknown one, the end
    """

    customer: Int[np.ndarray, " days"]
    day: Int[np.ndarray, " days"]
    is_counted: Bool[np.ndarray, " days"]
    money: Int[np.ndarray, " days+1"]
    n_counted: Int[np.ndarray, " days+1"]
    first: Int[np.ndarray, " customers"]
    today: Int[np.ndarray, " customers"]
    end: Int[np.ndarray, " customers"]


def _days(keys: Int[np.ndarray, " rows"], layout: _Layout, today: int) -> _Days:
    """From all the sorted keys of some customers."""
    cells = keys >> layout.amount_bits
    edges = _edges(cells)
    money = _running(keys & ((1 << layout.amount_bits) - 1))[edges]
    cells = cells[edges[:-1]]
    customer, day = cells >> layout.day_bits, cells & ((1 << layout.day_bits) - 1)
    is_counted = money[1:] > money[:-1]
    edges = _edges(customer)
    first, end = edges[:-1], edges[1:]
    n_known = _running(day < today)
    unknown = first + n_known[end] - n_known[first]
    known = unknown > first
    return _Days(
        customer,
        day,
        is_counted,
        money,
        _running(is_counted),
        first[known],
        unknown[known],
        end[known],
    )


def _known(days: _Days, layout: _Layout, today: int) -> dict[str, np.ndarray]:
    """Column → value of each customer, of what was known."""
    first, end, day = days.first, days.today, days.day
    spend = days.money[end] - days.money[first]
    first_spent = days.money[first + 1] - days.money[first]
    frequency = days.n_counted[end] - days.n_counted[first] - (first_spent > 0)
    again = frequency > 0
    last = np.flatnonzero(days.is_counted)[days.n_counted[end[again]] - 1]
    recency, monetary_value = np.zeros(len(first)), np.full(len(first), np.nan)
    recency[again] = day[last] - day[first[again]]
    monetary_value[again] = _currency((spend - first_spent)[again]) / frequency[again]
    return {
        "customer_id": days.customer[first] + layout.first_id,
        "first_day": (day[first] + (layout.first_day - _EPOCH).days).astype(np.int32),
        "frequency": frequency,
        "recency": recency,
        # A day is a point, and the last observed day is the one before as_of.
        "T": (today - 1 - day[first]).astype(np.float64),
        "monetary_value": monetary_value,
        "first_amount": _currency(first_spent),
        "spend": _currency(spend),
    }


def _outcome(days: _Days) -> dict[str, np.ndarray]:
    """Column → value of each known customer, of what then happened."""
    return {
        "frequency_holdout": days.n_counted[days.end] - days.n_counted[days.today],
        "cash_holdout": _currency(days.money[days.end] - days.money[days.today]),
    }


def _edges(values: Int[np.ndarray, " n"]) -> Int[np.ndarray, " edges"]:
    """Where runs of equal values begin, and the end of the last."""
    return np.concatenate(([0], np.flatnonzero(values[1:] != values[:-1]) + 1, [len(values)]))


def _running(values: Int[np.ndarray, " n"] | Bool[np.ndarray, " n"]) -> Int[np.ndarray, " n+1"]:
    """The sum of all values before each edge."""
    sums = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=sums[1:])
    return sums


def _currency(units: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    return units / 10_000


def _frame(columns: dict[str, np.ndarray]) -> pl.DataFrame:
    """In the order and with the types of `summary_sql`."""
    known = ("frequency", "recency", "T", "monetary_value", "first_amount", "spend", "cash")
    outcome = [name for name in columns if name.endswith("holdout")]
    return (
        pl.DataFrame(columns)
        .with_columns(
            pl.col("first_day").cast(pl.Date),
            pl.col("monetary_value").fill_nan(None),
            is_buyer=True,
            cash="spend",
        )
        .select("customer_id", "first_day", "is_buyer", *known, *outcome)
    )
