"""Linear scores, several on one likelihood or one for each head, by penalised likelihood."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Float, Float32, Int

from patronage.models.learners.base import Grown, GrownJointly, Head, JointLoss, refuse_loss
from patronage.models.learners.binned import BinnedTable
from patronage.models.learners.crossing import N_WORKERS, unseen_scale
from patronage.models.learners.links import LINKS, Link, LinkedLoss, linked_mean
from patronage.models.learners.standardised import Standardised, learn_columns

__all__ = ["JointLinear", "LinearScores", "LinkedLinear"]

# A score is kept within this of its start, so that one odd row cannot outgrow all others.
_FURTHEST: Final = 6.0

# Information of a row below it, and what keeps a curvature from being 0.
_SAYS_NOTHING: Final = 2e-6
# A step that promises less of the mean loss is not taken.
_ENOUGH: Final = 1e-6
_MOST_STEPS: Final = 30
_MOST_HALVED: Final = 8
# Steps with the curves of an earlier one must promise less by this factor each time.
_SLOW: Final = 0.3

Weights = Float[np.ndarray, "_ scores"]


@final
@dataclass(frozen=True)
class JointLinear:
    """The mean of a few members' scores.

    Attributes
    ----------
    columns : from features to standardised columns
    starts : each member's scores without features
    weights : each member's effects; the first row is the intercept
    """

    columns: Standardised
    starts: tuple[Float[np.ndarray, " scores"], ...]
    weights: tuple[Weights, ...]

    def predict(
        self, matrix: Float32[np.ndarray, "rows features"]
    ) -> Float[np.ndarray, "rows scores"]:
        """The scores of each row."""
        # Why wide: in single precision a row's score would depend on who is scored beside it.
        x = _design(self.columns, matrix).astype(np.float64)
        members = zip(self.starts, self.weights, strict=True)
        return np.asarray(np.mean([_scores(x, weights, at) for at, weights in members], axis=0))

    def unseen(
        self, x: Float32[np.ndarray, "rows columns"], fold: Int[np.ndarray, " rows"]
    ) -> Float[np.ndarray, "rows scores"]:
        """The scores of each row by the member that never saw its block; x with ones first."""
        scores = np.empty((len(x), len(self.starts[0])))
        for k, (start, weights) in enumerate(zip(self.starts, self.weights, strict=True)):
            scores[fold == k] = _scores(x[fold == k].astype(np.float64), weights, start)
        return scores

    def score_parts(
        self, matrix: Float32[np.ndarray, "rows features"]
    ) -> tuple[Float[np.ndarray, " scores"], Float[np.ndarray, "rows scores features"]]:
        """The scores where every column is at its mean, and what each feature's columns add."""
        x = self.columns.columns(matrix).astype(np.float64)
        n_features, missing = matrix.shape[1], np.flatnonzero(self.columns.missing)
        start = np.zeros(len(self.starts[0]))
        parts = np.zeros((len(x), len(start), n_features))
        for at, weights in zip(self.starts, self.weights, strict=True):
            own = x[:, None, :] * weights[1:].T
            own[:, :, missing] += own[:, :, n_features:]
            own = own[:, :, :n_features]
            first = np.clip(weights[0], -_FURTHEST, _FURTHEST)
            # Why: a score that is held at its bound is reached by a part of each.
            raw = weights[0] + own.sum(axis=2)
            moved = np.clip(raw, -_FURTHEST, _FURTHEST) - first
            whole = raw - weights[0]
            held = np.where(np.abs(whole) > 1e-12, moved / np.where(whole == 0, 1.0, whole), 1.0)
            start += (at + first) / len(self.starts)
            parts += own * held[:, :, None] / len(self.starts)
        return start, parts


@final
@dataclass(frozen=True)
class LinkedLinear:
    """A mean target through the inverse of a link.

    Attributes
    ----------
    score : one a row
    link : of the score with the expected target
    scale : what means are multiplied with, so that the total over customers unseen is right
    """

    score: JointLinear
    link: Link
    scale: float

    def predict(self, matrix: Float32[np.ndarray, "rows features"]) -> Float[np.ndarray, " rows"]:
        """The expected target of each row, on the target's own scale."""
        return self.scale * _mean(self.score.predict(matrix)[:, 0], self.score, self.link)


