"""Central intervals of one customer's outcome at several levels, and the atom at zero."""

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


def _pit_coverage(level: int) -> Callable[[Judged], tuple[Rows]]:
    def column(rows: Judged) -> tuple[Rows]:
        assert rows.pit is not None
        return ((np.abs(rows.pit - 0.5) <= level / 200).astype(float),)

    return column


def _zeros(rows: Judged) -> tuple[Rows, Rows]:
    assert isinstance(rows, Examined)
    return (rows.outcome <= 0).astype(float), 1.0 - rows.p_buys


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
            f"pit_coverage_{level}",
            f"The same with outcomes on an atom placed within it by lot: {level} % if true.",
            "distribution",
            False,
            OfMeans(_pit_coverage(level)),
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


METRICS = (
    *(metric for k, level in enumerate(LEVELS) for metric in _at(k, level)),
    Metric(
        "zero_gap",
        "Share of customers without net cash, less what the forecasts give to it.",
        "distribution",
        False,
        OfMeans(_zeros, lambda means: means[0] - means[1]),
        best=0.0,
    ),
)
