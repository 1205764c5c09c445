"""Linear predictors with an elastic net, on the link that each loss has."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from patronage.models.learners.base import Grown, Head, refuse_loss
from patronage.models.learners.binned import BinnedTable
from patronage.models.learners.crossing import Averaged, cross_fit, deviance
from patronage.models.learners.links import (
    LINKS,
    Link,
    linked_mean,
    score_and_weight,
    start_score,
)
from patronage.models.learners.standardised import Standardised, learn_columns

__all__ = ["ElasticNet", "Linear", "fit_elastic_net"]

_STEPS: Final = 8
_TOLERANCE: Final = 1e-5


@final
@dataclass(frozen=True)
class ElasticNet:
    """A generalised linear model per head: logistic, or a log link for counts and amounts.

    Coordinate descent on the weighted squares of each Newton step (Friedman, Hastie & Tibshirani
    2010), along falling penalties, until the unseen block no longer gains. No package is needed.
    A quantile head is refused.

    Attributes
    ----------
    n_folds : blocks of customers; a member is fitted on all but one and stopped on that one
    share_of_lasso : of the penalty that is absolute; the rest is squared
    n_penalties : tried, from the least that leaves no feature in
    smallest : of the penalties, as a part of the first
    most_rows : above it, a member learns from a sample of its rows
    """

    n_folds: int = 3
    share_of_lasso: float = 0.5
    n_penalties: int = 10
    smallest: float = 1e-3
    most_rows: int = 60_000

    def grow(
        self,
        table: BinnedTable,
        fold: Int[np.ndarray, " rows"],
        heads: Sequence[Head],
        *,
        seed: int,
    ) -> list[Grown]:
        """Fit, for each head, one member per fold on the rows outside it."""
        for head in heads:
            if head.loss == "quantile":
                raise refuse_loss(self, head.loss)

        def member(rows: BinnedTable, inside: Bool[np.ndarray, " rows"], head: Head) -> Linear:
            learned = np.flatnonzero(~inside)
            if len(learned) > self.most_rows:
                rng = np.random.default_rng(seed)
                learned = np.sort(rng.choice(learned, self.most_rows, replace=False))
            columns = learn_columns(rows.matrix[learned])
            x, y = columns.columns(rows.matrix[learned]), head.target[learned]
            held, judged = columns.columns(rows.matrix[inside]), head.target[inside]
            best, least = None, np.inf
            weights = np.zeros(x.shape[1])
            intercept = start_score(y, head)
            for penalty in self._penalties(x, y, head):
                intercept, weights = fit_elastic_net(
                    x,
                    y,
                    head,
                    penalty=penalty,
                    share_of_lasso=self.share_of_lasso,
                    start=(intercept, weights),
                )
                found = Linear(columns, weights, intercept, start_score(y, head), LINKS[head.loss])
                loss = deviance(head, judged, found.of_columns(held))
                if loss >= least and best is not None:
                    break
                best, least = found, loss
            assert best is not None
            return best

        return cross_fit(table, fold, heads, member, join=Averaged.join, n_folds=self.n_folds)

    def _penalties(
        self, x: Float32[np.ndarray, "rows columns"], y: Float[np.ndarray, " rows"], head: Head
    ) -> Float[np.ndarray, " penalties"]:
        """Falling by an equal factor from the least penalty that leaves no feature in."""
        centre = start_score(y, head)
        score, _ = score_and_weight(np.full(len(y), centre), y, head, centre)
        most = float(np.abs(x.T @ score).max()) / len(y) / max(self.share_of_lasso, 1e-3)
        return np.asarray(max(most, 1e-12) * np.geomspace(1.0, self.smallest, self.n_penalties))


@final
@dataclass(frozen=True)
class Linear:
    """An intercept and a weight per column, through the inverse of a link.

    Attributes
    ----------
    prepared : from the table to columns
    weights : of the columns
    intercept : of the score
    centre : the score of the mean target; scores stay within 12 of it
    link : of the score with the expected target
    """

    prepared: Standardised
    weights: Float[np.ndarray, " columns"]
    intercept: float
    centre: float
    link: Link

    def predict(self, matrix: Float32[np.ndarray, "rows features"]) -> Float[np.ndarray, " rows"]:
        """The expected target of each row, on the target's own scale."""
        return self.of_columns(self.prepared.columns(matrix))

    def of_columns(
        self, columns: Float32[np.ndarray, "rows columns"]
    ) -> Float[np.ndarray, " rows"]:
        """The same, of rows prepared already."""
        return linked_mean(columns @ self.weights + self.intercept, self.centre, self.link)