@final
@dataclass(frozen=True)
class LinearScores:
    """Linear in signed logarithms; ridge penalties fall until the unseen block no longer gains.

    A head is a score of its own, through a link. Quantile and squared heads are refused.

    Attributes
    ----------
    n_folds : blocks of customers; a member is fitted on all but one and stopped on that one
    penalties : per row and squared effect, the largest first
    """

    n_folds: int = 3
    penalties: tuple[float, ...] = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3)

    def grow(
        self,
        table: BinnedTable,
        fold: Int[np.ndarray, " rows"],
        heads: Sequence[Head],
        *,
        seed: int,
    ) -> list[Grown]:
        """Fit, for each head, one member per fold on the rows outside it; there is no chance."""
        del seed
        # Why all rows: of those unseen the outcomes are hidden, not the features.
        columns = learn_columns(table.matrix)
        x = _design(columns, table.matrix)
        grown = []
        for head in heads:
            # Why squared too: a score is bounded, as the logarithm of a mean may be, money not.
            link = LINKS[head.loss]
            if link == "identity":
                raise refuse_loss(self, head.loss)
            rows = np.ones(len(fold), bool) if head.rows is None else head.rows
            some = x if head.rows is None else x[rows]
            scores = self._cross_fitted(columns, some, fold[rows], head.target, LinkedLoss(head))
            told = _mean(scores.unseen(x, fold)[:, 0], scores, link)
            scale = unseen_scale(head, told[rows])
            grown.append(Grown(LinkedLinear(scores, link, scale), told * scale))
        return grown

    def grow_jointly(
        self,
        table: BinnedTable,
        fold: Int[np.ndarray, " rows"],
        target: Float[np.ndarray, " rows"],
        loss: JointLoss,
        *,
        seed: int,
    ) -> GrownJointly:
        """One member per fold; the problem has one path, and no chance in it."""
        del seed
        columns = learn_columns(table.matrix)
        x = _design(columns, table.matrix)
        scores = self._cross_fitted(columns, x, fold, target, loss)
        return GrownJointly(scores, scores.unseen(x, fold))

    def _cross_fitted(
        self,
        columns: Standardised,
        x: Float32[np.ndarray, "rows columns"],
        fold: Int[np.ndarray, " rows"],
        target: Float[np.ndarray, " rows"],
        loss: JointLoss,
    ) -> JointLinear:
        def member(k: int) -> tuple[Float[np.ndarray, " scores"], Weights]:
            inside = fold == k
            seen, y = x[~inside], target[~inside]
            unseen, judged = x[inside], target[inside]
            start = loss.start(y)
            weights = np.zeros((x.shape[1], len(start)))
            best, kept = np.inf, weights
            for penalty in self.penalties:
                weights = _fit(seen, y, weights, start, loss, penalty)
                reached = float(loss.value(judged, _scores(unseen, weights, start)).mean())
                if reached > best:
                    break
                best, kept = reached, weights
            return start, kept

        with ThreadPoolExecutor(N_WORKERS) as pool:
            starts, weights = zip(*pool.map(member, range(self.n_folds)), strict=True)
        return JointLinear(columns, starts, weights)


def _mean(
    score: Float[np.ndarray, " rows"], members: JointLinear, link: Link
) -> Float[np.ndarray, " rows"]:
    centre = float(np.mean([start[0] for start in members.starts]))
    return linked_mean(score, centre, link)


def _design(
    columns: Standardised, matrix: Float32[np.ndarray, "rows features"]
) -> Float32[np.ndarray, "rows columns"]:
    found = columns.columns(matrix)
    return np.concatenate([np.ones((len(found), 1), np.float32), found], axis=1)


def _scores(
    x: Float[np.ndarray, "rows columns"], weights: Weights, start: Float[np.ndarray, " scores"]
) -> Float[np.ndarray, "rows scores"]:
    """In the precision of the columns."""
    raw = (x @ weights.astype(x.dtype)).astype(np.float64)
    return np.asarray(start + np.clip(raw, -_FURTHEST, _FURTHEST))


def _fit(
    x: Float32[np.ndarray, "rows columns"],
    y: Float[np.ndarray, " rows"],
    weights: Weights,
    start: Float[np.ndarray, " scores"],
    loss: JointLoss,
    penalty: float,
) -> Weights:
    """The least mean loss and penalty, from the weights of the penalty before.

    Fisher scoring, a weighted least squares for each score and step; half a step where a whole
    one does not bring what it promises.
    """
    pull = np.full((len(weights), 1), penalty)
    pull[0] = 0.0

    def value_of(w: Weights) -> float:
        mean = float(loss.value(y, _scores(x, w, start)).mean())
        return mean + 0.5 * float((pull * w * w).sum())

    value, promised_before = value_of(weights), np.inf
    curves: list[Float[np.ndarray, "columns columns"]] = []
    for _ in range(_MOST_STEPS):
        gradient, information = _slope(x, y, weights, start, loss)
        gradient += pull * weights
        is_fresh = not curves
        if is_fresh:
            curves = _curves(x, information, pull)
        columns = zip(curves, gradient.T, strict=True)
        step = np.stack([np.linalg.solve(curve, slope) for curve, slope in columns], axis=1)
        promised = float((gradient * step).sum())
        if promised < _ENOUGH:
            break
        for halved in range(_MOST_HALVED):
            moved = weights - 0.5**halved * step
            reached = value_of(moved)
            if reached <= value - 1e-4 * 0.5**halved * promised:
                weights, value = moved, reached
                break
        else:
            if is_fresh:
                break
            halved = _MOST_HALVED
        # Why kept: near the optimum curves hardly move, and they are most of a step's work.
        if halved or promised > _SLOW * promised_before:
            curves = []
        promised_before = promised
    return weights


def _slope(
    x: Float32[np.ndarray, "rows columns"],
    y: Float[np.ndarray, " rows"],
    weights: Weights,
    start: Float[np.ndarray, " scores"],
    loss: JointLoss,
) -> tuple[Weights, Float[np.ndarray, "rows scores"]]:
    """The gradient of the mean loss, and each row's information of its scores."""
    scores = _scores(x, weights, start)
    slope, information = loss.gradient(y, scores)
    # Why: at its bound a score does not follow its weights.
    inside = np.abs(scores - start) < _FURTHEST
    gradient = (x.T @ (slope * inside).astype(np.float32)).astype(np.float64) / len(y)
    return gradient, information * inside


def _curves(
    x: Float32[np.ndarray, "rows columns"],
    information: Float[np.ndarray, "rows scores"],
    pull: Float[np.ndarray, "columns 1"],
) -> list[Float[np.ndarray, "columns columns"]]:
    """What is expected of the second derivatives, penalty included, for each score."""
    curves = []
    for told in information.T.astype(np.float32):
        # Why: most rows say nothing of how much those who pay will pay.
        rows = told > _SAYS_NOTHING
        some = x if rows.all() else x[rows]
        curve = (some.T @ (some * told[rows, None])).astype(np.float64) / len(x)
        curve[np.diag_indices_from(curve)] += pull[:, 0] + _SAYS_NOTHING
        curves.append(curve)
    return curves
