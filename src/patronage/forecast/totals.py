"""Draws of the total over many customers, streamed over chunks of forecasts."""

from collections.abc import Iterable
from typing import Final

import numpy as np
from jaxtyping import Float

from patronage.forecast.base import AbstractForecast

__all__ = ["MOST_DOUBT", "total_draws"]

_BLOCK: Final = 256
MOST_DOUBT: Final = 3.0
"""Relative deviation of an expectation beyond which bounds no longer widen: e^12 is of no use."""


def total_draws(
    chunks: Iterable[tuple[AbstractForecast, Float[np.ndarray, " customers"]]],
    n_draws: int,
    *,
    seed: int,
) -> Float[np.ndarray, " draws"]:
    """Draws of Σ worth × cash of the horizon over all customers of all chunks.

    Customers are independent of each other but for `mean_factors`, whose z is drawn once and is
    the same in every chunk. They move the total by a log-normal factor around it, so that what
    cannot be negative stays so, however little is known; a total that can be, by a normal sum.
    Every 256 customers have a generator of their own, made from `seed` and their place in the
    stream: chunks of any multiple of 256 give the same draws (to rounding).

    Parameters
    ----------
    chunks : customers in order, each with what one unit of the customer's cash is worth, such as
        its present value after margin
    n_draws : number of joint draws
    """
    total, expected = np.zeros(n_draws), 0.0
    shift: Float[np.ndarray, " factors"] | None = None
    number = 0
    for one, worth in chunks:
        forecast = one.for_totals()
        for start in range(0, forecast.n_customers, _BLOCK):
            rows = slice(start, start + _BLOCK)
            rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, number)))
            total += forecast.take(rows).sample_total(n_draws, rng) @ worth[rows]
            number += 1
        if forecast.mean_factors is not None:
            expected += float(worth @ forecast.mean().sum(axis=1))
            moved = worth @ forecast.mean_factors
            shift = moved if shift is None else shift + moved
    if shift is None:
        return total
    shared = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    z = shared.standard_normal((n_draws, len(shift)))
    if expected <= 0.0 or total.min() < 0.0:
        return np.asarray(total + z @ shift)
    doubt = np.asarray(shift / expected)
    doubt /= max(1.0, float(np.linalg.norm(doubt)) / MOST_DOUBT)
    return np.asarray(total * np.exp(z @ doubt))
