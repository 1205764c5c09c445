"""The value of all customers together, with the interval of what will come."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from patronage.scoring.score import LEVEL, Scoring, forecast_chunks
from patronage.snapshots import Snapshot
from patronage.value import residual_clv

__all__ = ["TotalValue", "total_value"]


@dataclass(frozen=True)
class TotalValue:
    """Present value of the horizon's margin over a whole base.

    Attributes
    ----------
    expected : the sum of every customer's CLV
    low, high : bounds of the total that will come; `level` lies between them
    level : probability between the bounds
    n_customers : customers summed
    draws : the joint draws behind the bounds
    """

    expected: float
    low: float
    high: float
    level: float
    n_customers: int
    draws: Float[np.ndarray, " draws"]


def total_value(
    snapshot: Snapshot,
    scoring: Scoring,
    *,
    n_draws: int = 400,
    seed: int = 0,
    chunk_size: int = 20_000,
) -> TotalValue:
    """Sum of joint draws over all customers, streamed in chunks.

    Customers differ independently given the parameters; what the model does not know about its
    own mean moves them all together, so its factors are drawn once for all chunks. Chunk k has a
    generator of its own, spawned from `seed`.
    """
    shared = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    draws = np.zeros(n_draws)
    expected = 0.0
    factors: np.ndarray | None = None
    for number, (rows, forecast) in enumerate(
        forecast_chunks(snapshot, scoring, chunk_size=chunk_size)
    ):
        economics = scoring.economics.take(rows)
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, number)))
        clv = residual_clv(forecast, economics)
        cash = forecast.mean().sum(axis=1)
        unit = np.where(np.abs(cash) > 1e-12, clv / np.where(np.abs(cash) > 1e-12, cash, 1.0), 0.0)
        expected += float(clv.sum())
        for start in range(0, n_draws, 50):
            part = slice(start, min(start + 50, n_draws))
            draws[part] += forecast.sample_total(part.stop - part.start, rng) @ unit
        if forecast.mean_factors is not None:
            column = (forecast.mean_factors * unit[:, None]).sum(axis=0)
            factors = column if factors is None else factors + column
    if factors is not None and expected > 0:
        relative = shared.standard_normal((n_draws, len(factors))) @ factors / expected
        draws = draws * np.exp(np.clip(relative, -3.0, 3.0))
    tail = 0.5 - LEVEL / 2
    low, high = (float(bound) for bound in np.quantile(draws, [tail, 1 - tail]))
    return TotalValue(expected, low, high, LEVEL, len(snapshot.customers), draws)
