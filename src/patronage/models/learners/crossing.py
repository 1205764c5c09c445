"""Cross-fitting, the same for every learner: a member per block, and predictions of the unseen."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar, final

import numpy as np
from jaxtyping import Bool, Float, Float32, Int
from scipy.special import xlogy

from patronage.models.learners.base import Grown, Head, Predictor
from patronage.models.learners.binned import BinnedTable

__all__ = ["N_WORKERS", "Averaged", "cross_fit", "deviance", "in_parts", "unseen_scale"]

# Why members in threads of their own, each growing on one: LightGBM's own threads wait for each
# other by spinning at every split, and on a busy machine that made a fit thirty times slower.
# A machine that says how many threads numeric libraries may start (OMP_NUM_THREADS) is obeyed.
N_WORKERS: Final = 1 if os.environ.get("OMP_NUM_THREADS") == "1" else min(2, os.cpu_count() or 1)

# Fewer rows are predicted before a second thread has begun.
_MANY_ROWS: Final = 20_000

Grows = TypeVar("Grows", bound=Predictor)


@final
@dataclass(frozen=True)
class Averaged:
    """The mean of a few members' predictions.

    Attributes
    ----------
    members : grown on all blocks of customers but one each
    scale : what the mean is multiplied with, so that the total over customers unseen is right
    """

    members: tuple[Predictor, ...]
    scale: float = 1.0

    @classmethod
    def join(cls, members: Sequence[Predictor], scale: float) -> "Averaged":
        """The mean of them all, times a scale."""
        return cls(tuple(members), scale)

    def predict(self, matrix: Float32[np.ndarray, "rows features"]) -> Float[np.ndarray, " rows"]:
        """The expected target (or its quantile) of each row, on the target's own scale."""
        total = np.zeros(len(matrix))
        for member in self.members:
            total += member.predict(matrix)
        return total * (self.scale / len(self.members))


def in_parts(
    predict: Callable[[Float32[np.ndarray, "_ features"]], Float[np.ndarray, "..."]],
    matrix: Float32[np.ndarray, "rows features"],
) -> Float[np.ndarray, "..."]:
    """The predictions of all rows, a row each; many rows are shared between threads of ours.

    Why not threads of the package's: LightGBM has one number of threads for all that a process
    does, and a forest that another thread was growing, with room for one, was overrun.
    """
    n_parts = N_WORKERS if len(matrix) > _MANY_ROWS else 1
    if n_parts == 1:
        return predict(matrix)
    with ThreadPoolExecutor(n_parts) as pool:
        return np.concatenate(list(pool.map(predict, np.array_split(matrix, n_parts))))


def cross_fit(
    table: BinnedTable,
    fold: Int[np.ndarray, " rows"],
    heads: Sequence[Head],
    member: Callable[[BinnedTable, Bool[np.ndarray, " rows"], Head], Grows],
    *,
    join: Callable[[Sequence[Grows], float], Predictor],
    n_folds: int,
) -> list[Grown]:
    """For each head one member per fold, grown on the rows outside it and stopped by those inside.

    The members are not refitted on all rows: their mean has the variance of all the data. The
    scale makes the total over unseen rows right; a quantile has none.

    Parameters
    ----------
    member : grows one, from the head's rows and which of them are in the unseen block
    join : makes one predictor of all members and the scale
    """
    folds = [fold if head.rows is None else fold[head.rows] for head in heads]
    tables = [table if head.rows is None else table.take(head.rows) for head in heads]

    def grow(task: tuple[int, int]) -> tuple[Grows, Float[np.ndarray, " rows"]]:
        which, k = task
        grown = member(tables[which], folds[which] == k, heads[which])
        return grown, grown.predict(table.matrix[fold == k])

    tasks = [(which, k) for which in range(len(heads)) for k in range(n_folds)]
    with ThreadPoolExecutor(N_WORKERS) as pool:
        members = dict(zip(tasks, pool.map(grow, tasks), strict=True))
    grown = []
    for which, head in enumerate(heads):
        unseen = np.empty(len(fold))
        for k in range(n_folds):
            unseen[fold == k] = members[which, k][1]
        scale = unseen_scale(head, unseen if head.rows is None else unseen[head.rows])
        mean = join([members[which, k][0] for k in range(n_folds)], scale)
        grown.append(Grown(mean, unseen * scale))
    return grown


def unseen_scale(head: Head, unseen: Float[np.ndarray, " rows"]) -> float:
    """What makes the total of the head's rows right, each told by who never saw it."""
    came, told = float(head.target.sum()), float(unseen.sum())
    return came / told if head.loss != "quantile" and came > 0 and told > 0 else 1.0


def deviance(
    head: Head, target: Float[np.ndarray, " rows"], mean: Float[np.ndarray, " rows"]
) -> float:
    """Mean of the head's loss, but for terms without `mean`; what growing is stopped by."""
    if head.loss == "squared":
        return float(np.mean((target - mean) ** 2))
    if head.loss == "quantile":
        away = target - mean
        return float(np.mean(np.maximum(head.level * away, (head.level - 1.0) * away)))
    if head.loss == "binary":
        p = np.clip(mean, 1e-9, 1.0 - 1e-9)
        return float(-np.mean(xlogy(target, p) + xlogy(1.0 - target, 1.0 - p)))
    power = {"poisson": 1.0, "gamma": 2.0}.get(head.loss, head.power)
    mean = np.maximum(mean, 1e-9 * max(float(target.mean()), 1e-300))
    if power == 1.0:
        return float(np.mean(mean - xlogy(target, mean)))
    if power == 2.0:
        return float(np.mean(np.log(mean) + target / mean))
    return float(
        np.mean(mean ** (2 - power) / (2 - power) - target * mean ** (1 - power) / (1 - power))
    )
