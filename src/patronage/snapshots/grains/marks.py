"""Marks: one row per customer and value of one column: how often, for how much, first and last day.

`latest`, `earliest` and `top` number the values of a customer: 1 is the one seen last, first, most
often; ties go to the more frequent, then to the first in the alphabet.
"""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from patronage.engines import identifier
from patronage.snapshots.grains.entries import Entries
from patronage.snapshots.grains.grain import Asked, Grain, Known, Table, listed, table_of

__all__ = ["MARKS", "PRODUCT_MARKS"]

# Columns of which only the purchases are counted; of the others every event.
_OF_PURCHASES: Final = ("channel", "payment_method", "product_id")

# Columns of the products table; counted by the product bought.
PRODUCT_MARKS: Final = ("category", "role")

_COLUMNS: Final[Mapping[str, str]] = {
    "value": "VARCHAR",
    "n": "BIGINT",
    "money": "DECIMAL(18,4)",
    "first_day": "DATE",
    "last_day": "DATE",
    "latest": "BIGINT",
    "earliest": "BIGINT",
    "top": "BIGINT",
}

_RANKS: Final[Mapping[str, str]] = {
    "latest": "last_day DESC, n DESC, value",
    "earliest": "first_day, n DESC, value",
    "top": "n DESC, money DESC, value",
}


def _counted(asked: Asked, dimension: str) -> str:
    """SQL of customer_id, value, n, money, first_day, last_day."""
    log = asked.log
    events = asked.some(log.sql())
    column = "text" if dimension == "word" else dimension
    if column not in log.columns:
        return (
            "SELECT customer_id, NULL::VARCHAR AS value, 0::BIGINT AS n, amount AS money, "
            f"event_time::DATE AS first_day, event_time::DATE AS last_day FROM ({events}) "
            "WHERE false"
        )
    value = identifier(column)
    where = f"{value} IS NOT NULL"
    if dimension in _OF_PURCHASES:
        kinds = Entries(log.has_clock, log.rated_kinds).purchase_kinds
        where += f" AND kind IN ({listed(kinds)})"
    rows = f"SELECT customer_id, event_time, amount, {value} AS value FROM ({events}) WHERE {where}"
    if dimension == "word":
        rows = (
            "SELECT customer_id, event_time, amount, substr(md5(word), 1, 1) AS value FROM ("
            "SELECT customer_id, event_time, amount, unnest(string_split(lower(value), ' ')) "
            f"AS word FROM ({rows})) WHERE word <> ''"
        )
    return (
        "SELECT customer_id, value, count(*) AS n, "
        "coalesce(sum(amount), 0)::DECIMAL(18,4) AS money, "
        "min(event_time)::DATE AS first_day, max(event_time)::DATE AS last_day "
        f"FROM ({rows}) GROUP BY customer_id, value"
    )


def _of_products(asked: Asked, column: str) -> str:
    """The same by a column of the products bought, as known at as_of."""
    bought = _counted(asked, "product_id")
    products = asked.log.tables.products
    if products is None or column not in products.columns:
        return f"SELECT * FROM ({bought}) WHERE false"
    return (
        f"SELECT b.customer_id, p.{identifier(column)}::VARCHAR AS value, sum(b.n)::BIGINT AS n, "
        "sum(b.money)::DECIMAL(18,4) AS money, min(b.first_day) AS first_day, "
        f"max(b.last_day) AS last_day FROM ({bought}) AS b "
        f"JOIN ({asked.side['products']}) AS p ON b.value = p.product_id "
        f"WHERE p.{identifier(column)} IS NOT NULL GROUP BY b.customer_id, p.{identifier(column)}"
    )


def _ranked(asked: Asked, counted: str) -> str:
    ranks = "".join(
        f", row_number() OVER (PARTITION BY customer_id ORDER BY {order}) AS {name}"
        for name, order in _RANKS.items()
        if name in asked.uses
    )
    return f"SELECT *{ranks} FROM ({counted})"


def _found(known: Known, dimension: str) -> dict[str, list[Any]]:
    """Value → n, money, first day, last day."""
    kinds = known.entries.purchase_kinds if dimension in _OF_PURCHASES else None
    found: dict[str, list[Any]] = {}
    for (name, value, kind, event_day, _), (n, money) in known.entries.marks.items():
        if name == dimension and (kinds is None or kind in kinds):
            _add(found, value, n, money, event_day, event_day)
    return found


def _add(
    found: dict[str, list[Any]], value: str, n: int, money: Decimal, first: date, last: date
) -> None:
    there = found.setdefault(value, [0, Decimal(0), first, last])
    there[0] += n
    there[1] += money
    there[2], there[3] = min(there[2], first), max(there[3], last)


def _found_of_products(known: Known, column: str) -> dict[str, list[Any]]:
    products = known.tables.products
    if products is None or column not in products.columns:
        return {}
    of = dict(zip(products["product_id"], products[column], strict=True))
    found: dict[str, list[Any]] = {}
    for product, counted in _found(known, "product_id").items():
        if of.get(product) is not None:
            _add(found, str(of[product]), *counted)
    return found


def _table(found: dict[str, list[Any]]) -> Table:
    names = ("n", "money", "first_day", "last_day")
    rows = [
        {"value": value, **dict(zip(names, counted, strict=True))}
        for value, counted in found.items()
    ]
    orders: Mapping[str, Callable[[dict[str, Any]], tuple[Any, ...]]] = {
        "latest": lambda row: (-row["last_day"].toordinal(), -row["n"], row["value"]),
        "earliest": lambda row: (row["first_day"], -row["n"], row["value"]),
        "top": lambda row: (-row["n"], -row["money"], row["value"]),
    }
    for name, order in orders.items():
        for place, row in enumerate(sorted(rows, key=order), 1):
            row[name] = place
    return table_of(_COLUMNS, rows)


def _of(dimension: str) -> Grain:
    if dimension in PRODUCT_MARKS:
        return Grain(
            _COLUMNS,
            lambda asked: _ranked(asked, _of_products(asked, dimension)),
            lambda known: _table(_found_of_products(known, dimension)),
        )
    return Grain(
        _COLUMNS,
        lambda asked: _ranked(asked, _counted(asked, dimension)),
        lambda known: _table(_found(known, dimension)),
    )


MARKS: Final[Mapping[str, Grain]] = {
    f"marks:{dimension}": _of(dimension)
    for dimension in (
        *("channel", "payment_method", "product_id", "category", "role"),
        *("campaign", "policy", "device", "word"),
    )
}
