"""The table of what a fitted model foretells of each customer, the same in every model."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from jaxtyping import Shaped

from patronage.forecast.counts import AbstractCounts
from patronage.horizon import Horizon

__all__ = ["prediction_table"]


def prediction_table(
    counts: AbstractCounts,
    customer_id: Shaped[np.ndarray, " customers"],
    horizon: Horizon,
    *,
    levels: Sequence[float] = (0.05, 0.95),
    annual_discount_rate: float | None = 0.10,
) -> pl.DataFrame:
    """A row per customer; each distinct history is evaluated once.

    Parameters
    ----------
    annual_discount_rate : of dert; None leaves it out, which models without a formula are slow at

    Returns
    -------
    customer_id, p_alive (at as_of), p_alive_at_end (of the horizon; null where the model has no
    such notion), p_active (a purchase within the horizon), expected_purchases (within it),
    purchases_p05, … (a quantile per level), next_purchase_p50 (days until the next purchase;
    null where more than half of the chances are that it never comes), p_never (no purchase ever
    again), dert (discounted expected purchases, without end)
    """
    distinct, which = counts.compacted()
    days = np.array([0.0, horizon.days])
    alive_at_end = distinct.survival(days[1:])
    median = distinct.next_purchase([0.5])[:, 0]
    columns = {
        "p_alive": distinct.p_alive,
        "p_alive_at_end": None if alive_at_end is None else alive_at_end[:, 0],
        "p_active": distinct.p_active(days[1:])[:, 0],
        "expected_purchases": distinct.mean(days)[:, 0],
    }
    bounds = distinct.quantile(horizon.days, levels)
    columns |= {f"purchases_p{level_name(levels[k])}": bounds[:, k] for k in range(len(levels))}
    columns |= {
        "next_purchase_p50": np.where(np.isfinite(median), median, np.nan),
        "p_never": distinct.p_never,
    }
    if annual_discount_rate is not None:
        columns["dert"] = distinct.dert(annual_discount_rate)
    missing = pl.lit(None, dtype=pl.Float64)
    return pl.DataFrame({"customer_id": customer_id}).with_columns(
        missing.alias(name) if values is None else pl.Series(name, values[which]).fill_nan(None)
        for name, values in columns.items()
    )


def level_name(level: float) -> str:
    """0.05 → '05', 0.975 → '97.5'."""
    percent = f"{100 * level:.6g}"
    return percent.zfill(2) if percent.isdigit() else percent
