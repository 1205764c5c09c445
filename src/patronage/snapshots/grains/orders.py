"""Orders: one row per customer and order; without order ids, per day with a purchase.

`place` counts the orders from the first, `place_back` from the last; `age` is in days from the
first.
"""

from decimal import Decimal
from typing import Any, Final

from patronage.snapshots.grains.entries import Entries
from patronage.snapshots.grains.grain import Asked, Grain, Known, Table, listed, table_of

__all__ = ["ORDERS"]


def _sql(asked: Asked) -> str:
    log = asked.log
    day = "event_time::DATE"
    key = f"coalesce(order_id, {day}::VARCHAR)" if "order_id" in log.columns else f"{day}::VARCHAR"
    quantity = (
        "sum(TRY_CAST(quantity AS DECIMAL(18,4)))::DECIMAL(18,4)"
        if "quantity" in log.columns
        else "NULL::DECIMAL(18,4)"
    )
    kinds = Entries(log.has_clock, log.rated_kinds).purchase_kinds
    rows = (
        f"SELECT customer_id, {key} AS order_id, count(*) AS lines, {quantity} AS items, "
        f"coalesce(sum(amount), 0)::DECIMAL(18,4) AS spent, min(event_time) AS first_time, "
        f"min({day}) AS event_day FROM ({asked.some(log.sql())}) "
        f"WHERE kind IN ({listed(kinds)}) GROUP BY customer_id, {key}"
    )
    own = "PARTITION BY customer_id"
    numbered = {
        "place": f"row_number() OVER ({own} ORDER BY first_time, order_id)",
        "place_back": f"row_number() OVER ({own} ORDER BY first_time DESC, order_id DESC)",
        "age": f"event_day - min(event_day) OVER ({own})",
    }
    more = "".join(f", {sql} AS {name}" for name, sql in numbered.items() if name in asked.uses)
    return f"SELECT *{more} FROM ({rows})"


def _fold(known: Known) -> Table:
    entries = known.entries
    orders: dict[str, dict[str, Any]] = {}
    for (order, kind, event_day, _), (lines, items, spent, time) in entries.orders.items():
        if kind not in entries.purchase_kinds:
            continue
        if order not in orders:
            orders[order] = {
                "order_id": order,
                "lines": 0,
                "items": None,
                "spent": Decimal(0),
                "first_time": time,
                "event_day": event_day,
            }
        row = orders[order]
        row["lines"] += lines
        row["spent"] += spent
        if items is not None:
            row["items"] = (row["items"] or Decimal(0)) + items
        row["first_time"] = min(row["first_time"], time)
        row["event_day"] = min(row["event_day"], event_day)
    rows = sorted(orders.values(), key=lambda row: (row["first_time"], row["order_id"]))
    for place, row in enumerate(rows):
        row["place"], row["place_back"] = place + 1, len(rows) - place
        row["age"] = (row["event_day"] - rows[0]["event_day"]).days
    return table_of(ORDERS.columns, rows)


ORDERS: Final = Grain(
    {
        "order_id": "VARCHAR",
        "lines": "BIGINT",
        "items": "DECIMAL(18,4)",
        "spent": "DECIMAL(18,4)",
        "first_time": "TIMESTAMP",
        "event_day": "DATE",
        "place": "BIGINT",
        "place_back": "BIGINT",
        "age": "BIGINT",
    },
    _sql,
    _fold,
)
