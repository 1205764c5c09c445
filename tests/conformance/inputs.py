"""The data sets of the published numbers, made once; systems read them as plain arrays."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

__all__ = ["DATA_SETS", "make_inputs"]

Arrays = dict[str, np.ndarray]

DATA_SETS = ("cdnow39", "cdnow39_months", "cdnow78", "donations", "grocery")


def make_inputs(data: Path) -> dict[str, Arrays]:
    """The sets that lie in the folder; a set that is absent is left out."""
    makers = {
        "cdnow39": lambda: _cdnow(data, date(1997, 9, 30)),
        "cdnow39_months": lambda: _in_unit(_cdnow(data, date(1997, 9, 30)), 4.0),
        "cdnow78": lambda: _cdnow(data, date(1998, 6, 30)),
        "donations": lambda: _donations(data),
        "grocery": lambda: _grocery(data),
    }
    found = {}
    for name, make in makers.items():
        try:
            found[name] = make()
        except FileNotFoundError:
            continue
    return found


def _histories(days: pl.DataFrame, customer: str, last: date) -> Arrays:
    """x, t_x, T in exact weeks, mean money of repeats and Σ ln gap (weeks), from customer-days."""
    days = days.sort(customer, "date")
    gap = pl.col("date").diff().over(customer).dt.total_days() / 7
    rows = (
        days.with_columns(gap=gap)
        .group_by(customer, maintain_order=True)
        .agg(
            x=pl.len() - 1,
            first_day=pl.col("date").first(),
            last_day=pl.col("date").last(),
            mean=pl.col("amount").slice(1).mean().fill_null(0.0),
            log_gaps=pl.col("gap").drop_nulls().log().sum(),
        )
    )
    weeks = {
        "t_x": (rows["last_day"] - rows["first_day"]).dt.total_days() / 7,
        "T": rows.select((pl.lit(last) - pl.col("first_day")).dt.total_days() / 7).to_series(),
    }
    return {
        "x": rows["x"].cast(pl.Float64).to_numpy(),
        "mean": rows["mean"].to_numpy(),
        "log_gaps": rows["log_gaps"].to_numpy(),
        **{name: column.to_numpy() for name, column in weeks.items()},
    }


def _cdnow(data: Path, last: date) -> Arrays:
    file = data / "cdnow" / "cdnow_sample_1in10.parquet"
    days = (
        pl.read_parquet(file)
        .filter(pl.col("date") <= last)
        .group_by("sample_id", "date")
        .agg(pl.col("amount").sum())
    )
    return _histories(days, "sample_id", last)


def _in_unit(arrays: Arrays, weeks: float) -> Arrays:
    gaps = arrays["log_gaps"] - arrays["x"] * np.log(weeks)
    times = {name: arrays[name] / weeks for name in ("t_x", "T")}
    return {**arrays, **times, "log_gaps": gaps}


def _grocery(data: Path) -> Arrays:
    days = pl.read_parquet(data / "grocery_elog" / "grocery_elog.parquet").filter(
        pl.col("date") < date(2007, 1, 1)
    )
    days = days.select("cust", "date", amount=pl.lit(1.0)).unique()
    return _histories(days, "cust", date(2006, 12, 31))


def _donations(data: Path) -> Arrays:
    table = pl.read_parquet(data / "donations_bgbb" / "bgbb_donations_rfm.parquet")
    names = {"x": "frequency", "t_x": "recency", "T": "T"}
    return {to: table[name].cast(pl.Float64).to_numpy() for to, name in names.items()}
