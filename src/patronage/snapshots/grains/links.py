"""Links: one row per customer and customer linked to it, with what was known of the other."""

from dataclasses import replace
from typing import Any, Final

from patronage.snapshots.grains.days import DAYS
from patronage.snapshots.grains.grain import Asked, Grain, Known, Table, table_of

__all__ = ["LINKS", "linked_to"]


def _sql(asked: Asked) -> str:
    if "links" not in asked.side:
        empty = ", ".join(f"NULL::{kind} AS {name}" for name, kind in LINKS.columns.items())
        return f"SELECT customer_id, {empty} FROM ({asked.log.ledger_sql()}) WHERE false"
    links = asked.side["links"]
    both_ways = (
        f"SELECT customer_id, other_id, relation FROM ({links}) UNION "
        f"SELECT other_id AS customer_id, customer_id AS other_id, relation FROM ({links})"
    )
    edges = asked.some(
        "SELECT customer_id, other_id, count(*) AS relations "
        f"FROM ({both_ways}) WHERE customer_id <> other_id GROUP BY customer_id, other_id"
    )
    days = DAYS.sql(replace(asked, among="", uses=frozenset()))
    return f"""
        SELECT e.customer_id, e.relations, coalesce(t.days, 0) AS other_days,
               coalesce(t.spent, 0)::DECIMAL(18,4) AS other_spent,
               t.first_day AS other_first_day, t.last_day AS other_last_day
        FROM ({edges}) AS e LEFT JOIN (
            SELECT customer_id, count(*) FILTER (spent > 0) AS days,
                   sum(spent)::DECIMAL(18,4) AS spent,
                   min(event_day) FILTER (spent > 0) AS first_day,
                   max(event_day) FILTER (spent > 0) AS last_day
            FROM ({days}) GROUP BY customer_id
        ) AS t ON e.other_id = t.customer_id"""


def linked_to(known: Known) -> dict[Any, int]:
    """Customer → number of relations to it."""
    links = known.tables.links
    if links is None:
        return {}
    pairs = links.select("customer_id", "other_id", "relation").rows()
    found = {
        (b if a == known.customer_id else a, relation)
        for a, b, relation in pairs
        if a != b and known.customer_id in (a, b)
    }
    others = [other for other, _ in found]
    return {other: others.count(other) for other in others}


def _fold(known: Known) -> Table:
    rows = []
    for other, relations in linked_to(known).items():
        entries = known.neighbours.get(other)
        days = None if entries is None else DAYS.fold(replace(known, entries=entries))
        counted = (
            []
            if days is None
            else [
                day
                for day, spent in zip(days["event_day"], days["spent"], strict=True)
                if spent > 0
            ]
        )
        rows.append(
            {
                "relations": relations,
                "other_days": len(counted),
                "other_spent": sum(days["spent"]) if days else 0,
                "other_first_day": min(counted, default=None),
                "other_last_day": max(counted, default=None),
            }
        )
    return table_of(LINKS.columns, rows)


LINKS: Final = Grain(
    {
        "relations": "BIGINT",
        "other_days": "BIGINT",
        "other_spent": "DECIMAL(18,4)",
        "other_first_day": "DATE",
        "other_last_day": "DATE",
    },
    _sql,
    _fold,
)
