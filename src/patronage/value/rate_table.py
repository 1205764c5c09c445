"""A table of margins or acquisition costs: one column of keys, one of values."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from patronage.errors import SettingsError

__all__ = ["KEYS", "RateTable", "read_rate_table"]

# What a table may be keyed by, the most telling first.
KEYS: Final = ("customer_id", "product_id", "channel", "segment")
_SPELLINGS: Final = {
    "customer": "customer_id",
    "product": "product_id",
    "sku": "product_id",
    "stockcode": "product_id",
    "acquisition_channel": "channel",
}


@dataclass(frozen=True)
class RateTable:
    """Values by key.

    Attributes
    ----------
    what : 'margin' or 'cac', for messages
    key : one of KEYS
    frame : key (text, distinct) and value (float)
    """

    what: str
    key: str
    frame: pl.DataFrame


def read_rate_table(table: Any, what: str) -> RateTable:
    """Read a CSV or Parquet file, or any frame; columns are recognised by their names.

    Parameters
    ----------
    table : path, Polars or pandas frame, or anything that speaks Arrow
    what : 'margin' or 'cac', the name its column of values may have

    Raises
    ------
    SettingsError : unreadable, no key or value recognised, a key twice, a value that is no number
    """
    frame = _frame(table, what)
    names = {column: _normal(column) for column in frame.columns}
    keys = [column for column, name in names.items() if name in KEYS]
    values = [column for column, name in names.items() if name in (what, "value", "rate", "cost")]
    if len(values) != 1 and len(keys) == 1 and len(frame.columns) == 2:
        values = [column for column in frame.columns if column not in keys]
    if len(keys) != 1 or len(values) != 1:
        raise SettingsError(
            f"the {what} table has the columns {frame.columns}; it needs one of "
            f"{', '.join(KEYS)}, and one column {what!r}.\n"
            "To mend: rename the columns, and leave out what is not needed."
        )
    kept = frame.select(
        pl.col(keys[0]).cast(pl.String).str.strip_chars().alias("key"),
        pl.col(values[0]).cast(pl.Float64, strict=False).alias("value"),
    )
    empty = kept.filter(
        pl.col("value").is_null() | pl.col("value").is_nan() | pl.col("key").is_null()
    )
    if len(empty):
        raise SettingsError(
            f"{len(empty)} of {len(kept)} rows of the {what} table have no number or no key, "
            f"the first for {keys[0]} {empty['key'][0]!r}.\nTo mend: write 35 percent as 0.35."
        )
    twice = kept.filter(pl.col("key").is_duplicated())
    if len(twice):
        raise SettingsError(
            f"the {what} table names {keys[0]} {twice['key'][0]!r} more than once.\n"
            "To mend: keep one row per key."
        )
    return RateTable(what, names[keys[0]], kept)


def _frame(table: Any, what: str) -> pl.DataFrame:
    if not isinstance(table, str | Path):
        return pl.DataFrame(table)
    path = Path(table)
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return pl.read_parquet(path)
        # Why: as text first, so that a product 00123 keeps its zeros.
        return pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise SettingsError(
            f"cannot read the {what} table {str(path)!r}: {error}\n"
            "To mend: give a number, or a CSV or Parquet file with a header."
        ) from error


def _normal(name: str) -> str:
    plain = name.strip().lower().replace(" ", "_")
    return _SPELLINGS.get(plain, plain)
