"""From a public file to a frame of events; columns keep the names the public knows."""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from patronage.datasets.public.one_date import (
    dunnhumby_household,
    eu_health_insurance,
    hillstrom,
    kdd98_subset,
)

__all__ = ["FRAMES"]


def _cdnow(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path) if path.suffix == ".parquet" else _cdnow_text(path)


def _cdnow_text(path: Path) -> pl.DataFrame:
    """Columns divided by blanks: customer, [number in the sample,] day, CDs, amount."""
    lines = pl.Series(path.read_text(encoding="ascii").splitlines()).str.strip_chars()
    fields = lines.str.extract_all(r"\S+")
    fields = fields.filter(fields.list.get(0, null_on_oob=True).str.contains(r"^\d+$"))
    names = ["customer_id", "date", "cds", "amount"]
    if len(fields) and fields.list.len().max() == 5:
        names.insert(1, "sample_id")
    parts = pl.DataFrame({name: fields.list.get(n) for n, name in enumerate(names)})
    return parts.with_columns(
        pl.col("customer_id", *names[1:-3]).cast(pl.Int32),
        pl.col("date").str.to_date("%Y%m%d"),
        pl.col("cds").cast(pl.Int16),
        pl.col("amount").cast(pl.Float64),
    )


def _online_retail_ii(path: Path) -> pl.DataFrame:
    rows = pl.read_parquet(path).filter(~pl.col("overlap_duplicate")).drop("overlap_duplicate")
    # Why round: 4 decimals is the log's money, and 3 × 0.1 is not 0.3.
    amount = (pl.col("quantity") * pl.col("price")).round(4)
    given_back = (pl.col("quantity") < 0) | (amount < 0)
    return rows.with_columns(
        amount.alias("amount"),
        pl.when(given_back).then(pl.lit("refund")).otherwise(pl.lit("purchase")).alias("kind"),
    )


def _donations(path: Path) -> pl.DataFrame:
    gave = pl.read_parquet(path).unpivot(index="donor_id", variable_name="year", value_name="gave")
    return gave.filter(pl.col("gave") == 1).select(
        "donor_id", pl.date(pl.col("year").str.slice(1).cast(pl.Int32), 7, 1).alias("gift_date")
    )


def _madrigal(path: Path) -> pl.DataFrame:
    """Purchases laid into their quarters; days are drawn, once for all."""
    rng = np.random.default_rng(7)
    counts = pl.read_parquet(path)
    spends = pl.read_parquet(path.with_name("cust_by_qtr_spend.parquet"))
    tables = []
    for quarter in (name for name in counts.columns if name.startswith("Y")):
        year, number = int(quarter[1:5]), int(quarter[6])
        start = date(year, 3 * number - 2, 1)
        n_days = (date(year + (number == 4), 3 * number % 12 + 1, 1) - start).days
        count = counts[quarter].fill_null(0).to_numpy().astype(int)
        each = np.maximum(spends[quarter].fill_null(0.0).to_numpy(), 0.0) / np.maximum(count, 1)
        tables.append(
            pl.DataFrame(
                {
                    "customer_id": np.repeat(counts["CustomerID"].to_numpy(), count),
                    "event_time": np.datetime64(start) + rng.integers(0, n_days, count.sum()),
                    "amount": np.round(np.repeat(each, count), 4),
                }
            )
        )
    return pl.concat(tables)


def _as_it_is(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path)


# Name of the set → how its file becomes a frame.
FRAMES: Final[Mapping[str, Callable[[Path], pl.DataFrame]]] = {
    "apparel": _as_it_is,
    "cdnow": _cdnow,
    "cdnow_sample": _cdnow,
    "donations_bgbb": _donations,
    "dunnhumby_household": dunnhumby_household,
    "eu_health_insurance": eu_health_insurance,
    "grocery_elog": _as_it_is,
    "hillstrom": hillstrom,
    "kdd98_subset": kdd98_subset,
    "madrigal": _madrigal,
    "online_retail_ii": _online_retail_ii,
    "retail_125k": _as_it_is,
}
