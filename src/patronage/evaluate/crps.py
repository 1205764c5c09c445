"""The continuous ranked probability score of any forecast, from draws of the total."""

import numpy as np
from jaxtyping import Float

from patronage.forecast import AbstractForecast
from patronage.forecast.samples import SampleForecast

__all__ = ["crps"]

N_DRAWS = 100
BLOCK = 50_000


def crps(
    forecast: AbstractForecast, outcome: Float[np.ndarray, " customers"], rng: np.random.Generator
) -> Float[np.ndarray, " customers"]:
    """E|X − y| − E|X − X'| / 2 for each customer's total X.

    Estimated without bias from 100 draws (the mean over distinct pairs), so single customers are
    noisy and their mean is not: on CDNOW it moves by 0.1 % from seed to seed. A forecast that is
    itself held as draws is scored exactly. Any distribution will do, atoms and all.

    Parameters
    ----------
    outcome : y, realised net cash
    """
    if isinstance(forecast, SampleForecast):
        return _score(forecast.draws.sum(axis=2), outcome, n_pairs=len(forecast.draws) ** 2)
    found = np.empty(len(outcome))
    for start in range(0, len(outcome), BLOCK):
        rows = slice(start, start + BLOCK)
        drawn = forecast.take(rows).sample_total(N_DRAWS, rng)
        found[rows] = _score(drawn, outcome[rows], n_pairs=N_DRAWS * (N_DRAWS - 1))
    return found


def _score(
    drawn: Float[np.ndarray, "draws customers"],
    outcome: Float[np.ndarray, " customers"],
    *,
    n_pairs: int,
) -> Float[np.ndarray, " customers"]:
    n = len(drawn)
    # Σ |x − x'| over all ordered pairs, by the rank of each draw.
    signs = (2 * np.arange(n) + 1 - n)[:, None]
    spread = 2 * (signs * np.sort(drawn, axis=0)).sum(axis=0) / n_pairs
    return np.asarray(np.abs(drawn - outcome).mean(axis=0) - spread / 2)
