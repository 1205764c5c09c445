"""Several linear scores on one likelihood, by maximum penalised likelihood."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, final

import numpy as np
from jaxtyping import Float, Float32, Int

from patronage.models.learners.base import Grown, GrownJointly, Head, JointLoss
from patronage.models.learners.binned import BinnedTable
from patronage.models.learners.crossing import N_WORKERS
from patronage.models.learners.elastic_net import ElasticNet
from patronage.models.learners.standardised import Standardised, learn_columns

__all__ = ["JointLinear", "LinearScores"]

# A score is kept within this of its start, so that one odd row cannot outgrow all others.
_FURTHEST: Final = 6.0

# Information of a row below it, and what keeps a curvature from being 0.
_SAYS_NOTHING: Final = 2e-6
# A step that promises less of the mean loss is not taken.
_ENOUGH: Final = 1e-6
_MOST_STEPS: Final = 30
_MOST_HALVED: Final = 8

Weights = Float[np.ndarray, "_ scores"]


@final
@dataclass(frozen=True)
class JointLinear:
    """The mean of a few members' scores.

    Attributes
    ----------
    columns : each member's standardised columns
    starts : each member's scores without features
    weights : each member's effects; the first row is the intercept
    """

    columns: tuple[Standardised, ...]
    starts: tuple[Float[np.ndarray, " scores"], ...]
    weights: tuple[Weights, ...]

    def predict(
        self, matrix: Float32[np.ndarray, "rows features"]
    ) -> Float[np.ndarray, "rows scores"]:
        """The scores of each row."""
        parts = zip(self.columns, self.starts, self.weights, strict=True)
        # Why wide: in single precision a row's score would depend on who is scored beside it.
        scores = [
            _scores(_design(columns, matrix).astype(np.float64), weights, at)
            for columns, at, weights in parts
        ]
        return np.asarray(np.mean(scores, axis=0))


@final
@dataclass(frozen=True)
class LinearScores:
    """Linear in signed logarithms; ridge penalties fall until the unseen block no longer gains.

    Attributes
    ----------
    n_folds : blocks of customers; a member is fitted on all but one and stopped on that one
    penalties : per row and squared effect, the largest first
    single : learns heads of one score, such as the number of purchases; few penalties, since
        purchases stand beside the joint scores and take most of the time
    """

    n_folds: int = 3
    penalties: tuple[float, ...] = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3)
    single: ElasticNet = field(default_factory=lambda: ElasticNet(n_penalties=5))

    def grow(
        self,
        table: BinnedTable,
        fold: Int[np.ndarray, " rows"],
        heads: Sequence[Head],
        *,
        seed: int,
    ) -> list[Grown]:
        return self.single.grow(table, fold, heads, seed=seed)

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

        def member(k: int) -> JointLinear:
            inside = fold == k
            columns = learn_columns(table.matrix[~inside])
            x, y = _design(columns, table.matrix[~inside]), target[~inside]
            x_unseen, y_unseen = _design(columns, table.matrix[inside]), target[inside]
            start = loss.start(y)
            weights = np.zeros((x.shape[1], len(start)))
            best, kept = np.inf, weights
            for penalty in self.penalties:
                weights = _fit(x, y, weights, start, loss, penalty)
                unseen = float(loss.value(y_unseen, _scores(x_unseen, weights, start)).mean())
                if unseen > best:
                    break
                best, kept = unseen, weights
            return JointLinear((columns,), (start,), (kept,))

        with ThreadPoolExecutor(N_WORKERS) as pool:
            members = list(pool.map(member, range(self.n_folds)))
        unseen = np.empty((len(target), len(members[0].starts[0])))
        for k, one in enumerate(members):
            unseen[fold == k] = one.predict(table.matrix[fold == k])
        joined = JointLinear(
            tuple(one.columns[0] for one in members),
            tuple(one.starts[0] for one in members),
            tuple(one.weights[0] for one in members),
        )
        return GrownJointly(joined, unseen)


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

    value = value_of(weights)
    for _ in range(_MOST_STEPS):
        gradient, step = _step(x, y, weights, start, loss, pull)
        promised = float((gradient * step).sum())
        if promised < _ENOUGH:
            break
        for halved in range(_MOST_HALVED):
            moved = weights - 0.5**halved * step
            reached = value_of(moved)
            if reached <= value - 1e-4 * 0.5**halved * promised:
                break
        else:
            break
        weights, value = moved, reached
    return weights


def _step(
    x: Float32[np.ndarray, "rows columns"],
    y: Float[np.ndarray, " rows"],
    weights: Weights,
    start: Float[np.ndarray, " scores"],
    loss: JointLoss,
    pull: Float[np.ndarray, "columns 1"],
) -> tuple[Weights, Weights]:
    """The gradient of the mean loss and penalty, and the step that information proposes."""
    scores = _scores(x, weights, start)
    slope, information = loss.gradient(y, scores)
    # Why: at its bound a score does not follow its weights.
    inside = np.abs(scores - start) < _FURTHEST
    slope, information = slope * inside, information * inside
    gradient = (x.T @ slope.astype(np.float32)).astype(np.float64) / len(y) + pull * weights
    step = np.empty_like(weights)
    for k in range(weights.shape[1]):
        told = information[:, k].astype(np.float32)
        # Why: most rows say nothing of how much those who pay will pay.
        rows = told > _SAYS_NOTHING
        some = x if rows.all() else x[rows]
        curve = (some.T @ (some * told[rows, None])).astype(np.float64) / len(y)
        curve[np.diag_indices_from(curve)] += pull[:, 0] + _SAYS_NOTHING
        step[:, k] = np.linalg.solve(curve, gradient[:, k])
    return gradient, step
