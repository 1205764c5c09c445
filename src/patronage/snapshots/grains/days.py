"""Days: one row per customer and UTC day before as_of.

first_time, purchases (number of purchase events), spent (their money), cash (net money of the day),
gap (days since the counted day before it), wait (the same as recency counts: between first instants
of days, from the first purchase on), n_counted (counted days so far), net (cash since the last of
them).
"""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from patronage.events import EventLog
from patronage.events.schema import CASH_KINDS, KINDS, PURCHASE_KINDS
from patronage.snapshots.grains.activity import ACTIVITY
from patronage.snapshots.grains.grain import Asked, Grain, Known, Table, listed, table_of
from patronage.snapshots.grains.written import days_written

__all__ = ["DAYS", "days_of", "days_sql", "microseconds", "only_purchases"]


def only_purchases(log: EventLog) -> bool:
    """Nothing is in the log but purchases of some kind."""
    return set(log.kinds) <= {*PURCHASE_KINDS, *log.rated_kinds}


def days_of(
    log: EventLog,
    *,
    has_clock: bool | None = None,
    gaps: bool = False,
    waits: bool = False,
    nets: bool = False,
    among: str = "",
) -> str:
    """SQL text of `days` of what the log knows; see `days_sql`.

    among : SQL condition on customer_id; empty: every customer
    """
    ledger = log.ledger_sql()
    return days_sql(
        f"SELECT * FROM ({ledger}) WHERE {among}" if among else ledger,
        has_clock=log.has_clock if has_clock is None else has_clock,
        gaps=gaps,
        waits=waits,
        nets=nets,
        kinds=log.kinds,
        rated_kinds=log.rated_kinds,
    )


def days_sql(
    ledger: str,
    *,
    has_clock: bool,
    gaps: bool,
    waits: bool = False,
    nets: bool = False,
    kinds: tuple[str, ...] = KINDS,
    rated_kinds: tuple[str, ...] = (),
) -> str:
    """SQL text of `days` from the SQL text of a ledger.

    has_clock : carry the first instant of each day's purchases; else a day is a point
    gaps : also the days since the counted day before
    waits : also the days since then as recency counts them; with those of the first purchase on,
        their sum is the recency and their number the frequency
    nets : also the number of counted days so far, and the net cash since the last of them
    kinds, rated_kinds : as in `EventLog`
    """
    # Why: hashing and comparing timestamps that are all midnight costs a fifth of the query.
    if set(kinds) <= {*PURCHASE_KINDS, *rated_kinds}:
        first_time = ", min(first_time) AS first_time" if has_clock else ""
        days = f"""
            SELECT *, spent AS cash FROM (
                SELECT customer_id, event_day{first_time}, sum(n_events)::BIGINT AS purchases,
                       sum(amount)::DECIMAL(18,4) AS spent
                FROM ({ledger}) GROUP BY customer_id, event_day)"""
    else:
        purchase = f"kind IN ({listed((*PURCHASE_KINDS, *rated_kinds))})"
        money = f"kind IN ({listed((*CASH_KINDS, *rated_kinds))})"
        first_time = f", min(first_time) FILTER ({purchase}) AS first_time" if has_clock else ""
        days = f"""
            SELECT customer_id, event_day{first_time},
                   coalesce(sum(n_events) FILTER ({purchase}), 0)::BIGINT AS purchases,
                   coalesce(sum(amount) FILTER ({purchase}), 0)::DECIMAL(18,4) AS spent,
                   coalesce(sum(amount) FILTER ({money}), 0)::DECIMAL(18,4) AS cash
            FROM ({ledger}) GROUP BY customer_id, event_day"""
    return _with_further(days, has_clock=has_clock, gaps=gaps, waits=waits, nets=nets)