def fit_elastic_net(
    x: Float32[np.ndarray, "rows columns"],
    y: Float[np.ndarray, " rows"],
    head: Head,
    *,
    penalty: float,
    share_of_lasso: float,
    start: tuple[float, Float[np.ndarray, " columns"]],
) -> tuple[float, Float[np.ndarray, " columns"]]:
    """Intercept and weights of least mean deviance / 2 plus the penalty.

    The penalty is penalty × (share_of_lasso |w| + (1 − share_of_lasso) w² / 2), of all weights.

    Parameters
    ----------
    x : standardised columns
    head : says which loss; its own target is not read
    start : intercept and weights to begin with
    """
    intercept, weights = start
    weights = weights.copy()
    l1, l2 = penalty * share_of_lasso, penalty * (1.0 - share_of_lasso)
    centre, n = start_score(y, head), len(y)

    def objective(b: float, w: Float[np.ndarray, " columns"]) -> float:
        mean = linked_mean(x @ w + b, centre, LINKS[head.loss])
        half = 0.5 if head.loss == "squared" else 1.0
        return half * deviance(head, y, mean) + l1 * float(np.abs(w).sum()) + l2 / 2 * float(w @ w)

    before = objective(intercept, weights)
    for _ in range(_STEPS):
        score, weight = score_and_weight(x @ weights + intercept, y, head, centre)
        weighted = x * weight.astype(np.float32)[:, None]
        gram = np.asarray(weighted.T @ x, dtype=np.float64) / n
        sums = np.asarray(weighted.sum(axis=0, dtype=np.float64)) / n
        slope = np.asarray(x.T @ score, dtype=np.float64) / n
        b, w = _descend(
            gram, sums, float(weight.mean()), slope, float(score.mean()), weights, l1=l1, l2=l2
        )
        step = 1.0
        after = objective(intercept + b, w)
        # Why halved: far from the optimum a Newton step of an exponential goes too far.
        while after > before + 1e-12 and step > 1e-3:
            step /= 2.0
            after = objective(intercept + step * b, weights + step * (w - weights))
        if after > before:
            break
        moved = before - after
        intercept, weights = intercept + step * b, weights + step * (w - weights)
        if moved < _TOLERANCE * max(abs(before), 1e-3):
            break
        before = after
    return intercept, weights


def _descend(
    gram: Float[np.ndarray, "columns columns"],
    sums: Float[np.ndarray, " columns"],
    total: float,
    slope: Float[np.ndarray, " columns"],
    mean_slope: float,
    weights: Float[np.ndarray, " columns"],
    *,
    l1: float,
    l2: float,
) -> tuple[float, Float[np.ndarray, " columns"]]:
    """Step of the intercept and new weights, of least penalised squares about `weights`."""
    w, b = weights.copy(), 0.0
    # What is left of the slope of each column, and of the intercept, after the moves so far.
    left, left_mean = slope.copy(), mean_slope
    for _ in range(60):
        furthest = 0.0
        for j in range(len(w)):
            if gram[j, j] <= 0.0:
                continue
            pull = left[j] + gram[j, j] * w[j]
            new = np.sign(pull) * max(abs(pull) - l1, 0.0) / (gram[j, j] + l2)
            if new != w[j]:
                move = new - w[j]
                left -= gram[:, j] * move
                left_mean -= sums[j] * move
                w[j] = new
                furthest = max(furthest, gram[j, j] * move * move)
        move = left_mean / total
        left -= sums * move
        left_mean = 0.0
        b += move
        if max(furthest, total * move * move) < 1e-9 * total:
            break
    return float(b), w
