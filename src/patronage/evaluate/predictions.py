"""One row per customer: what a forecast said, beside what happened."""

import numpy as np
import polars as pl

from patronage.errors import FitError
from patronage.evaluate.crps import crps
from patronage.forecast import AbstractForecast
from patronage.snapshots import Outcome

__all__ = ["predictions_table"]


def predictions_table(
    model: str, forecast: AbstractForecast, outcome: Outcome, *, seed: int
) -> pl.DataFrame:
    """Columns model, origin, customer_id, mean_cash, mean_purchases, q10, q90, f_q90, pit, crps,
    p_zero, outcome_cash, outcome_purchases; each of the whole horizon.

    Raises
    ------
    FitError : the forecast is of other customers, or some of its numbers are not finite
    """
    if not np.array_equal(forecast.customer_id, outcome.customer_id):
        raise FitError(
            f"the forecast has {forecast.n_customers} customers, the snapshot "
            f"{len(outcome.customer_id)}, or in another order."
        )
    mean_cash = forecast.mean().sum(axis=1)
    _refuse_nonfinite("expected cash", mean_cash)
    purchases = forecast.n_purchases
    mean_purchases = None if purchases is None else purchases.sum(axis=1)
    if mean_purchases is not None:
        _refuse_nonfinite("expected purchases", mean_purchases)
    q10, q90 = forecast.quantile([0.1, 0.9]).T
    _refuse_nonfinite("10 % and 90 % quantiles", q10 + q90)
    below, at = forecast.cdf(outcome.total)
    # Why: one seed for all models, so that the randomisation cancels in their differences.
    rng = np.random.default_rng([seed, outcome.origin.toordinal()])
    uniform = rng.random(len(mean_cash))
    score = crps(forecast, outcome.total, rng)
    pit = below + uniform * (at - below)
    _refuse_nonfinite("distribution function", pit + score)
    columns = {
        "customer_id": outcome.customer_id,
        "mean_cash": mean_cash,
        "q10": q10,
        "q90": q90,
        "f_q90": forecast.cdf(q90)[1],
        "pit": pit,
        "crps": score,
        "p_zero": forecast.p_zero(),
        "outcome_cash": outcome.total,
        "outcome_purchases": outcome.total_purchases,
    }
    return pl.DataFrame(columns).select(
        pl.lit(model).alias("model"),
        pl.lit(outcome.origin).alias("origin"),
        "customer_id",
        "mean_cash",
        (pl.lit(None) if mean_purchases is None else pl.lit(pl.Series(mean_purchases)))
        .cast(pl.Float64)
        .alias("mean_purchases"),
        *list(columns)[2:],
    )


def _refuse_nonfinite(what: str, numbers: np.ndarray) -> None:
    bad = ~np.isfinite(numbers)
    if bad.any():
        raise FitError(
            f"the {what} of {int(bad.sum())} of {len(bad)} customers is not finite; "
            f"the first is row {int(np.flatnonzero(bad)[0])}."
        )
