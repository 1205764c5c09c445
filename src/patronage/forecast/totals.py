"""Draws of the total over many customers, streamed over chunks of forecasts."""

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
from jaxtyping import Float

from patronage.forecast.base import AbstractForecast

__all__ = ["total_draws"]

_BLOCK: Final = 256


def total_draws(
    forecasts: Iterable[AbstractForecast],
    n_draws: int,
    *,
    seed: int,
    weight: Callable[[AbstractForecast], Float[np.ndarray, " customers"]] | None = None,
) -> Float[np.ndarray, " draws"]:
    """Draws of Σ weight × cash of the horizon over all customers of all chunks.

    Customers are independent of each other but for `mean_factors`, whose z is drawn once and is
    the same in every chunk. Every 256 customers have a generator of their own, made from `seed`
    and their place in the stream: chunks of any multiple of 256 give the same draws (to rounding).

    Parameters
    ----------
    forecasts : chunks of customers, in order
    n_draws : number of joint draws
    weight : what one unit of each customer's cash is worth, such as its present value; 1 if absent
    """
    total = np.zeros(n_draws)
    shift: Float[np.ndarray, " factors"] | None = None
    number = 0
    for forecast in forecasts:
        for start in range(0, forecast.n_customers, _BLOCK):
            part = forecast.take(slice(start, start + _BLOCK))
            worth = np.ones(part.n_customers) if weight is None else weight(part)
            rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, number)))
            total += part.sample_total(n_draws, rng) @ worth
            number += 1
            if part.mean_factors is not None:
                moved = worth @ part.mean_factors
                shift = moved if shift is None else shift + moved
    if shift is not None:
        shared = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
        total += shared.standard_normal((n_draws, len(shift))) @ shift
    return total
