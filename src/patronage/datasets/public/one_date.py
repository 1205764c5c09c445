"""Sets with one date of observation as events before and after it, and as attributes at it.

What is known of a customer's past is at most a few events; the rest is in the attributes. The
outcome is one event after the date; who has none has no outcome but zero.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import polars as pl

from patronage.horizon import DAYS_PER

__all__ = ["CUSTOMERS", "dunnhumby_household", "eu_health_insurance", "hillstrom", "kdd98_subset"]

_EVENT: Final = ("customer_id", "event_time", "kind", "amount")


def kdd98_subset(path: Path) -> pl.DataFrame:
    """First and last gift, and the answer to the mailing of June 1997."""
    as_of = date(1997, 6, 1)
    rows = pl.read_parquet(path).rename({"control_number": "customer_id"})
    earlier = pl.col("lifetime_gift_amount") - pl.col("last_gift_amt")
    one = pl.col("months_since_first_gift") == pl.col("months_since_last_gift")
    first = rows.filter(~one).select(
        "customer_id", _months_before(as_of, "months_since_first_gift"), amount=earlier
    )
    last = rows.select(
        "customer_id",
        _months_before(as_of, "months_since_last_gift"),
        amount=pl.when(one).then("lifetime_gift_amount").otherwise("last_gift_amt"),
    )
    return _events(first, last, _outcome(rows, as_of + timedelta(days=30), pl.col("target_d")))


def hillstrom(path: Path) -> pl.DataFrame:
    """The last purchase, with the past year's spend, and that of the two weeks after the mail."""
    as_of = date(2008, 3, 1)
    rows = pl.read_parquet(path)
    last = rows.select("customer_id", _months_before(as_of, "recency"), amount="history")
    return _events(last, _outcome(rows, as_of + timedelta(days=7), pl.col("spend")))


def eu_health_insurance(path: Path) -> pl.DataFrame:
    """Everybody joins on the day before, and costs what was paid over the years observed."""
    as_of = date(2020, 1, 1)
    rows = pl.read_parquet(path).with_columns(customer_id=pl.col("id_anon").cast(pl.String))
    paid = pl.sum_horizontal(pl.col("^amt_.*$")).round(4)
    joined = rows.select(
        "customer_id",
        event_time=pl.lit(as_of - timedelta(days=1)),
        kind=pl.lit("subscription_start"),
        amount=pl.lit(0.0),
    )
    return _events(joined, _outcome(rows, as_of + timedelta(days=182), paid))


def dunnhumby_household(path: Path) -> pl.DataFrame:
    """The first year's spend on the first day, the second year's in its middle."""
    begin, as_of = date(2020, 1, 1), date(2020, 12, 31)
    rows = pl.read_parquet(path).rename({"household_key": "customer_id"})
    first = rows.filter(pl.col("First_Day") <= 365).select(
        "customer_id",
        event_time=pl.lit(begin) + pl.duration(days=pl.col("First_Day").cast(pl.Int64) - 1),
        amount="Spend_Y1",
    )
    return _events(first, _outcome(rows, as_of + timedelta(days=173), pl.col("Spend_Y2")))


def _months_before(as_of: date, months: str) -> pl.Expr:
    days = (pl.col(months) * DAYS_PER["month"]).round().cast(pl.Int64)
    # Why at least a day: what happened in the month of as_of happened before it.
    return (pl.lit(as_of) - pl.duration(days=pl.max_horizontal(days, 1))).alias("event_time")


def _outcome(rows: pl.DataFrame, day: date, amount: pl.Expr) -> pl.DataFrame:
    told = rows.select("customer_id", event_time=pl.lit(day), amount=amount)
    return told.filter(pl.col("amount") > 0)


def _events(*parts: pl.DataFrame) -> pl.DataFrame:
    frames = [
        part.with_columns(pl.col("event_time").cast(pl.Date), pl.col("amount").cast(pl.Float64))
        for part in parts
    ]
    table = pl.concat(frames, how="diagonal")
    kind = pl.col("kind").fill_null("purchase") if "kind" in table.columns else pl.lit("purchase")
    return table.with_columns(
        kind.alias("kind"), pl.col("amount").fill_null(0.0).clip(0.0).round(4)
    ).select(_EVENT)


def _kdd98_attributes(path: Path) -> pl.DataFrame:
    rows = pl.read_parquet(path).drop("target_b", "target_d")
    return rows.rename({"control_number": "customer_id"})


def _hillstrom_attributes(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path).drop("visit", "conversion", "spend")


def _eu_health_attributes(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path).select(
        pl.col("id_anon").cast(pl.String).alias("customer_id"),
        pl.col("relation", "gender").cast(pl.String),
        "policy_years",
        "age_at_inception",
    )


def _dunnhumby_attributes(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path).select(
        pl.col("household_key").alias("customer_id"),
        pl.col("^.*_DESC$"),
        "MARITAL_STATUS_CODE",
        "HasDemographics",
        "Spend_Y1",
        "First_Day",
    )


# Name of the set → what was known of each customer at its date.
CUSTOMERS: Final[Mapping[str, Callable[[Path], pl.DataFrame]]] = {
    "dunnhumby_household": _dunnhumby_attributes,
    "eu_health_insurance": _eu_health_attributes,
    "hillstrom": _hillstrom_attributes,
    "kdd98_subset": _kdd98_attributes,
}