def _with_further(days: str, *, has_clock: bool, gaps: bool, waits: bool, nets: bool) -> str:
    """The days with the columns that look at the days before."""
    if nets:
        # A refund or fee belongs to the purchase that it follows.
        days = f"""
            SELECT *, sum(cash) OVER (PARTITION BY customer_id, n_counted ORDER BY event_day)
                      AS net
            FROM (SELECT *, count(*) FILTER (spent > 0) OVER (
                      PARTITION BY customer_id ORDER BY event_day) AS n_counted FROM ({days}))"""
    further = []
    if gaps:
        further.append(
            "CASE WHEN spent > 0 THEN event_day - max(event_day) FILTER (spent > 0) OVER past END "
            "AS gap"
        )
    if waits:
        instant = "epoch_us(first_time) / 86400e6" if has_clock else "epoch(event_day) / 86400"
        # Why coalesce: a first purchase worth nothing starts the customer, but is not counted.
        before = (
            f"coalesce(max({instant}) FILTER (spent > 0) OVER past, "
            f"min({instant}) FILTER (purchases > 0) OVER past)"
        )
        further.append(f"CASE WHEN spent > 0 THEN {instant} - {before} END AS wait")
    if not further:
        return days
    return f"""
        SELECT *, {", ".join(further)} FROM ({days})
        WINDOW past AS (PARTITION BY customer_id ORDER BY event_day
                        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"""


def microseconds(moment: date) -> int:
    """Since 1970, of an instant or of the first instant of a day."""
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)
    return round(
        (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1e6
    )


def _sql(asked: Asked) -> str:
    uses, log = asked.uses, asked.log
    further = {
        "gaps": "gap" in uses,
        "waits": "wait" in uses,
        "nets": bool({"net", "n_counted"} & uses),
    }
    # Why not with clocks or late news: the first instants, or the days anew, are of the ledger.
    written = None if log.has_clock or log.has_known_time else days_written(asked, make=False)
    if written is None:
        days = days_of(log, among=asked.among, **further)
    else:
        columns = frozenset({"purchases", "spent", "cash"} | ({"gap"} & uses))
        days = ACTIVITY.sql(replace(asked, uses=columns))
        days = _with_further(days, has_clock=False, **further | {"gaps": False})
    if "instant_us" not in uses:
        return days
    instant = "first_time" if asked.log.has_clock else "event_day::TIMESTAMP"
    return f"SELECT *, epoch_us({instant}) AS instant_us FROM ({days})"


def _fold(known: Known) -> Table:
    entries = known.entries
    days: dict[date, dict[str, Any]] = defaultdict(
        lambda: {"first_time": None, "purchases": 0, "spent": Decimal(0), "cash": Decimal(0)}
    )
    for (kind, event_day, _), cell in entries.cells.items():
        n, amount, _, _, first_time = cell[:5]
        day = days[event_day]
        if kind in entries.purchase_kinds:
            day["purchases"] += n
            day["spent"] += amount
            day["first_time"] = min(day["first_time"] or first_time, first_time)
        if kind in entries.cash_kinds:
            day["cash"] += amount
    last: date | None = None
    started: float | None = None
    counted_at: float | None = None
    n_counted, net = 0, Decimal(0)
    rows = []
    for event_day in sorted(days):
        day = days[event_day] | {"event_day": event_day}
        moment = day["first_time"] if entries.has_clock else event_day
        day["instant_us"] = None if moment is None else microseconds(moment)
        counts = day["spent"] > 0
        if counts:
            instant = day["instant_us"] / 86400e6
            before = started if counted_at is None else counted_at
            day["gap"] = None if last is None else (event_day - last).days
            day["wait"] = None if before is None else instant - before
            last, counted_at = event_day, instant
            n_counted, net = n_counted + 1, Decimal(0)
        if day["purchases"] > 0 and started is None:
            started = day["instant_us"] / 86400e6
        net += day["cash"]
        rows.append(day | {"n_counted": n_counted, "net": net})
    return table_of(DAYS.columns, rows)


DAYS: Final = Grain(
    {
        "event_day": "DATE",
        "first_time": "TIMESTAMP",
        "purchases": "BIGINT",
        "spent": "DECIMAL(18,4)",
        "cash": "DECIMAL(18,4)",
        "gap": "BIGINT",
        "wait": "DOUBLE",
        "n_counted": "BIGINT",
        "net": "DECIMAL(38,4)",
        "instant_us": "BIGINT",
    },
    _sql,
    _fold,
)
