"""CLV: the present value of a customer's expected margin."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from patronage.forecast import AbstractForecast
from patronage.value.discounting import discount_factors
from patronage.value.economics import Economics

__all__ = ["clv_quantiles", "new_customer_clv", "residual_clv", "unit_value"]


def residual_clv(
    forecast: AbstractForecast, economics: Economics
) -> Float[np.ndarray, " customers"]:
    """Present value at as_of of the expected margin over the horizon, of customers already won.

    What it cost to acquire them is spent whatever they do, and is not taken off.
    """
    factors = discount_factors(
        forecast.horizon, economics.annual_discount_rate, timing=economics.timing
    )
    return np.asarray(economics.margin * (forecast.mean() @ factors))


def new_customer_clv(
    forecast: AbstractForecast,
    economics: Economics,
    *,
    first_purchase: float | Float[np.ndarray, " customers"],
) -> Float[np.ndarray, " customers"]:
    """Value of customers still to be won: the first purchase now, then the horizon, less cac.

    Parameters
    ----------
    forecast : of customers at the moment of their first purchase (T = 0, frequency = 0)
    first_purchase : cash of the first purchase, at as_of
    """
    bought = np.asarray(economics.margin * first_purchase)
    return np.asarray(bought + residual_clv(forecast, economics) - economics.cac)


def unit_value(forecast: AbstractForecast, economics: Economics) -> Float[np.ndarray, " customers"]:
    """Present value of one unit of each customer's cash, spread over the periods as expected.

    Where nothing is expected, the cash is spread evenly over time.
    """
    mean = forecast.mean()
    total = mean.sum(axis=1)
    known = np.abs(total) > 1e-12
    factors = discount_factors(
        forecast.horizon, economics.annual_discount_rate, timing=economics.timing
    )
    discount = np.where(known, mean @ factors / np.where(known, total, 1.0), factors.mean())
    return np.asarray(economics.margin * discount)


def clv_quantiles(
    forecast: AbstractForecast, economics: Economics, levels: Sequence[float]
) -> Float[np.ndarray, "customers levels"]:
    """Quantiles of the present value of one customer's margin.

    The quantile of the undiscounted total times `unit_value`: exact but for the timing of cash
    within the horizon, which moves a value by a few percent where the spread moves it severalfold.
    """
    unit = unit_value(forecast, economics)
    asked = np.asarray(levels, dtype=float)
    found = forecast.quantile(asked.tolist())
    if bool(np.any(unit < 0)):
        # Money lost on every sale: the largest total is the worst.
        found = np.where(unit[:, None] < 0, forecast.quantile((1.0 - asked).tolist()), found)
    return np.asarray(found * unit[:, None])
