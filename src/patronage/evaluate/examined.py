"""Examined: what one model said of some customers in full, as a validation needs it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float

from patronage.evaluate.judged import Judged
from patronage.evaluate.predictions import predictions_table
from patronage.forecast import AbstractForecast
from patronage.snapshots import Outcome

__all__ = ["LEVELS", "Decision", "Examined", "examined_table"]

LEVELS: Final = (50, 80, 90, 95)
"""Per cent that central intervals are to hold."""


@dataclass(frozen=True)
class Decision:
    """What is decided with a forecast, set before any outcome is seen.

    Attributes
    ----------
    threshold : customers above it count as valuable and are contacted, in money over the horizon
    margin : share of cash that is kept
    cost : of contacting one customer
    """

    threshold: float
    margin: float = 1.0
    cost: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Examined(Judged):
    """Judged rows with the probabilities and bounds of the forecasts.

    Attributes
    ----------
    p_above : P(cash > threshold)
    low, high : bounds of the central intervals, a column per level of LEVELS
    decision : what the forecasts are used for
    """

    p_above: Float[np.ndarray, " rows"]
    low: Float[np.ndarray, "rows levels"]
    high: Float[np.ndarray, "rows levels"]
    decision: Decision

    @classmethod
    def of(cls, table: pl.DataFrame, decision: Decision) -> "Examined":
        """Rows of one model in an `examined_table`, with `customer` numbered beside them."""

        def bounds(side: str) -> Float[np.ndarray, "rows levels"]:
            return np.column_stack([table[f"{side}_{level}"].to_numpy() for level in LEVELS])

        return cls(
            **vars(Judged.from_predictions(table)),
            p_above=table["p_above"].to_numpy(),
            low=bounds("low"),
            high=bounds("high"),
            decision=decision,
        )


def examined_table(
    model: str, forecast: AbstractForecast, outcome: Outcome, decision: Decision, *, seed: int
) -> pl.DataFrame:
    """The columns of `predictions_table`, then p_above, low_50, high_50, low_80, …"""
    table = predictions_table(model, forecast, outcome, seed=seed)
    tails = [(100 - level) / 200 for level in LEVELS]
    found = forecast.quantile([*tails, *(1 - tail for tail in tails)])
    threshold = np.full(len(table), decision.threshold)
    names = [f"low_{level}" for level in LEVELS] + [f"high_{level}" for level in LEVELS]
    return table.with_columns(
        pl.Series("p_above", 1.0 - forecast.cdf(threshold)[1]),
        *(pl.Series(name, found[:, k]) for k, name in enumerate(names)),
    )
