"""Purchases in a holdout by the frequency before it: what happened, and what was expected."""

import numpy as np
import polars as pl

from patronage.horizon import Horizon
from patronage.models.btyd.model import FittedBTYD
from patronage.snapshots import RFM

__all__ = ["holdout_by_frequency"]


def holdout_by_frequency(
    fitted: FittedBTYD, rfm: RFM, purchases: pl.Series, horizon: Horizon, *, n_max: int = 7
) -> pl.DataFrame:
    """A row per frequency of the calibration period, the last "and more".

    Parameters
    ----------
    rfm, purchases : the customers at as_of, and the purchases of each in the horizon after it
        (`calibration_holdout` has both, the latter as `frequency_holdout`)

    Returns
    -------
    frequency, n_customers, actual and expected (mean purchases in the holdout), low and high (a
    95 % interval of the actual mean, from the spread over customers; null for a single one)
    """
    expected = fitted.counts(rfm).mean(np.array([0.0, horizon.days]))[:, 0]
    error = pl.col("actual").std() / pl.len().sqrt()
    return (
        pl.DataFrame(
            {
                "frequency": np.minimum(rfm.frequency, n_max).astype(np.int64),
                "actual": purchases.cast(pl.Float64),
                "expected": expected,
            }
        )
        .group_by("frequency")
        .agg(
            pl.len().cast(pl.Int64).alias("n_customers"),
            pl.col("actual").mean().alias("mean_actual"),
            pl.col("expected").mean(),
            (pl.col("actual").mean() - 1.96 * error).clip(0.0).alias("low"),
            (pl.col("actual").mean() + 1.96 * error).alias("high"),
        )
        .rename({"mean_actual": "actual"})
        .sort("frequency")
    )
