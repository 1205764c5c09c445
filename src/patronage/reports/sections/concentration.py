"""Who carries the value: shares of the best customers, and the segments."""

from typing import Final

import numpy as np
import polars as pl

__all__ = ["concentration", "segment_table", "top_tenth"]

_KNOTS: Final = (0, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
_KNOTS_BELOW: Final = (0.6, 0.7, 0.8, 0.9, 1.0)
_ORDER: Final = {"high": 0, "medium": 1, "low": 2}
_FEW: Final = 10  # fewer customers have no "best tenth"


def concentration(scores: pl.DataFrame) -> pl.DataFrame | None:
    """share_of_customers, share_of_value (best first); None for few customers or no value."""
    values = np.sort(scores["clv"].fill_null(0.0).to_numpy())[::-1]
    total = float(values.sum())
    if len(values) < _FEW or not total > 0:
        return None
    knots = np.array(_KNOTS + _KNOTS_BELOW)
    running = np.concatenate([[0.0], np.cumsum(values)]) / total
    return pl.DataFrame(
        {
            "share_of_customers": knots,
            "share_of_value": np.interp(knots * len(values), np.arange(len(running)), running),
        }
    )


def top_tenth(curve: pl.DataFrame) -> float:
    """The share of the value that the best 10 % of customers carry."""
    return float(curve.filter(pl.col("share_of_customers") == 0.1)["share_of_value"][0])


def segment_table(scores: pl.DataFrame) -> pl.DataFrame:
    """A row per segment, best first: customers, value, their shares, and averages.

    share_value is null where the whole is not positive.
    """
    # One segment after the other: sums within a parallel group_by differ in their last bits.
    table = pl.concat(
        part.select(
            pl.col("segment").first(),
            pl.len().alias("customers"),
            pl.col("clv").sum().alias("value"),
            pl.col("clv").mean().alias("mean_clv"),
            pl.col("expected_purchases").mean().alias("mean_purchases"),
            pl.col("p_alive").mean().alias("mean_p_alive"),
        )
        for part in scores.partition_by("segment", maintain_order=True)
    )
    total = float(table["value"].sum())
    share = pl.col("value") / total if total > 0 else pl.lit(None, dtype=pl.Float64)
    return (
        table.with_columns(
            (pl.col("customers") / scores.height).alias("share_customers"),
            share.alias("share_value"),
            pl.col("segment").replace_strict(_ORDER, default=9, return_dtype=pl.Int64).alias("at"),
        )
        .sort("at", "segment")
        .drop("at")
    )
