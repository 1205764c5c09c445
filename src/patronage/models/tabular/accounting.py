"""The account of a tabular forecast: which feature brings how much of the expected cash."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32
from scipy.special import expit

from patronage.forecast import AbstractForecast
from patronage.horizon import Horizon
from patronage.models.base import FittedModel
from patronage.models.explaining import Account, Contributions
from patronage.models.explaining.path import along_path
from patronage.models.explaining.shapley import shapley
from patronage.models.folds import Summary
from patronage.models.learners.attribution import Attributes
from patronage.models.learners.base import Predictor
from patronage.models.tabular.carrying import Carried, carry, refuse_other_horizon
from patronage.models.tabular.design import Design
from patronage.snapshots import Snapshot

__all__ = ["DECLINE", "PROCESS", "Accountable", "account_by_feature"]

# Reasons that are no feature.
PROCESS = "what the process model expects"
DECLINE = "change of pace beyond the learned horizon"

Scores = Float[np.ndarray, "rows scores"]
Rows = Float[np.ndarray, " rows"]


@runtime_checkable
class Accountable(Protocol):
    """What the fitted models have in common that can be told feature by feature."""

    @property
    def design(self) -> Design: ...
    @property
    def features(self) -> tuple[str, ...]: ...
    @property
    def horizon(self) -> Horizon: ...
    @property
    def learned(self) -> Horizon: ...
    @property
    def kept(self) -> float: ...
    @property
    def vote(self) -> float: ...
    @property
    def beyond(self) -> float: ...
    @property
    def process(self) -> FittedModel | None: ...
    def predict(self, snapshot: Snapshot, horizon: Horizon) -> AbstractForecast: ...
    def told(self, matrix: Float32[np.ndarray, "customers columns"], way: Carried) -> Summary:
        """What is expected within `learned`, the process model's vote counted."""
        ...

    def forecast(
        self, known: Snapshot, horizon: Horizon, told: Summary, way: Carried
    ) -> AbstractForecast:
        """The forecast of what is told, carried to `horizon`."""
        ...


def account_by_feature(
    fitted: Accountable,
    predictors: Sequence[Predictor],
    snapshot: Snapshot,
    horizon: Horizon,
    reference: Snapshot,
) -> Account:
    """The forecast, and parts of its mean that add up to it.

    The mean is ((1 − vote) · kept · Π predictors + vote · process) · ratio, and its parts are told
    by exact TreeSHAP, through all links and products; by Shapley values of what the model reads
    where a predictor has no parts of its own.

    Nobody in particular has the forests' expected raw scores, is expected by the process model to
    bring what the forests say, and keeps the pace. Ratio and process are reasons of their own.

    Parameters
    ----------
    predictors : their product is the expected cash within `learned`
    reference : customers of the same day, see `account_of`
    """
    factors = [one for one in predictors if isinstance(one, Attributes)]
    if len(factors) < len(predictors):
        return shapley(fitted, snapshot, horizon, reference)
    refuse_other_horizon(fitted=fitted.horizon, asked=horizon)
    known = snapshot.with_features(fitted.features)
    way = carry(fitted.process, known, learned=fitted.learned, asked=horizon, beyond=fitted.beyond)
    matrix, columns = fitted.design.matrix(known), fitted.design.columns
    told = fitted.told(matrix, way)
    n, kept, vote = len(matrix), fitted.kept, fitted.vote
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

    def money(scores: Scores) -> tuple[list[Rows], Rows]:
        """The value of each forest, and of all."""
        values = [value(scores) for value, _ in forests]
        inside = (1.0 - vote) * kept * np.prod(values, axis=0) + vote * scores[:, process]
        return values, np.asarray(np.exp(scores[:, ratio]) * inside)

    def slope(scores: Scores) -> Scores:
        found = np.zeros_like(scores)
        grown = np.exp(scores[:, ratio])
        values, found[:, ratio] = money(scores)
        product = kept * np.prod(values, axis=0)
        for k, (_, gradient) in enumerate(forests):
            others = product / np.maximum(values[k], 1e-300)
            where = slice(bounds[k], bounds[k + 1])
            found[:, where] = (grown * (1.0 - vote) * others)[:, None] * gradient(scores)
        found[:, process] = grown * vote
        return found

    start[:, process] = kept * np.prod([value(start) for value, _ in forests], axis=0)
    start[:, ratio] = np.log(horizon.days / fitted.learned.days)
    end = start + moved.sum(axis=2)
    if way.told is not None:
        end[:, process] = way.told.cash
    end[:, ratio] = np.log(way.ratio)
    moved[:, process, -2] = end[:, process] - start[:, process]
    moved[:, ratio, -1] = end[:, ratio] - start[:, ratio]
    _, base = money(start)
    values = along_path(slope, start, end, moved, told.cash * way.ratio - base)
    parts = Contributions(base, (*columns, PROCESS, DECLINE), values)
    return fitted.forecast(known, horizon, told, way), parts


Value = Callable[[Scores], Rows]
Gradient = Callable[[Scores], Float[np.ndarray, "rows members"]]


def _mean_of(factor: Attributes, where: slice) -> tuple[Value, Gradient]:
    """The scaled mean of the members' predictions, and its gradient in their raw scores."""
    links: dict[str, tuple[Callable[[Scores], Scores], Callable[[Scores], Scores]]] = {
        "logit": (expit, lambda raw: expit(raw) * expit(-raw)),
        "log": (np.exp, np.exp),
        "identity": (lambda raw: raw, np.ones_like),
    }
    inverse, derivative = links[factor.link]

    def value(scores: Scores) -> Rows:
        return np.asarray(factor.scale * inverse(scores[:, where]).mean(axis=1))

    def gradient(scores: Scores) -> Float[np.ndarray, "rows members"]:
        raw = scores[:, where]
        return np.asarray(factor.scale * derivative(raw) / raw.shape[1])

    return value, gradient
