"""The account of a tabular forecast: which feature brings how much of the expected cash."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Float32
from scipy.special import expit

from patronage.horizon import Horizon
from patronage.models.explaining import Contributions
from patronage.models.explaining.path import along_path
from patronage.models.learners.attribution import Attributes
from patronage.models.tabular.carrying import Carried

__all__ = ["DECLINE", "PROCESS", "account"]

# Reasons that are no feature.
PROCESS = "what the process model expects"
DECLINE = "change of pace beyond the learned horizon"

Scores = Float[np.ndarray, "rows scores"]


def account(
    factors: Sequence[Attributes],
    expected: Float[np.ndarray, " rows"],
    matrix: Float32[np.ndarray, "rows features"],
    columns: tuple[str, ...],
    *,
    kept: float,
    vote: float,
    way: Carried,
    learned: Horizon,
    asked: Horizon,
) -> Contributions:
    """Parts of ((1 − vote) · kept · Π factors + vote · process) · ratio, which add up to it.

    Nobody in particular has the forests' expected raw scores, is expected by the process model to
    bring what the forests say, and keeps the pace. Ratio and process are reasons of their own.

    Parameters
    ----------
    factors : predictors whose product is the expected cash within `learned`
    expected : the cash that the model forecasts; the parts add up to it
    columns : names of the matrix's columns
    """
    n, told = len(matrix), way.told
    starts, parts = zip(*(factor.raw_parts(matrix) for factor in factors), strict=True)
    sizes = [len(start) for start in starts]
    n_scores, n_features = sum(sizes) + 2, len(columns) + 2
    bounds = np.cumsum([0, *sizes])
    start, moved = np.zeros((n, n_scores)), np.zeros((n, n_scores, n_features))
    for k, (own, theirs) in enumerate(zip(starts, parts, strict=True)):
        start[:, bounds[k] : bounds[k + 1]] = own
        moved[:, bounds[k] : bounds[k + 1], :-2] = theirs
    process, ratio = n_scores - 2, n_scores - 1
    forests = [
        _mean_of(factor, slice(bounds[k], bounds[k + 1])) for k, factor in enumerate(factors)
    ]

    def product(scores: Scores) -> Float[np.ndarray, " rows"]:
        return np.asarray(kept * np.prod([value(scores) for value, _ in forests], axis=0))

    def money(scores: Scores) -> Float[np.ndarray, " rows"]:
        inside = (1.0 - vote) * product(scores) + vote * scores[:, process]
        return np.asarray(np.exp(scores[:, ratio]) * inside)

    def slope(scores: Scores) -> Scores:
        found = np.zeros_like(scores)
        grown = np.exp(scores[:, ratio])
        for k, (value, gradient) in enumerate(forests):
            others = product(scores) / np.maximum(value(scores), 1e-300)
            where = slice(bounds[k], bounds[k + 1])
            found[:, where] = (grown * (1.0 - vote) * others)[:, None] * gradient(scores)
        found[:, process] = grown * vote
        found[:, ratio] = money(scores)
        return found

    start[:, process] = product(start)
    start[:, ratio] = np.log(asked.days / learned.days)
    end = start + moved.sum(axis=2)
    if told is not None:
        end[:, process] = told.cash
    end[:, ratio] = np.log(way.ratio)
    moved[:, process, -2] = end[:, process] - start[:, process]
    moved[:, ratio, -1] = end[:, ratio] - start[:, ratio]
    base = money(start)
    values = along_path(slope, start, end, moved, expected - base)
    return Contributions(base, (*columns, PROCESS, DECLINE), values)


Value = Callable[[Scores], Float[np.ndarray, " rows"]]
Gradient = Callable[[Scores], Float[np.ndarray, "rows members"]]


def _mean_of(factor: Attributes, where: slice) -> tuple[Value, Gradient]:
    """The scaled mean of the members' predictions, and its gradient in their raw scores."""
    links: dict[str, tuple[Callable[[Scores], Scores], Callable[[Scores], Scores]]] = {
        "logit": (expit, lambda raw: expit(raw) * expit(-raw)),
        "log": (np.exp, np.exp),
        "identity": (lambda raw: raw, np.ones_like),
    }
    inverse, derivative = links[factor.link]

    def value(scores: Scores) -> Float[np.ndarray, " rows"]:
        return np.asarray(factor.scale * inverse(scores[:, where]).mean(axis=1))

    def gradient(scores: Scores) -> Float[np.ndarray, "rows members"]:
        raw = scores[:, where]
        return np.asarray(factor.scale * derivative(raw) / raw.shape[1])

    return value, gradient
