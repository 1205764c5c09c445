"""The value of all customers together, with the interval of what will come."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from patronage.forecast import AbstractForecast
from patronage.forecast.totals import total_draws
from patronage.scoring.score import LEVEL, Scoring, forecast_chunks
from patronage.snapshots import Snapshot
from patronage.value import Economics, residual_clv, unit_value

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
    chunk_size: int = 25_600,
) -> TotalValue:
    """Sum of joint draws over all customers, streamed in chunks (`forecast.total_draws`)."""
    expected = 0.0

    def chunks() -> Iterator[tuple[AbstractForecast, Economics]]:
        nonlocal expected
        for rows, forecast in forecast_chunks(snapshot, scoring, chunk_size=chunk_size):
            economics = scoring.economics.take(rows)
            expected += float(residual_clv(forecast, economics).sum())
            yield forecast, economics

    draws = total_draws(
        ((forecast, unit_value(forecast, economics)) for forecast, economics in chunks()),
        n_draws,
        seed=seed,
    )
    tail = 0.5 - LEVEL / 2
    low, high = (float(bound) for bound in np.quantile(draws, [tail, 1 - tail]))
    return TotalValue(expected, low, high, LEVEL, len(snapshot.customers), draws)
