"""Central intervals of one customer's outcome at other levels than the leaderboard's."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from patronage.evaluate.examined import LEVELS, Examined
from patronage.evaluate.judged import Judged
from patronage.evaluate.metrics.metric import Metric, OfMeans

__all__ = ["METRICS"]

Rows = Float[np.ndarray, " rows"]


def _bounds(rows: Judged, k: int) -> tuple[Rows, Rows]:
    assert isinstance(rows, Examined)
    return rows.low[:, k], rows.high[:, k]


def _coverage(k: int) -> Callable[[Judged], tuple[Rows]]:
    def column(rows: Judged) -> tuple[Rows]:
        low, high = _bounds(rows, k)
        return (((rows.outcome >= low) & (rows.outcome <= high)).astype(float),)

    return column


def _width(k: int) -> Callable[[Judged], tuple[Rows]]:
    def column(rows: Judged) -> tuple[Rows]:
        low, high = _bounds(rows, k)
        return (high - low,)

    return column


def _score(k: int) -> Callable[[Judged], tuple[Rows]]:
    def column(rows: Judged) -> tuple[Rows]:
        low, high = _bounds(rows, k)
        missed = np.maximum(low - rows.outcome, 0.0) + np.maximum(rows.outcome - high, 0.0)
        return (high - low + 2 / (1 - LEVELS[k] / 100) * missed,)

    return column


def _at(k: int, level: int) -> tuple[Metric, ...]:
    return (
        Metric(
            f"coverage_{level}",
            f"Share of outcomes within the central {level} % interval; above it where many "
            "forecasts rest on zero.",
            "distribution",
            False,
            OfMeans(_coverage(k)),
            best=level / 100,
        ),
        Metric(
            f"width_{level}",
            f"Mean width of the central {level} % interval, in money.",
            "distribution",
            False,
            OfMeans(_width(k)),
        ),
        Metric(
            f"interval_score_{level}",
            "That width plus what outcomes miss the interval by, at the price that makes true "
            "quantiles best (Winkler), in money.",
            "distribution",
            False,
            OfMeans(_score(k)),
        ),
    )


# The leaderboard has those of 80 % itself.
METRICS = tuple(metric for k, level in enumerate(LEVELS) if level != 80 for metric in _at(k, level))
