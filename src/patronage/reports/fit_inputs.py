"""What the page of one fitted purchase model is drawn from: numbers and frames made elsewhere."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from patronage.horizon import Horizon

__all__ = ["FitInputs"]


@dataclass(frozen=True, kw_only=True)
class FitInputs:
    """One model, fitted once.

    Attributes
    ----------
    model, as_of, horizon, n_customers : what was fitted, and how far ahead it looks
    unit : of time, of the parameters and the log-likelihood
    parameters : parameter, estimate, standard_error
    log_likelihood, warnings : of the fit
    new_purchases, new_alive, new_never, new_dert, annual_discount_rate : of a customer who has
        just bought first: purchases within the horizon, P(alive), P(never again), and discounted
        purchases of the lifetime
    tracking : period, start, actual, expected, low, high, cumulative_actual, cumulative_expected
    period : the length of a period of `tracking`
    tracking_p_value : of the periods before as_of together
    repeats : frequency, actual, expected; chi_square, degrees, repeats_p_value its test
    checks : check, bin, observed, expected, low, high, p_value
    matrix : frequency, recency, p_alive, expected_purchases, at matrix_T days; None where the
        model reads more of a history
    customer_id, history : one customer; day, p_alive, purchased; None likewise
    holdout : frequency, n_customers, actual, expected, low, high; None where the horizon is not
        over
    needed : weeks, parameter, customers, repeat_purchases, slowest; None where the parameters have
        no finite maximum, and nothing would make them known
    """

    model: str
    as_of: date
    horizon: Horizon
    n_customers: int
    unit: str
    parameters: pl.DataFrame
    log_likelihood: float
    warnings: tuple[str, ...]
    new_purchases: float
    new_alive: float
    new_never: float
    new_dert: float
    annual_discount_rate: float
    tracking: pl.DataFrame
    period: str
    tracking_p_value: float
    repeats: pl.DataFrame
    chi_square: float
    degrees: int
    repeats_p_value: float
    checks: pl.DataFrame
    matrix: pl.DataFrame | None
    matrix_T: float
    customer_id: str
    history: pl.DataFrame | None
    holdout: pl.DataFrame | None
    needed: pl.DataFrame | None

    def frames(self) -> dict[str, pl.DataFrame]:
        """Every frame by name."""
        found = {
            "parameters": self.parameters,
            "tracking": self.tracking,
            "repeat_counts": self.repeats,
            "predictive_checks": self.checks,
            "frequency_recency": self.matrix,
            "alive_history": self.history,
            "holdout_by_frequency": self.holdout,
            "data_needed": self.needed,
        }
        return {name: frame for name, frame in found.items() if frame is not None}
