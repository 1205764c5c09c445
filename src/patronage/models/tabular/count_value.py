"""How many purchases, times how much a purchase: one distribution of the total."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, final

import numpy as np
from jaxtyping import Float, Float32, Int

from patronage.horizon import Horizon
from patronage.models.base import Model
from patronage.models.learners.base import Head, Learner, Predictor
from patronage.models.learners.lightgbm import LightGBM
from patronage.models.tabular.lesson import Lesson, LessonSettings
from patronage.models.tabular.quantiles import QuantileTable, learn_table
from patronage.models.tabular.shapes import finished_levels, finished_ratios
from patronage.models.tabular.signed import FittedSigned, LearnedGains, fit_signed
from patronage.snapshots import Snapshot

__all__ = ["CountValue", "CountValueGains", "compound_quantiles", "count_edges"]

# Of the total, read off the compound.
_LEVELS: Final = np.array(
    [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99]
)
# Classes of counts begin here, as long as enough rows are in a class and beyond it.
_EDGES: Final = (1, 2, 3, 4, 6, 9, 14, 20, 30, 45, 68, 100)
_FEWEST: Final = 100
# Within a class a count is one of so many equally likely ones.
_PER_CLASS: Final = 8
_POINTS: Final = 128
_BLOCK: Final = 20_000


@final
@dataclass(frozen=True)
class CountValueGains:
    """Chances of classes of counts, and mean and quantiles of the value of a purchase.

    Attributes
    ----------
    chances : P(count in this class or beyond | in the one before or beyond), the first of the
        class of one purchase
    counts : equally likely counts in each class, increasing along a row
    value : of the mean purchase
    """

    chances: tuple[Predictor, ...]
    counts: Float[np.ndarray, "classes per_class"]
    value: QuantileTable

    @property
    def levels(self) -> Float[np.ndarray, " levels"]:
        """Of the quantiles, from 0 to 1."""
        return finished_levels(_LEVELS)

    def predict(
        self, matrix: Float32[np.ndarray, "rows features"]
    ) -> tuple[
        Float[np.ndarray, " rows"], Float[np.ndarray, " rows"], Float[np.ndarray, "rows levels"]
    ]:
        """P(cash > 0), its mean if any, and quantiles of cash over this mean."""
        first, *others = (np.clip(chance.predict(matrix), 0.0, 1.0) for chance in self.chances)
        classes = class_chances(others, len(matrix))
        value, ratios = self.value.predict(matrix)
        number = classes @ self.counts.mean(axis=1)
        shape = np.empty((len(matrix), len(_LEVELS) + 2))
        for start in range(0, len(matrix), _BLOCK):
            rows = slice(start, start + _BLOCK)
            totals = compound_quantiles(
                classes[rows], self.counts, self.value.levels, ratios[rows], _LEVELS
            )
            shape[rows] = finished_ratios(_LEVELS, totals, number[rows])
        return first, number * value, shape


@final
@dataclass(frozen=True)
class CountValue:
    """Classes of counts times the value of a purchase, over rewound snapshots.

    The chances of one purchase, of a second given a first and so on are learned one after the
    other on customers who came so far; the value of a purchase, the mean over the horizon, by its
    mean and quantiles. Count and value are independent given the features; their product is
    summed over a lattice of points. Customers with a net loss have a part of their own where
    there are enough of them; else it is taken off the gains, as in the hurdle.

    Attributes
    ----------
    carry : the process model that carries to a horizon longer than can be learned from outcomes,
        and splits the total over periods; without one, longer horizons are refused and periods
        share equally
    lesson : which earlier origins are learned from
    learner : what learns the table; it must know the quantile loss
    """

    carry: Model | None = None
    lesson: LessonSettings = field(default_factory=LessonSettings)
    learner: Learner = field(default_factory=LightGBM)

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedSigned:
        """Learn from customers at earlier origins and what they then did."""

        def learn_gains(lesson: Lesson) -> LearnedGains:
            # Cash without a counted purchase, such as a fee, counts as one.
            counted = np.where(lesson.cash > 0, np.maximum(lesson.purchases, 1.0), 0.0)
            edges = count_edges(counted)
            heads = [Head((counted > 0).astype(np.float64), "binary")]
            for before, edge in pairwise(edges):
                some = counted >= before
                heads.append(Head((counted[some] >= edge).astype(np.float64), "binary", rows=some))
            first, *others = self.learner.grow(lesson.table, lesson.fold, heads, seed=seed)
            amounts = lesson.cash / np.maximum(counted, 1.0)
            value, mean = learn_table(lesson, self.learner, amounts, seed=seed)
            gains = CountValueGains(
                tuple(one.predictor for one in (first, *others)),
                class_counts(counted, edges),
                value,
            )
            classes = class_chances([np.clip(one.unseen, 0.0, 1.0) for one in others], len(counted))
            return LearnedGains(gains, first.unseen, classes @ gains.counts.mean(axis=1) * mean)

        return fit_signed(
            snapshot,
            horizon,
            learn_gains,
            process=self.carry,
            taught=self.lesson,
            learner=self.learner,
            seed=seed,
        )


def count_edges(counted: Float[np.ndarray, " rows"]) -> tuple[int, ...]:
    """Least counts of the classes: those of 1 up, where 100 rows are in a class and beyond it."""
    edges = [_EDGES[0]]
    for edge in _EDGES[1:]:
        inside = int(((counted >= edges[-1]) & (counted < edge)).sum())
        if int((counted >= edge).sum()) < _FEWEST:
            break
        if inside >= _FEWEST:
            edges.append(edge)
    return tuple(edges)


def class_counts(
    counted: Float[np.ndarray, " rows"], edges: tuple[int, ...]
) -> Float[np.ndarray, "classes per_class"]:
    """Equally likely counts of each class, with the mean that its rows have."""
    rows = []
    for low, high in zip(edges, (*edges[1:], np.inf), strict=True):
        inside = np.sort(counted[(counted >= low) & (counted < high)])
        if len(inside) < _PER_CLASS:
            inside = np.repeat(inside, _PER_CLASS)
        rows.append([part.mean() for part in np.array_split(inside, _PER_CLASS)])
        rows[-1] = list(np.array(rows[-1]) * inside.mean() / np.mean(rows[-1]))
    return np.array(rows)


def class_chances(
    further: list[Float[np.ndarray, " rows"]], n_rows: int
) -> Float[np.ndarray, "rows classes"]:
    """P(count in each class | at least one purchase), from the chances of going on."""
    reached = np.ones((n_rows, len(further) + 2))
    reached[:, -1] = 0.0
    for k, chance in enumerate(further):
        reached[:, k + 1] = reached[:, k] * chance
    return np.asarray(reached[:, :-1] - reached[:, 1:])


def compound_quantiles(
    classes: Float[np.ndarray, "rows classes"],
    counts: Float[np.ndarray, "classes per_class"],
    levels: Float[np.ndarray, " value_levels"],
    values: Float[np.ndarray, "rows value_levels"],
    asked: Float[np.ndarray, " asked"],
) -> Float[np.ndarray, "rows asked"]:
    """Quantiles of count × value, by 128 points of a rank-1 lattice in count and value.

    Parameters
    ----------
    classes : P(count in each class)
    counts : equally likely counts of each class
    levels, values : quantile function of the value, linear between the levels
    asked : levels of the total
    """
    first = (np.arange(_POINTS) + 0.5) / _POINTS
    second = (np.arange(_POINTS) * 0.6180339887498949 + 0.5) % 1.0
    each = np.cumsum(np.repeat(classes / counts.shape[1], counts.shape[1], axis=1), axis=1)
    place = _places(each, first)
    number = counts.ravel()[np.minimum(place, counts.size - 1)]
    at = np.clip(np.searchsorted(levels, second, "right") - 1, 0, len(levels) - 2)
    step = (second - levels[at]) / (levels[at + 1] - levels[at])
    value = values[:, at] * (1.0 - step) + values[:, at + 1] * step
    totals = np.sort(number * value, axis=1)
    where = np.clip(asked * _POINTS - 0.5, 0.0, _POINTS - 1.0)
    low = np.minimum(where.astype(np.int64), _POINTS - 2)
    part = where - low
    return np.asarray(totals[:, low] * (1.0 - part) + totals[:, low + 1] * part)


def _places(
    cumulative: Float[np.ndarray, "rows counts"], levels: Float[np.ndarray, " points"]
) -> Int[np.ndarray, "rows points"]:
    """Where each row of cumulative chances reaches each level."""
    n_rows, width = cumulative.shape
    # Rows one after the other make one rising sequence, so that one search serves all.
    rising = (np.minimum(cumulative, 1.0) + np.arange(n_rows)[:, None]).ravel()
    found = np.searchsorted(rising, (np.arange(n_rows)[:, None] + levels).ravel())
    return np.asarray(found.reshape(n_rows, -1) - np.arange(n_rows)[:, None] * width)
