"""Economics per customer, from tables by product, channel, segment or customer."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from patronage.engines import default_engine, literal, parquet
from patronage.errors import SettingsError
from patronage.events.schema import PURCHASE_KINDS
from patronage.snapshots import Snapshot
from patronage.value.economics import Economics
from patronage.value.rate_table import RateTable, read_rate_table

__all__ = ["economics_of"]


def economics_of(
    snapshot: Snapshot,
    *,
    margin: float | int | Any = 1.0,
    annual_discount_rate: float = 0.10,
    cac: float | int | Any = 0.0,
) -> tuple[Economics, tuple[str, ...]]:
    """Economics of the snapshot's customers, and notes on what was assumed.

    margin and cac are a number, or a table (path of a CSV or Parquet file, or a frame) with one
    column of keys, customer_id, product_id, channel or segment, and one of values. Only what the
    snapshot knows is used:

    - by customer: the customer's own value;
    - by product or channel of the events: the margin is the mean over the customer's own
      purchases, weighted by their money; the cac is that of the first purchase;
    - by segment, or a channel that events do not carry: by the column of the customers table.

    A customer without a known value gets the mean of those who have one (weighted by money for
    the margin), and a note says how many.
    """
    margins, margin_notes = _per_customer(snapshot, margin, "margin")
    costs, cac_notes = _per_customer(snapshot, cac, "cac")
    economics = Economics(margins, annual_discount_rate, costs)
    notes = [*margin_notes, *cac_notes]
    if isinstance(margins, float) and margins == 1.0:
        notes.insert(0, "The margin is 1: CLV is revenue, before any cost.")
    return economics, tuple(notes)


def _per_customer(
    snapshot: Snapshot, given: Any, what: str
) -> tuple[float | Float[np.ndarray, " customers"], list[str]]:
    if isinstance(given, int | float | np.number):
        return float(given), []
    table = read_rate_table(given, what)
    _check_range(table)
    if table.key == "customer_id":
        found = _by_id(snapshot.customers.select("customer_id"), table)
    elif table.key in snapshot.events.columns:
        found = _by_events(snapshot, table)
    else:
        found = _by_attribute(snapshot, table)
    ids = snapshot.customers.select("customer_id", "spend")
    rows = ids.join(found, on="customer_id", how="left", maintain_order="left")
    known = rows.filter(pl.col("value").is_not_null())
    if known.is_empty():
        raise SettingsError(
            f"no {table.key} of the {what} table occurs among the customers known at "
            f"{snapshot.as_of}; the table has for example {table.frame['key'][:3].to_list()}.\n"
            f"To mend: write the keys as the events write them, or give one {what} for all."
        )
    usual = _mean(known, by_money=what == "margin")
    notes = _unknown_keys(snapshot, table)
    missing = len(rows) - len(known)
    if missing:
        notes.append(
            f"{missing:,} of {len(rows):,} customers have no known {what} and take the mean of "
            f"the others, {usual:.4g}."
        )
    return rows["value"].fill_null(usual).to_numpy(), notes


def _check_range(table: RateTable) -> None:
    """The table's own values are refused by name, before any mean could hide them."""
    values = table.frame["value"].to_numpy()
    lowest, highest = int(values.argmin()), int(values.argmax())
    for row in (lowest, highest):
        try:
            value = float(values[row])
            Economics(margin=value) if table.what == "margin" else Economics(cac=value)
        except SettingsError as error:
            key = table.frame["key"][row]
            raise SettingsError(
                f"in the {table.what} table, {table.key} {key!r}: {error}"
            ) from error


def _mean(known: pl.DataFrame, *, by_money: bool) -> float:
    value, money = known["value"].to_numpy(), known["spend"].to_numpy().clip(min=0.0)
    weight = money if by_money and money.sum() > 0 else np.ones(len(value))
    return float(np.average(value, weights=weight))


def _by_id(ids: pl.DataFrame, table: RateTable) -> pl.DataFrame:
    return (
        ids.with_columns(pl.col("customer_id").cast(pl.String).alias("key"))
        .join(table.frame, on="key")
        .select("customer_id", "value")
    )


def _by_attribute(snapshot: Snapshot, table: RateTable) -> pl.DataFrame:
    people = snapshot.events.tables.latest().customers
    if people is None or table.key not in people.columns:
        raise SettingsError(
            f"the {table.what} table is by {table.key}, which neither the events nor the customers "
            f"table has; the events have {', '.join(snapshot.events.columns)}.\n"
            f"To mend: give --customers a table with a column {table.key}, or key the "
            f"{table.what} table by customer_id."
        )
    return (
        people.select("customer_id", pl.col(table.key).cast(pl.String).alias("key"))
        .join(table.frame, on="key")
        .select("customer_id", "value")
    )


def _by_events(snapshot: Snapshot, table: RateTable) -> pl.DataFrame:
    """The mean over a customer's purchases, or over those of the first instant for a cac."""
    bought = _purchases_sql(snapshot, table.key)
    if table.what == "margin":
        # Why: exact sums do not depend on the order in which threads add.
        mean = "(sum(amount * value::DECIMAL(9,6)) / nullif(sum(amount), 0))::DOUBLE"
        join = f"SELECT customer_id, amount, value FROM ({bought}) JOIN rates USING (key)"
    else:
        mean = "avg(value)"
        join = f"""
            SELECT customer_id, value FROM (
                SELECT * FROM ({bought}) QUALIFY
                event_time = min(event_time) OVER (PARTITION BY customer_id)
            ) JOIN rates USING (key)"""
    return _with_rates(
        table, f"SELECT customer_id, {mean} AS value FROM ({join}) GROUP BY customer_id"
    )


def _unknown_keys(snapshot: Snapshot, table: RateTable) -> list[str]:
    """A note on the keys of purchases that the table lacks, and the money they carry."""
    if table.key not in snapshot.events.columns or table.key == "customer_id":
        return []
    found = _with_rates(
        table,
        f"""
        SELECT key, sum(amount)::DOUBLE AS money, any_value(value) IS NULL AS unknown
        FROM ({_purchases_sql(snapshot, table.key)}) LEFT JOIN rates USING (key) GROUP BY key
        """,
    ).sort("money", descending=True)
    lost = found.filter("unknown")
    if lost.is_empty():
        return []
    share = float(lost["money"].to_numpy().sum() / found["money"].to_numpy().sum())
    names = ", ".join("none given" if key is None else str(key) for key in lost["key"][:3])
    return [
        f"the {table.what} table lacks {len(lost):,} of {len(found):,} values of {table.key} "
        f"({names}{', …' if len(lost) > 3 else ''}), with {share:.1%} of the money; these "
        "purchases are left out of the customers' means."
    ]


def _purchases_sql(snapshot: Snapshot, key: str) -> str:
    kinds = ", ".join(literal(kind) for kind in PURCHASE_KINDS)
    return (
        f"SELECT customer_id, event_time, amount, trim({key}::VARCHAR) AS key "
        f"FROM ({snapshot.events.sql()}) WHERE kind IN ({kinds}) AND amount > 0"
    )


def _with_rates(table: RateTable, query: str) -> pl.DataFrame:
    with TemporaryDirectory(prefix="patronage-") as folder:
        path = Path(folder) / "rates.parquet"
        table.frame.write_parquet(path)
        return default_engine().frame(f"WITH rates AS (SELECT * FROM {parquet([path])}) {query}")
