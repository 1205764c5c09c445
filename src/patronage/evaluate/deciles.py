"""Ten parts of the customers by forecast, and the places of outcomes in their forecasts."""

import numpy as np
import polars as pl

from patronage.evaluate.bootstrap import RANK_GROUPS, customer_weights
from patronage.evaluate.judged import Judged
from patronage.evaluate.weighing import Weighing

__all__ = ["calibration_table", "pit_table"]

N_DECILES = 10
CALIBRATION_DRAWS = 200


def calibration_table(rows: Judged) -> pl.DataFrame:
    """Columns decile (1 the lowest), predicted and actual (money per customer), low and high (90 %
    interval of the actual), n_customers (rows: a customer at three origins counts three times).
    """
    n_rows = len(rows.forecast)
    weights = customer_weights(int(rows.customer.max()) + 1, CALIBRATION_DRAWS, seed=0)
    shares = np.linspace(0, 1, N_DECILES + 1)
    actual, predicted = Weighing.exact(rows).by_forecast.at(shares)
    resampled = Weighing(rows, weights[:, :-1], RANK_GROUPS).by_forecast
    drawn = np.diff(resampled.at(shares)[0], axis=0) / resampled.weight[-1] * N_DECILES
    scale = N_DECILES / n_rows
    low, high = np.quantile(drawn, [0.05, 0.95], axis=1)
    parts = np.diff(np.round(shares * n_rows)).astype(np.int64)
    return pl.DataFrame(
        {
            "decile": np.arange(N_DECILES, 0, -1),
            "predicted": np.diff(predicted[:, 0]) * scale,
            "actual": np.diff(actual[:, 0]) * scale,
            "low": low,
            "high": high,
            "n_customers": parts,
        }
    ).sort("decile")


def pit_table(rows: Judged, *, n_bins: int = 20) -> pl.DataFrame:
    """Histogram of the probability integral transform: bin (1 …) and share."""
    assert rows.pit is not None
    counts, _ = np.histogram(rows.pit, bins=n_bins, range=(0.0, 1.0))
    return pl.DataFrame({"bin": np.arange(1, n_bins + 1), "share": counts / len(rows.pit)})
