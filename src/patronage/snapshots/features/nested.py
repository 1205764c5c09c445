"""Features over spans without a FILTER for each window: their texts over running sums.

A hundred sums over nested windows are differences of as many running sums as there are columns.
The texts stay the definition: each windowed sum in them becomes the name of a column that holds it,
and DuckDB evaluates what is left, so that types, NULLs and rounding are its own. It refuses what it
does not know; the grouping of the spans then answers, as it does on other engines.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import polars as pl

from patronage.engines import DuckEngine
from patronage.snapshots.by_customer import made_by_customer
from patronage.snapshots.grains import Asked
from patronage.snapshots.grains.activity import ACTIVITY, ADDED, days_in_order
from patronage.snapshots.grains.running import Within, sums_within
from patronage.snapshots.grains.spans import DAYS_WITH, SPANS

__all__ = ["nested_frame"]

# As `windowed.within` writes it. Over no rows it is 0, as the difference of running sums is.
_WITHIN: Final = re.compile(
    r"coalesce\(sum\((\w+)\) FILTER \(span <= (\d+)(?: AND span > (\d+))?\), 0\)"
)


def nested_frame(asked: Asked, lines: Mapping[str, str]) -> pl.DataFrame | None:
    """Features over spans, sorted by customer_id; None: grouping must make them.

    lines : feature → SQL
    """
    if asked.log.elsewhere is not None:
        return None
    sums: set[Within] = set()

    def named(found: re.Match[str]) -> str:
        column, days, after = found.groups("0")
        sums.add(Within(column, int(days), int(after)))
        return Within(column, int(days), int(after)).name

    texts = {feature: _WITHIN.sub(named, sql) for feature, sql in lines.items()}
    left = {word for sql in texts.values() for word in re.findall(r"[a-z_]\w*", sql)}
    if left & {*SPANS.columns, "count"}:
        return None
    columns = {column for one in sums for column in DAYS_WITH.get(one.column, (one.column,))}
    listed = "".join(f", {_whole(column)} AS {column}" for column in ADDED if column in columns)
    back = ", ".join(f"{_back(one)} AS {one.name}" for one in sorted(sums))
    features = ", ".join(f"{sql} AS {feature}" for feature, sql in texts.items())

    def make(engine: DuckEngine, among: str) -> pl.DataFrame:
        days = days_in_order(replace(asked, among=among, uses=frozenset(columns)))
        rows = engine.frame(f"SELECT customer_id, event_day{listed} FROM ({days})")
        found = sums_within(rows, asked.as_of, sums, DAYS_WITH)
        return engine.over(
            found, f"SELECT customer_id, {features} FROM (SELECT customer_id, {back} FROM frame)"
        )

    return made_by_customer(asked.log, make)


def _is_money(column: str) -> bool:
    return ACTIVITY.columns.get(column, "BIGINT") != "BIGINT"


def _whole(column: str) -> str:
    """SQL of a column in whole units: ten-thousandths of a decimal."""
    return f"({column} * 10000)::BIGINT" if _is_money(column) else column


def _back(one: Within) -> str:
    """SQL of a sum in the type that a sum has."""
    return f"({one.name}::DECIMAL(19,0) * 0.0001)::DECIMAL(38,4)" if _is_money(one.column) else one.name
