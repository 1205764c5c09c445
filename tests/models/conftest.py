"""CDNOW as the papers cut it: 39 weeks of calibration, in whole days."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from patronage.snapshots import RFM

LAST_DAY = date(1997, 9, 30)


def read_cdnow(path: Path, customer: str) -> RFM:
    """One purchase per customer and day; the money of repeat days, and of the first."""
    days = (
        pl.read_parquet(path)
        .filter(pl.col("date") <= LAST_DAY)
        .group_by(customer, "date")
        .agg(pl.col("amount").sum())
        .sort(customer, "date")
    )
    table = days.group_by(customer, maintain_order=True).agg(
        x=pl.len() - 1,
        first_day=pl.col("date").first(),
        last_day=pl.col("date").last(),
        first=pl.col("amount").first(),
        money=pl.col("amount").sum(),
    )
    x = table["x"].cast(float).to_numpy()
    first = table["first"].to_numpy()
    with np.errstate(invalid="ignore"):
        mean = (table["money"].to_numpy() - first) / x
    recency = (table["last_day"] - table["first_day"]).dt.total_days().cast(float).to_numpy()
    T = table.select((pl.lit(LAST_DAY) - pl.col("first_day")).dt.total_days().cast(float))
    return RFM(table[customer].to_numpy(), x, recency, T.to_series().to_numpy(), mean, first)


@pytest.fixture(scope="session")
def cdnow_sample(data_dir: Path) -> RFM:
    """The systematic 1/10 sample of the published tables: 2,357 customers."""
    return read_cdnow(data_dir / "cdnow" / "cdnow_sample_1in10.parquet", "sample_id")


@pytest.fixture(scope="session")
def cdnow_master(data_dir: Path) -> RFM:
    """The whole cohort: 23,570 customers."""
    return read_cdnow(data_dir / "cdnow" / "cdnow_master.parquet", "customer_id")
