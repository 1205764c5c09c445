"""AbstractForecast: what can be asked of any forecast, however it holds its distribution."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import date

import numpy as np
from jaxtyping import Float, Shaped

from patronage.horizon import Horizon

__all__ = ["AbstractForecast"]


class AbstractForecast(ABC):
    """Undiscounted net cash per customer and period, as a distribution.

    Final forms are frozen dataclasses with these fields first. Customers are independent given
    the parameters; what moves all of them together is in `mean_factors`.

    Attributes
    ----------
    customer_id : the customers, in the order of the snapshot
    as_of : first unknown day; period k covers as_of + [edges[k], edges[k + 1]) days
    horizon : the periods
    p_alive : P(alive at as_of | history), or None where the model has no such notion
    n_purchases : expected purchases per period, or None
    mean_factors : uncertainty of the expected total. A row per customer, a column per independent
        standard normal factor z, the same z for all customers: to first order the expected cash
        of the horizon is mean().sum(1) + mean_factors @ z. None where the model does not know it.
    """

    customer_id: Shaped[np.ndarray, " customers"]
    as_of: date
    horizon: Horizon
    p_alive: Float[np.ndarray, " customers"] | None
    n_purchases: Float[np.ndarray, "customers periods"] | None
    mean_factors: Float[np.ndarray, "customers factors"] | None

    @property
    def n_customers(self) -> int:
        """Number of customers."""
        return len(self.customer_id)

    @abstractmethod
    def mean(self) -> Float[np.ndarray, "customers periods"]:
        """Expected cash, per customer and period."""

    @abstractmethod
    def sample(
        self, n_draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers periods"]:
        """Joint draws of one customer's periods; customers are independent of each other."""

    def sample_total(
        self, n_draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers"]:
        """Draws of each customer's total over the horizon."""
        return np.asarray(self.sample(n_draws, rng).sum(axis=2))

    def survival(self) -> Float[np.ndarray, "customers periods"] | None:
        """P(alive at the start of each period | history); None where the model does not know."""
        return None

    @abstractmethod
    def quantile(self, levels: Sequence[float]) -> Float[np.ndarray, "customers levels"]:
        """Quantiles of each customer's total over the horizon."""

    @abstractmethod
    def cdf(
        self, total: Float[np.ndarray, " customers"]
    ) -> tuple[Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        """P(cash < total) and P(cash <= total) of each customer's total over the horizon.

        They differ where the distribution has an atom (nearly always at zero); the randomised
        probability integral transform is uniform between them.
        """

    def p_zero(self) -> Float[np.ndarray, " customers"]:
        """P(cash <= 0) over the horizon: for most customers the atom at zero, told cheaply."""
        return self.cdf(np.zeros(self.n_customers))[1]

    @property
    def model_spread(self) -> Float[np.ndarray, " customers"] | None:
        """How far the models of a pool disagree about the expected total: a standard deviation.

        It is no interval. None where one model forecasts.
        """
        return None

    def for_totals(self) -> "AbstractForecast":
        """The forecast whose draws may be summed over customers.

        Another one where calibration holds for the outcome of one customer alone.
        """
        return self

    @abstractmethod
    def take(self, rows: slice | np.ndarray) -> "AbstractForecast":
        """The same forecast for some of the customers."""
