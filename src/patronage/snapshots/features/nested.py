"""Sums over nested windows without a FILTER for each: the texts of features over running sums.

A hundred sums over nested windows are differences of as many running sums as there are columns.
The texts stay the definition: each windowed sum in them becomes the name of a column that holds it,
and DuckDB evaluates what is left, so that types, NULLs and rounding are its own. A text with
anything else in it is left to the grouping of its grain, as every text is on other engines.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import polars as pl

from patronage.engines import DuckEngine, decimal_column, side_by_side
from patronage.snapshots.by_customer import made_by_customer
from patronage.snapshots.features.group import Group
from patronage.snapshots.grains import Asked
from patronage.snapshots.grains.activity import ACTIVITY
from patronage.snapshots.grains.added import ADDED
from patronage.snapshots.grains.days import DAYS
from patronage.snapshots.grains.running import Within, sums_within
from patronage.snapshots.grains.spans import DAYS_WITH, SPANS
from patronage.snapshots.grains.written import days_files

__all__ = ["is_nested", "nested_frame"]

# As `windowed` and `history` write them, over spans and over days. Each is 0 over no rows, as the
# difference of running sums is.
_SPELLINGS: Final[Mapping[re.Pattern[str], Callable[[re.Match[str]], Within]]] = {
    re.compile(
        r"coalesce\(sum\((\w+)\) FILTER \(span <= (\d+)(?: AND span > (\d+))?\), 0\)"
    ): lambda found: Within(found[1], int(found[2]), int(found[3] or 0)),
    re.compile(
        r"coalesce\(sum\((cash)\) FILTER \(event_day >= :as_of - (\d+)\), 0\)"
    ): lambda found: Within(found[1], int(found[2]), 0),
    re.compile(r"count\(\*\) FILTER \(spent > 0 AND event_day >= :as_of - (\d+)\)"): lambda found: (
        Within("buying_days", int(found[1]), 0)
    ),
}
_WORDS: Final = frozenset({*DAYS.columns, *SPANS.columns, "as_of", "count"})


def is_nested(group: Group) -> bool:
    """Whether the features of a group are nothing but windowed sums and arithmetic on them."""
    texts, _ = _over_sums(group)
    left = {word for sql in texts.values() for word in re.findall(r"[a-z_]\w*", sql)}
    return group.grain in ("days", "spans") and left.isdisjoint(_WORDS)


def nested_frame(asked: Asked, lines: Mapping[str, str]) -> pl.DataFrame:
    """Features of nested groups, sorted by customer_id; every customer has a row. On DuckDB alone.

    lines : feature → SQL
    """
    texts, sums = _over_sums(lines)
    columns = {column for one in sums for column in DAYS_WITH.get(one.column, (one.column,))}
    added = [column for column in ADDED if column in columns]
    features = ", ".join(f"{sql} AS {feature}" for feature, sql in texts.items())
    sql = f"SELECT customer_id, {features} FROM frame"

    def found(engine: DuckEngine, rows: pl.DataFrame) -> pl.DataFrame:
        whole = rows.with_columns(pl.col(pl.Decimal).to_physical().cast(pl.Int64))
        frame = sums_within(whole, asked.as_of, sums, DAYS_WITH)
        money = {
            one.name for one in sums if ACTIVITY.columns.get(one.column, "") == "DECIMAL(18,4)"
        }
        decimals = [decimal_column(frame[name].to_numpy(), 38, 4).alias(name) for name in money]
        return engine.over(frame.with_columns(decimals), sql)

    def of_file(engine: DuckEngine, path: Path) -> pl.DataFrame:
        there = pl.read_parquet_schema(path)
        rows = pl.read_parquet(
            path, columns=["customer_id", "event_day", *(name for name in added if name in there)]
        )
        none = [pl.lit(0, pl.Int64).alias(name) for name in added if name not in there]
        return found(engine, rows.with_columns(none))

    def of_some(engine: DuckEngine, among: str) -> pl.DataFrame:
        days = ACTIVITY.sql(replace(asked, among=among, uses=frozenset(columns)))
        return found(engine, engine.frame(f"{days} ORDER BY customer_id, event_day"))

    files = days_files(asked)
    if files is None:
        return made_by_customer(asked.log, of_some)
    return pl.concat(side_by_side(of_file, files), rechunk=False)


def _over_sums(lines: Mapping[str, str]) -> tuple[dict[str, str], set[Within]]:
    """The texts with a column for each windowed sum, and these sums."""
    sums: set[Within] = set()
    texts = dict(lines)
    for spelling, meant in _SPELLINGS.items():

        def named(found: re.Match[str], meant: Callable[..., Within] = meant) -> str:
            sums.add(meant(found))
            return meant(found).name

        texts = {feature: spelling.sub(named, sql) for feature, sql in texts.items()}
    return texts, sums
