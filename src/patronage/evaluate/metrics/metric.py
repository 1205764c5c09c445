"""What a metric is: a name, a meaning, and one formula over weighted sums of judged rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float

from patronage.evaluate.judged import Judged
from patronage.evaluate.weighing import Weighing

__all__ = ["Metric", "OfGroups", "OfMeans", "ratio"]

Rows: TypeAlias = Float[np.ndarray, " rows"]
Draws: TypeAlias = Float[np.ndarray, " draws"]


def _first(means: Float[np.ndarray, "columns draws"]) -> Draws:
    return np.asarray(means[0])


def ratio(part: Draws, whole: Draws) -> Draws:
    """part / whole; NaN, not known, where the whole is not positive."""
    nowhere = np.full(np.shape(part), np.nan)
    return np.asarray(np.divide(part, whole, out=nowhere, where=np.asarray(whole) > 0))


@dataclass(frozen=True)
class OfMeans:
    """A function of the means of a few numbers per row.

    Attributes
    ----------
    columns : the numbers of each row
    finish : from their means (columns, draws) to the metric (draws,)
    """

    columns: Callable[[Judged], tuple[Rows, ...]]
    finish: Callable[[Float[np.ndarray, "columns draws"]], Draws] = _first


@dataclass(frozen=True)
class OfGroups:
    """A function of sums by rank or group.

    Attributes
    ----------
    compute : from the weighing to the metric (draws,)
    """

    compute: Callable[[Weighing], Draws]


@dataclass(frozen=True)
class Metric:
    """One number that says how true forecasts were.

    Attributes
    ----------
    name : its key in METRICS
    meaning : one sentence
    needs : what a forecast must know
    higher_is_better : else lower is, or nearest to `best`
    formula : how it is computed
    best : where nearest to a number is best (a bias: 0)
    among : the rows that it is a mean of: all, or those with a positive outcome
    """

    name: str
    meaning: str
    needs: Literal["cash", "purchases", "distribution"]
    higher_is_better: bool
    formula: OfMeans | OfGroups
    best: float | None = None
    among: Literal["all", "buyers"] = "all"

    def of(self, rows: Judged) -> float:
        """The metric of these rows, each counted once."""
        weighing = Weighing.exact(rows)
        if isinstance(self.formula, OfGroups):
            return float(self.formula.compute(weighing)[0])
        return float(self.formula.finish(weighing.means(np.stack(self.formula.columns(rows))))[0])

    def loss(self, value: Float[np.ndarray, " draws"]) -> Float[np.ndarray, " draws"]:
        """The metric turned so that lower is better."""
        if self.best is not None:
            return np.abs(value - self.best)
        return -value if self.higher_is_better else value
