"""Will there be a gain, how much on average, and which quantiles: heads for each."""

from dataclasses import dataclass, field
from typing import Final, final

import numpy as np
from jaxtyping import Float, Float32

from patronage.horizon import Horizon
from patronage.models.base import Model
from patronage.models.learners.base import Head, Learner, Predictor
from patronage.models.learners.lightgbm import LightGBM
from patronage.models.tabular.lesson import Lesson, LessonSettings
from patronage.models.tabular.shapes import finished_levels, finished_ratios, level_factors
from patronage.models.tabular.signed import FittedSigned, LearnedGains, fit_signed
from patronage.snapshots import Snapshot

__all__ = ["QUANTILE_LEVELS", "QuantileGains", "QuantileTable", "Quantiles", "learn_table"]

QUANTILE_LEVELS: Final = (0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.99)


@final
@dataclass(frozen=True)
class QuantileTable:
    """Mean and quantiles of positive amounts.

    Attributes
    ----------
    mean : expected amount
    heads : log quantile at each of the levels
    inner : levels of the heads, inside (0, 1)
    factors : what the quantiles are multiplied with, so that unseen amounts lie below as often
        as the levels say
    """

    mean: Predictor
    heads: tuple[Predictor, ...]
    inner: Float[np.ndarray, " heads"]
    factors: Float[np.ndarray, " heads"]

    @property
    def levels(self) -> Float[np.ndarray, " levels"]:
        """Those of the heads, and 0 and 1."""
        return finished_levels(self.inner)

    def predict(
        self, matrix: Float32[np.ndarray, "rows features"]
    ) -> tuple[Float[np.ndarray, " rows"], Float[np.ndarray, "rows levels"]]:
        """The mean, and the quantiles over it."""
        mean = self.mean.predict(matrix)
        logs = np.column_stack([head.predict(matrix) for head in self.heads])
        return mean, finished_ratios(self.inner, np.exp(logs) * self.factors, mean)


def learn_table(
    lesson: Lesson,
    learner: Learner,
    amounts: Float[np.ndarray, " rows"],
    *,
    seed: int,
) -> tuple[QuantileTable, Float[np.ndarray, " rows"]]:
    """The table, and the mean that each row was told by the member that never saw it.

    Parameters
    ----------
    amounts : of every row of the lesson; learned from where above 0
    """
    some = amounts > 0
    positive = amounts[some]
    # Why logarithms: a quantile of the logarithm is the logarithm of the quantile, and the few
    # largest amounts do not rule the steps of the trees.
    logs = np.log(positive)
    heads = [Head(positive, "gamma", rows=some)]
    heads += [Head(logs, "quantile", rows=some, level=level) for level in QUANTILE_LEVELS]
    mean, *grown = learner.grow(lesson.table, lesson.fold, heads, seed=seed)
    inner = np.array(QUANTILE_LEVELS)
    unseen = np.sort(np.exp(np.column_stack([one.unseen[some] for one in grown])), axis=1)
    table = QuantileTable(
        mean.predictor,
        tuple(one.predictor for one in grown),
        inner,
        level_factors(inner, unseen, positive),
    )
    return table, mean.unseen


@final
@dataclass(frozen=True)
class QuantileGains:
    """P(cash > 0), and mean and quantiles of cash if any."""

    chance: Predictor
    table: QuantileTable

    @property
    def levels(self) -> Float[np.ndarray, " levels"]:
        """Of the quantiles, from 0 to 1."""
        return self.table.levels

    def predict(
        self, matrix: Float32[np.ndarray, "rows features"]
    ) -> tuple[
        Float[np.ndarray, " rows"], Float[np.ndarray, " rows"], Float[np.ndarray, "rows levels"]
    ]:
        """P(cash > 0), its mean if any, and quantiles of cash over this mean."""
        return self.chance.predict(matrix), *self.table.predict(matrix)


@final
@dataclass(frozen=True)
class Quantiles:
    """A chance of a gain, and quantiles and a mean of it, over rewound snapshots.

    Nothing is assumed of the shape of gains: ten quantiles are learned on the pinball loss,
    put in order, and finished by the mean. Customers with a net loss have a part of their own
    where there are enough of them; else it is taken off the gains, as in the hurdle.

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
            # First, since a learner that knows no quantiles refuses them.
            table, mean = learn_table(lesson, self.learner, lesson.cash, seed=seed)
            head = Head((lesson.cash > 0).astype(np.float64), "binary")
            (paying,) = self.learner.grow(lesson.table, lesson.fold, (head,), seed=seed)
            return LearnedGains(QuantileGains(paying.predictor, table), paying.unseen, mean)

        return fit_signed(
            snapshot,
            horizon,
            learn_gains,
            process=self.carry,
            taught=self.lesson,
            learner=self.learner,
            seed=seed,
        )
