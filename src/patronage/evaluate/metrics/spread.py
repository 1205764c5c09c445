"""Is the spread honest: metrics of the whole distribution of one customer's cash."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from patronage.evaluate.judged import Judged
from patronage.evaluate.metrics.metric import Metric, OfGroups, OfMeans
from patronage.evaluate.weighing import Weighing

__all__ = ["METRICS"]


def _known(values: Float[np.ndarray, " rows"] | None) -> Float[np.ndarray, " rows"]:
    assert values is not None
    return values


def _pinball(rows: Judged) -> tuple[Float[np.ndarray, " rows"]]:
    miss = rows.outcome - _known(rows.q90)
    return (np.maximum(0.9 * miss, -0.1 * miss),)


def _within(rows: Judged) -> tuple[Float[np.ndarray, " rows"]]:
    inside = (rows.outcome >= _known(rows.q10)) & (rows.outcome <= _known(rows.q90))
    return (inside.astype(np.float64),)


def _width(rows: Judged) -> tuple[Float[np.ndarray, " rows"]]:
    return (_known(rows.q90) - _known(rows.q10),)


def _interval_score(rows: Judged) -> tuple[Float[np.ndarray, " rows"]]:
    low, high = _known(rows.q10), _known(rows.q90)
    missed = np.maximum(low - rows.outcome, 0.0) + np.maximum(rows.outcome - high, 0.0)
    return (high - low + 2.0 / 0.2 * missed,)


def _pit_within(level: float) -> Callable[[Judged], tuple[Float[np.ndarray, " rows"]]]:
    def within(rows: Judged) -> tuple[Float[np.ndarray, " rows"]]:
        return ((np.abs(_known(rows.pit) - 0.5) <= level / 2).astype(np.float64),)

    return within


def _zeros(rows: Judged) -> tuple[Float[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
    return (rows.outcome <= 0).astype(np.float64), _known(rows.p_zero)


def _below(rows: Judged) -> tuple[Float[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
    return (rows.outcome <= _known(rows.q90)).astype(np.float64), _known(rows.f_q90)


def _pit_deviation(weighing: Weighing) -> Float[np.ndarray, " draws"]:
    """Largest distance of the PIT's distribution function from the diagonal (Kolmogorov)."""
    pit = _known(weighing.rows.pit)
    if len(pit) == 0:
        return np.zeros(weighing.weights.shape[1])
    group, n = weighing.groups(-pit)
    low, high = np.full(n, np.inf), np.zeros(n)
    np.minimum.at(low, group, pit)
    np.maximum.at(high, group, pit)
    weight = weighing.sums(group, n)
    after = weight.cumsum(axis=0) / weight.sum(axis=0)
    before = after - weight / weight.sum(axis=0)
    above, below = np.abs(after - high[:, None]), np.abs(before - low[:, None])
    return np.asarray(np.maximum(above, below).max(axis=0))


METRICS = (
    Metric(
        "crps",
        "Continuous ranked probability score: the error of a whole distribution, in money.",
        "distribution",
        False,
        OfMeans(lambda rows: (_known(rows.crps),)),
    ),
    Metric(
        "pinball_90",
        "Pinball loss of the 90 % quantile, in money.",
        "distribution",
        False,
        OfMeans(_pinball),
    ),
    Metric(
        "coverage_80",
        "Share of outcomes from the 10 % to the 90 % quantile; above 0.8 where many forecasts "
        "rest on zero.",
        "distribution",
        False,
        OfMeans(_within),
        best=0.8,
    ),
    Metric(
        "coverage_90_gap",
        "Share of outcomes at or below the 90 % quantile, less what the forecast itself implies.",
        "distribution",
        False,
        OfMeans(_below, lambda means: means[0] - means[1]),
        best=0.0,
    ),
    Metric(
        "pit_deviation",
        "Largest distance of the randomised probability integral transform from uniform.",
        "distribution",
        False,
        OfGroups(_pit_deviation),
    ),
    *(
        Metric(
            f"pit_coverage_{level}",
            f"Share of outcomes whose randomised probability integral transform lies in the "
            f"central {level} %; what an interval covers, atoms and all.",
            "distribution",
            False,
            OfMeans(_pit_within(level / 100)),
            best=level / 100,
        )
        for level in (50, 80, 90, 95)
    ),
    Metric(
        "width_80",
        "Mean width of the interval from the 10 % to the 90 % quantile, in money.",
        "distribution",
        False,
        OfMeans(_width),
    ),
    Metric(
        "interval_score_80",
        "Width of that interval plus 10 times what an outcome misses it by, in money (Winkler).",
        "distribution",
        False,
        OfMeans(_interval_score),
    ),
    Metric(
        "zero_gap",
        "Share of customers without net cash, less what the forecasts give to it.",
        "distribution",
        False,
        OfMeans(_zeros, lambda means: means[0] - means[1]),
        best=0.0,
    ),
)
