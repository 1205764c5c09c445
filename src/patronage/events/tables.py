"""The four slowly changing tables beside the log, joined only as known at as_of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

__all__ = ["KEYS", "SideTables"]

# Table → the columns that name one thing; rows that share them are versions of it.
KEYS: Final[Mapping[str, list[str]]] = {
    "customers": ["customer_id"],
    "products": ["product_id"],
    "links": ["customer_id", "other_id", "relation"],
    "calendar": ["start", "name"],
}


@dataclass(frozen=True)
class SideTables:
    """Each a Polars frame with `known_time` (UTC, without zone) and its own key, or None.

    Attributes
    ----------
    customers : customer_id, known_time, then any attributes
    products : product_id, known_time, then category, role, unit_cost, launch, end, …
    links : customer_id, other_id, relation, known_time
    calendar : start, end (the last day, where it is given), name, kind, known_time; a column
        `value` holds a discount or an index
    """

    customers: pl.DataFrame | None = None
    products: pl.DataFrame | None = None
    links: pl.DataFrame | None = None
    calendar: pl.DataFrame | None = None

    def before(self, as_of: date) -> "SideTables":
        """Rows learned strictly before `as_of`; every version of them, so that it can rewind."""
        bound = pl.lit(as_of).cast(pl.Datetime("us"))
        return SideTables(
            **{
                name: None if table is None else table.filter(pl.col("known_time") < bound)
                for name, table in self._tables().items()
            }
        )

    def latest(self) -> "SideTables":
        """Of each key only the version learned last."""
        return SideTables(
            **{
                name: None
                if table is None
                else table.sort("known_time", maintain_order=True).unique(
                    KEYS[name], keep="last", maintain_order=True
                )
                for name, table in self._tables().items()
            }
        )

    def _tables(self) -> dict[str, pl.DataFrame | None]:
        return {name: getattr(self, name) for name in KEYS}
