"""Central intervals of one customer's outcome, judged at several levels."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from jaxtyping import Float

from patronage.forecast import AbstractForecast

__all__ = ["interval_table"]


def interval_table(
    forecast: AbstractForecast,
    outcome: Float[np.ndarray, " customers"],
    *,
    levels: Sequence[float] = (0.5, 0.8, 0.9, 0.95),
    seed: int = 0,
) -> pl.DataFrame:
    """A row per level: coverage, pit_coverage, width, interval_score, zero_gap.

    coverage counts the outcomes within the bounds, and is above the level where many forecasts
    rest on zero; pit_coverage places an outcome within an atom by lot, and of a true forecast is
    the level. interval_score is that of Winkler (1972), width + 2 / (1 − level) × the miss, lower
    being better. zero_gap, the share of outcomes of nothing less the forecast's own, is the same
    for all levels. Money is in the unit of the forecast, per customer.
    """
    below, up_to = forecast.cdf(outcome)
    pit = below + np.random.default_rng(seed).random(len(below)) * (up_to - below)
    zero_gap = float((outcome <= 0).mean() - forecast.p_zero().mean())
    tails = [(1.0 - level) / 2.0 for level in levels]
    found = forecast.quantile([*tails, *(1.0 - tail for tail in tails)])
    rows = []
    for k, level in enumerate(levels):
        low, high = found[:, k], found[:, k + len(levels)]
        missed = np.maximum(low - outcome, 0.0) + np.maximum(outcome - high, 0.0)
        rows.append(
            {
                "level": level,
                "coverage": float(((outcome >= low) & (outcome <= high)).mean()),
                "pit_coverage": float((np.abs(pit - 0.5) <= level / 2).mean()),
                "width": float((high - low).mean()),
                "interval_score": float((high - low + 2.0 / (1.0 - level) * missed).mean()),
                "zero_gap": zero_gap,
            }
        )
    return pl.DataFrame(rows)
