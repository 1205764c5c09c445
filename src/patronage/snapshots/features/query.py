"""The columns of feature groups: one query for each grain, joined to the customers."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from uuid import uuid4

import polars as pl

from patronage.engines import parquet
from patronage.events import EventLog
from patronage.events.workspace import Workspace
from patronage.snapshots.by_customer import frame_by_customer
from patronage.snapshots.features.catalog import FEATURES
from patronage.snapshots.features.group import marked
from patronage.snapshots.features.read_off import frame_read_off, is_read_off
from patronage.snapshots.grains import GRAINS, Asked

__all__ = ["by_grain", "features_of", "uses_of"]


def by_grain(groups: Sequence[str]) -> dict[str, dict[str, str]]:
    """Grain → feature → SQL, of the groups named."""
    found: dict[str, dict[str, str]] = {}
    for name in groups:
        found.setdefault(FEATURES[name].grain, {}).update(FEATURES[name])
    return found


def uses_of(lines: Mapping[str, str]) -> frozenset[str]:
    """Every word of the texts: the columns that they read are among them."""
    return frozenset(word for sql in lines.values() for word in re.findall(r"[a-z_]\w*", sql))


def features_of(
    customers: pl.DataFrame, log: EventLog, as_of: date, groups: Sequence[str]
) -> pl.DataFrame:
    """The customers, sorted, with the features of groups; a customer without rows in a grain has
    what the aggregates say of none.

    log : cut at as_of
    """
    read = [name for name in groups if log.elsewhere is None and is_read_off(FEATURES[name])]
    others = [name for name in groups if name not in read]
    with _side_tables(log) as side:
        asked = Asked(log, as_of, side=side)
        if read:
            lines = {feature: sql for name in read for feature, sql in FEATURES[name].items()}
            found = frame_read_off(asked, lines, _of_frame).drop("customer_id")
            customers = pl.concat([customers, found], how="horizontal")
        for name, lines in by_grain(others).items():
            customers = _joined(customers, replace(asked, uses=uses_of(lines)), name, lines)
    return customers


def _of_frame(lines: Mapping[str, str]) -> str:
    features = "".join(f", {sql} AS {feature}" for feature, sql in lines.items())
    return f"SELECT customer_id{features} FROM frame"


def _joined(
    customers: pl.DataFrame, asked: Asked, name: str, lines: Mapping[str, str]
) -> pl.DataFrame:
    grain = GRAINS[name]
    aggregates = marked(
        ", ".join(f"{sql} AS {feature}" for feature, sql in lines.items()),
        asked.as_of,
        has_clock=asked.log.has_clock,
    )
    if grain.of_everybody:
        row = asked.log.engine.frame(f"SELECT {aggregates} FROM ({grain.sql(asked)})")
        return customers.with_columns(
            pl.lit(row[column][0], row.schema[column]).alias(column) for column in row.columns
        )

    found = frame_by_customer(asked.log, _query(asked, name, aggregates))
    ids = customers["customer_id"]
    if len(found) == len(ids) and (found["customer_id"] == ids).all():
        return pl.concat([customers, found.drop("customer_id")], how="horizontal")
    none = asked.log.engine.frame(
        f"SELECT {aggregates} FROM (SELECT * FROM ({grain.sql(asked)}) WHERE false)"
    )
    joined = customers.join(
        found.with_columns(_there=True), on="customer_id", how="left", maintain_order="left"
    )
    return joined.with_columns(
        pl.when("_there").then(feature).otherwise(pl.lit(none[feature][0])).alias(feature)
        for feature in lines
        if none[feature][0] is not None
    ).drop("_there")


def _query(asked: Asked, name: str, aggregates: str) -> Callable[[str], str]:
    def query(among: str) -> str:
        rows = GRAINS[name].sql(replace(asked, among=among))
        return f"SELECT customer_id, {aggregates} FROM ({rows}) GROUP BY customer_id"

    return query


@contextmanager
def _side_tables(log: EventLog) -> Iterator[dict[str, str]]:
    """SQL text of the side tables that there are, written down for as long as they are read."""
    workspace = log.workspace or Workspace()
    side = {}
    paths = []
    for name, table in vars(log.tables.latest()).items():
        if table is not None:
            path = workspace.path / f"{name}-{uuid4().hex}.parquet"
            table.write_parquet(path)
            paths.append(path)
            side[name] = f"SELECT * FROM {parquet([path])}"
    try:
        yield side
    finally:
        for path in paths:
            path.unlink()
