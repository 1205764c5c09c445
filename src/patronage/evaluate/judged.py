"""Judged: what one model said of some customers, beside what they did."""

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

__all__ = ["Judged"]

Kind = TypeVar("Kind", bound="Judged")


@dataclass(frozen=True)
class Judged:
    """A row per customer and origin; all money undiscounted, of the whole horizon.

    Attributes
    ----------
    forecast, outcome : expected and realised net cash
    forecast_purchases, outcome_purchases : expected (None: not forecast) and realised purchases
    q10, q90 : quantiles of the forecast
    f_q90 : P(cash <= q90), which exceeds 0.9 where the forecast has an atom there
    pit : randomised probability integral transform of the outcome
    crps : continuous ranked probability score
    p_zero : P(cash <= 0); the six are None for means alone
    customer : number of the customer, 0, 1, …; the same one at several origins has one number
    origin : number of the origin
    """

    forecast: Float[np.ndarray, " rows"]
    outcome: Float[np.ndarray, " rows"]
    forecast_purchases: Float[np.ndarray, " rows"] | None
    outcome_purchases: Float[np.ndarray, " rows"] | None
    q10: Float[np.ndarray, " rows"] | None
    q90: Float[np.ndarray, " rows"] | None
    f_q90: Float[np.ndarray, " rows"] | None
    pit: Float[np.ndarray, " rows"] | None
    crps: Float[np.ndarray, " rows"] | None
    p_zero: Float[np.ndarray, " rows"] | None
    customer: Int[np.ndarray, " rows"]
    origin: Int[np.ndarray, " rows"]

    @property
    def has(self) -> frozenset[str]:
        """Which needs of metrics these rows meet."""
        found = {"cash"}
        if self.forecast_purchases is not None:
            found.add("purchases")
        if self.crps is not None:
            found.add("distribution")
        return frozenset(found)

    def take(self: Kind, rows: Bool[np.ndarray, " rows"] | Int[np.ndarray, " some"]) -> Kind:
        """Some of the rows; customers keep their numbers."""
        columns = {k: v[rows] for k, v in vars(self).items() if isinstance(v, np.ndarray)}
        return replace(self, **columns)

    @classmethod
    def of_means(
        cls,
        forecast: Float[np.ndarray, " rows"],
        outcome: Float[np.ndarray, " rows"],
        forecast_purchases: Float[np.ndarray, " rows"] | None = None,
        outcome_purchases: Float[np.ndarray, " rows"] | None = None,
    ) -> "Judged":
        """Expected values alone, each row another customer."""
        customer = np.arange(len(forecast))
        return cls(
            forecast,
            outcome,
            forecast_purchases,
            outcome_purchases,
            *(None,) * 6,
            customer,
            np.zeros_like(customer),
        )

    @classmethod
    def from_predictions(cls, table: pl.DataFrame) -> "Judged":
        """Rows of one model in `Scorecard.predictions`, with `customer` numbered beside them."""

        def column(name: str) -> Float[np.ndarray, " rows"] | None:
            return None if table[name].null_count() else table[name].to_numpy()

        return cls(
            table["mean_cash"].to_numpy(),
            table["outcome_cash"].to_numpy(),
            column("mean_purchases"),
            table["outcome_purchases"].to_numpy(),
            column("q10"),
            column("q90"),
            column("f_q90"),
            column("pit"),
            column("crps"),
            column("p_zero"),
            table["customer"].to_numpy(),
            table["origin"].rank("dense").cast(pl.Int64).to_numpy() - 1,
        )
