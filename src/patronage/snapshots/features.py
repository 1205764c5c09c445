"""Feature groups: aggregates over the days of one customer, as known at as_of.

`days` has one row per customer and UTC day before as_of: customer_id, event_day, first_time,
purchases (number of purchase events), spent (their money), cash (net money of the day), gap (days
since the counted day before it), wait (the same as recency counts: between first instants of days,
from the first purchase on). A group is a list of aggregates over `days`, and one line in FEATURES;
`:as_of` is the first unknown day, `:instant_us` the first instant of a day's purchases and
`:end_us` that up to which T runs, both in microseconds.
"""

from collections.abc import Mapping
from typing import Final

from patronage.events import EventLog
from patronage.events.schema import CASH_KINDS, KINDS, PURCHASE_KINDS

__all__ = [
    "FEATURES",
    "RUN_FEATURES",
    "SHORTEST_WAIT",
    "WINDOWS",
    "days_of",
    "days_sql",
    "only_purchases",
]

WINDOWS: Final = (7, 28, 56, 91, 182, 365)
# Days. Two purchases some minutes apart, around midnight, are no rhythm: their logarithm would
# outweigh all the others of a customer.
SHORTEST_WAIT: Final = 1 / 24


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
        purchase = f"kind IN ({_listed((*PURCHASE_KINDS, *rated_kinds))})"
        money = f"kind IN ({_listed((*CASH_KINDS, *rated_kinds))})"
        first_time = f", min(first_time) FILTER ({purchase}) AS first_time" if has_clock else ""
        days = f"""
            SELECT customer_id, event_day{first_time},
                   coalesce(sum(n_events) FILTER ({purchase}), 0)::BIGINT AS purchases,
                   coalesce(sum(amount) FILTER ({purchase}), 0)::DECIMAL(18,4) AS spent,
                   coalesce(sum(amount) FILTER ({money}), 0)::DECIMAL(18,4) AS cash
            FROM ({ledger}) GROUP BY customer_id, event_day"""
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


def _listed(kinds: tuple[str, ...]) -> str:
    return ", ".join(f"'{kind}'" for kind in kinds)


_RHYTHM: Final = {
    "days_since_last": ":as_of - max(event_day) FILTER (spent > 0)",
    "mean_gap": "avg(gap)",
    "sd_gap": "stddev_samp(gap)",
    "max_gap": "max(gap)::DOUBLE",
    "last_gap": "(arg_max(gap, event_day) FILTER (spent > 0))::DOUBLE",
}

_MONEY: Final = {
    "mean_spent": "(avg(spent) FILTER (spent > 0))::DOUBLE",
    "max_spent": "max(spent)::DOUBLE",
    "last_spent": "(arg_max(spent, event_day) FILTER (spent > 0))::DOUBLE",
    "n_refund_days": "count(*) FILTER (cash < spent)",
}

_WINDOWS: Final = {
    **{
        f"purchases_{days}": f"count(*) FILTER (spent > 0 AND event_day >= :as_of - {days})"
        for days in WINDOWS
    },
    **{
        f"cash_{days}": f"coalesce(sum(cash) FILTER (event_day >= :as_of - {days}), 0)::DOUBLE"
        for days in WINDOWS
    },
}

# Rounded, so that equal waits in another order are the same number. Why the filter: `greatest`
# passes over NULL, and a first purchase would count as the shortest wait.
_REGULARITY: Final = {
    "log_gaps": f"coalesce(round(sum(ln(greatest(wait, {SHORTEST_WAIT!r})))"
    " FILTER (wait IS NOT NULL), 9), 0)::DOUBLE",
    "n_short_gaps": f"count(*) FILTER (wait < {SHORTEST_WAIT!r})",
}

# Exact decimals of logarithms, so that a sum does not depend on its order.
_LOG: Final = "ln(CASE WHEN spent > 0 THEN spent::DOUBLE END)"
_AMOUNTS: Final = {
    "log_spent": f"sum({_LOG}::DECIMAL(18,12))::DOUBLE",
    "log_spent_squared": f"sum(({_LOG} * {_LOG})::DECIMAL(18,12))::DOUBLE",
}

# Net money of each counted purchase: its day's cash and all that follows before the next one. Its
# square is what the running sum's square grows by, day by day.
_NETS: Final = {
    "net_spent": "(sum(cash) FILTER (n_counted > 0))::DOUBLE",
    "net_spent_squared": "(sum(cash::DECIMAL(38,4) * (net + net - cash)::DECIMAL(38,4))"
    " FILTER (n_counted > 0))::DOUBLE",
}

# Purchases that cost nothing are no counted days; here they are.
_FREE: Final = {
    "free_days": "count(*) FILTER (purchases > 0 AND NOT spent > 0)",
    "days_since_any": "(:end_us - max(:instant_us) FILTER (purchases > 0)) / 86400e6",
}

FEATURES: Final[Mapping[str, Mapping[str, str]]] = {
    "rhythm": _RHYTHM,
    "money": _MONEY,
    "windows": _WINDOWS,
    "regularity": _REGULARITY,
    "amounts": _AMOUNTS,
    "nets": _NETS,
    "free": _FREE,
}

# What a run of many models takes at once, for all of its snapshots; the other groups cost more than
# they are read, and a model that reads one asks for it.
RUN_FEATURES: Final = ("rhythm", "money", "windows")
