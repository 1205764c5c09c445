"""The account of a tabular forecast: which feature brings how much of the expected cash."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32

from patronage.forecast import AbstractForecast
from patronage.horizon import Horizon
from patronage.models.explaining import Account, Contributions
from patronage.models.explaining.path import along_path
from patronage.models.explaining.shapley import shapley
from patronage.models.folds import Summary
from patronage.models.tabular.carrying import Carried, Carrying, way_to
from patronage.models.tabular.design import Design
from patronage.snapshots import Snapshot

__all__ = ["DECLINE", "PROCESS", "Accountable", "MoneyOfScores", "account_by_feature"]

# Reasons that are no feature.
PROCESS = "what the process model expects"
DECLINE = "change of pace beyond the learned horizon"

Scores = Float[np.ndarray, "rows scores"]
Rows = Float[np.ndarray, " rows"]


@runtime_checkable
class Accountable(Carrying, Protocol):
    """What the fitted models have in common that can be told feature by feature."""

    @property
    def design(self) -> Design: ...
    @property
    def features(self) -> tuple[str, ...]: ...
    @property
    def kept(self) -> float: ...
    @property
    def vote(self) -> float: ...
    def told(self, matrix: Float32[np.ndarray, "customers columns"], way: Carried) -> Summary:
        """What is expected within `learned`, the process model's vote counted."""
        ...

    def forecast(
        self, known: Snapshot, horizon: Horizon, told: Summary, way: Carried
    ) -> AbstractForecast:
        """The forecast of what is told, carried to `horizon`."""
        ...


@runtime_checkable
class MoneyOfScores(Protocol):
    """Expected cash within the learned horizon, as a smooth function of a few raw scores."""

    def raw_parts(
        self, matrix: Float32[np.ndarray, "rows features"]
    ) -> tuple[Float[np.ndarray, " scores"], Float[np.ndarray, "rows scores features"]]:
        """The scores of nobody in particular, and each row's parts beyond them."""
        ...

    def value(self, scores: Scores) -> Rows:
        """The cash."""
        ...

    def slope(self, scores: Scores) -> Scores:
        """Its gradient."""
        ...


def account_by_feature(
    fitted: Accountable,
    money: MoneyOfScores | None,
    snapshot: Snapshot,
    horizon: Horizon,
    reference: Snapshot,
) -> Account:
    """The forecast, and parts of its mean that add up to it.

    The mean is ((1 − vote) · kept · money + vote · process) · ratio, and its parts are told
    exactly, through all links and products; by Shapley values of what the model reads where the
    money is not told by parts of scores.

    Nobody in particular has the scores that the money begins with, is expected by the process
    model to bring what they say, and keeps the pace. Ratio and process are reasons of their own.

    Parameters
    ----------
    money : expected cash within `learned`, before `kept` and the vote; None: not known by parts
    reference : customers of the same day, see `account_of`
    """
    if money is None:
        return shapley(fitted, snapshot, horizon, reference)
    known = snapshot.with_features(fitted.features)
    way = way_to(horizon, fitted, known)
    matrix, columns = fitted.design.matrix(known), fitted.design.columns
    told = fitted.told(matrix, way)
    first, parts = money.raw_parts(matrix)
    n, kept, vote = len(matrix), fitted.kept, fitted.vote
    own, process, ratio = slice(0, len(first)), len(first), len(first) + 1
    start = np.zeros((n, len(first) + 2))
    moved = np.zeros((n, len(first) + 2, len(columns) + 2))
    start[:, own], moved[:, own, :-2] = first, parts

    def value(scores: Scores) -> Rows:
        inside = (1.0 - vote) * kept * money.value(scores[:, own]) + vote * scores[:, process]
        return np.asarray(np.exp(scores[:, ratio]) * inside)

    def slope(scores: Scores) -> Scores:
        found = np.empty_like(scores)
        grown = np.exp(scores[:, ratio])
        found[:, own] = (grown * (1.0 - vote) * kept)[:, None] * money.slope(scores[:, own])
        found[:, process] = grown * vote
        found[:, ratio] = value(scores)
        return found

    start[:, process] = kept * money.value(start[:, own])
    start[:, ratio] = np.log(horizon.days / fitted.learned.days)
    end = start + moved.sum(axis=2)
    if way.told is not None:
        end[:, process] = way.told.cash
    end[:, ratio] = np.log(way.ratio)
    moved[:, process, -2] = end[:, process] - start[:, process]
    moved[:, ratio, -1] = end[:, ratio] - start[:, ratio]
    base = value(start)
    values = along_path(slope, start, end, moved, told.cash * way.ratio - base)
    contributions = Contributions(base, (*columns, PROCESS, DECLINE), values)
    return fitted.forecast(known, horizon, told, way), contributions
