"""SQL of the summary of each customer: RFM, money and the feature groups asked for."""

from collections.abc import Mapping
from datetime import date

from patronage.engines import literal
from patronage.events import EventLog
from patronage.snapshots.features import only_purchases

__all__ = ["over", "summary_sql"]


def over(aggregate: str, *conditions: str) -> str:
    """SQL of an aggregate over the rows that meet all conditions; empty ones are left out."""
    where = " AND ".join(condition for condition in conditions if condition)
    return f"{aggregate} FILTER ({where})" if where else aggregate


def summary_sql(
    days: str,
    log: EventLog,
    as_of: date,
    *,
    extra: Mapping[str, str],
    known: str = "",
    grouped: bool = True,
) -> str:
    """One row per customer with the columns of `Snapshot.customers`, in no order.

    days : SQL text of the days of the customers (see `days_sql`)
    extra : further column → aggregate over `days`
    known : SQL condition on `days` of what the RFM columns may use; empty: all of it
    grouped : else `days` has one row per customer, and something to stand for each aggregate
    """
    day = f"DATE {literal(as_of.isoformat())}"
    # Why: where nothing but purchases is in the log, every day is a purchase day and net cash is
    # gross spend; leaving the tests out saves a third of the query.
    plain = only_purchases(log)
    bought = "" if plain else "purchases > 0"
    aggregates = {
        "first_purchase_day": over("min(event_day)", bought, known),
        **({} if plain else {"first_event_day": over("min(event_day)", known)}),
        "last_counted_day": over("max(event_day)", "spent > 0", known),
        "counted_days": over("count(*)", "spent > 0", known),
        "first_spent": over("arg_min(spent, event_day)", bought, known),
        "spend": over("sum(spent)", known),
        **({} if plain else {"cash": over("sum(cash)", known)}),
    }
    if log.has_clock:
        aggregates["first_time"] = over("min(first_time)", known)
        aggregates["last_time"] = over("max(first_time)", "spent > 0", known)
    aggregates |= extra
    listed = ", ".join(f"{sql} AS {name}" for name, sql in aggregates.items())
    first_day = "first_purchase_day" if plain else "coalesce(first_purchase_day, first_event_day)"
    if log.has_clock:
        start = f"coalesce(first_time, {first_day}::TIMESTAMP)"
        recency = f"(epoch_us(last_time) - epoch_us({start})) / 86400e6"
        T = f"(epoch_us({day}::TIMESTAMP) - epoch_us({start})) / 86400e6"
    else:
        recency = f"(last_counted_day - {first_day})::DOUBLE"
        # A day is a point, and the last observed day is the one before as_of.
        T = f"({day} - 1 - {first_day})::DOUBLE"
    counted_first = "(first_spent IS NOT NULL AND first_spent > 0)"
    is_buyer = "true" if plain else "first_purchase_day IS NOT NULL"
    cash = "spend" if plain else "cash"
    rest = "".join(f", {name}" for name in extra)
    by = " GROUP BY customer_id" if grouped else ""
    return f"""
        WITH days AS ({days}),
        totals AS (SELECT customer_id, {listed} FROM days{by}),
        counted AS (SELECT *, counted_days - {counted_first}::INT AS frequency FROM totals)
        SELECT customer_id, {first_day} AS first_day, {is_buyer} AS is_buyer, frequency,
               CASE WHEN frequency > 0 THEN {recency} ELSE 0.0 END AS recency, {T} AS T,
               CASE WHEN frequency > 0 THEN
                   (spend - CASE WHEN {counted_first} THEN first_spent ELSE 0 END)::DOUBLE
                   / frequency END AS monetary_value,
               coalesce(first_spent, 0)::DOUBLE AS first_amount,
               coalesce(spend, 0)::DOUBLE AS spend, coalesce({cash}, 0)::DOUBLE AS cash{rest}
        FROM counted
        """ + ("" if not known else f"WHERE {first_day} IS NOT NULL ")
