"""Will the customer pay at all, and how much if so: two forests, and a third for purchases."""

from dataclasses import dataclass, field
from typing import final

import numpy as np

from patronage.forecast.zero_inflated import ZeroInflatedForecast
from patronage.horizon import Horizon
from patronage.models.base import FittedModel, Model
from patronage.models.boosting.carrying import carry, fit_process, refuse_other_horizon
from patronage.models.boosting.design import FEATURE_GROUPS, design_matrix
from patronage.models.boosting.lesson import LessonSettings, prepare_lesson
from patronage.models.boosting.purchases import grow_purchases
from patronage.models.boosting.spread import AmountSpread, learn_amount_spread
from patronage.models.boosting.trees import Head, Trees, TreeSettings, grow
from patronage.models.boosting.vote import learn_vote, with_vote
from patronage.models.folds import Summary
from patronage.snapshots import Snapshot

__all__ = ["FittedHurdleLightGBM", "HurdleLightGBM"]

# A chance of paying is kept this far from 0 and 1.
_EDGE = 1e-6

# Where refunds eat all cash the expectation is 0, but a positive amount must have a mean.
_LEAST = 1e-12


@final
@dataclass(frozen=True)
class FittedHurdleLightGBM:
    """Learned: three forests over the same features, and the spread of positive cash.

    Attributes
    ----------
    horizon : the horizon it was fitted for; it refuses another
    learned : length of the outcomes it learned from, at most `horizon`
    names : features, in the order of the forests' columns
    paying : P(cash > 0 within `learned`)
    amount : E(cash within `learned` | cash > 0)
    purchases : expected counted purchase days within `learned`
    spread : of positive cash about its conditional mean, within `learned`
    kept : what refunds that outweigh a customer's purchases leave of all cash
    vote : the process model's part in what is forecast within `learned`, 0 to 1
    process : the process model that carries from `learned` to `horizon` and splits over periods
    """

    horizon: Horizon
    learned: Horizon
    names: tuple[str, ...]
    paying: Trees
    amount: Trees
    purchases: Trees
    spread: AmountSpread
    kept: float
    vote: float
    process: FittedModel | None

    @property
    def features(self) -> tuple[str, ...]:
        """Feature groups that `predict` reads, and those of the process model."""
        process = () if self.process is None else self.process.features
        return tuple(dict.fromkeys((*FEATURE_GROUPS, *process)))

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> ZeroInflatedForecast:
        """Forecast every customer of the snapshot.

        Over a longer horizon than the learned one, the chance of nothing is raised to the
        exponent and the expected cash multiplied with the ratio that the process model finds for
        the customer; the spread of positive cash stays.
        """
        refuse_other_horizon(fitted=self.horizon, asked=horizon)
        known = snapshot.with_features(self.features)
        way = carry(self.process, known, learned=self.learned, asked=horizon)
        matrix = design_matrix(known.customers, self.names)
        paying = np.clip(self.paying.predict(matrix), _EDGE, 1.0 - _EDGE)
        trees = Summary(
            paying * self.amount.predict(matrix) * self.kept, self.purchases.predict(matrix), paying
        )
        told = with_vote(trees, way.told, self.vote)
        expected = told.cash * way.ratio
        p_positive = -np.expm1(way.exponent * np.log1p(-told.p_positive))
        purchases = told.purchases * way.ratio
        return ZeroInflatedForecast(
            known.customers["customer_id"].to_numpy(),
            known.as_of,
            horizon,
            p_positive=p_positive,
            positive_mean=np.maximum(expected / p_positive, _LEAST),
            dispersion=self.spread.at(told.cash / told.p_positive),
            family=self.spread.family,
            shares=way.shares,
            p_alive=way.p_alive,
            n_purchases=purchases[:, None] * way.shares,
        )


@final
@dataclass(frozen=True)
class HurdleLightGBM:
    """P(any cash) times expected cash if any, by boosted trees over rewound snapshots.

    The amount is grown on the gamma deviance, whose optimum is the conditional mean itself, and
    scaled so that customers unseen sum right: no transformation back from logarithms, no bias.
    Net cash below 0 enters as 0; all expectations are then multiplied with the ratio of net cash
    to its positive part over the training rows.

    Attributes
    ----------
    carry : the process model that carries to a horizon longer than can be learned from outcomes,
        and splits the total over periods; without one, longer horizons are refused and periods
        share equally
    lesson : which earlier origins are learned from
    trees : how trees are grown
    """

    carry: Model | None = None
    lesson: LessonSettings = field(default_factory=LessonSettings)
    trees: TreeSettings = field(default_factory=TreeSettings)

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedHurdleLightGBM:
        """Learn from customers at earlier origins and what they then did."""
        lesson = prepare_lesson(
            snapshot, horizon, settings=self.lesson, n_folds=self.trees.n_folds, seed=seed
        )
        process = fit_process(
            self.carry, snapshot, learned=lesson.horizon, asked=horizon, seed=seed
        )
        paid = lesson.cash > 0
        paying, amount = grow(
            lesson.table,
            lesson.fold,
            (
                Head(paid.astype(np.float64), {"objective": "binary"}),
                Head(lesson.cash[paid], {"objective": "gamma"}, rows=paid),
            ),
            settings=self.trees,
            seed=seed,
        )
        purchases = grow_purchases(
            snapshot, horizon, lesson, taught=self.lesson, trees=self.trees, seed=seed
        )
        unseen = np.clip(paying.unseen, _EDGE, 1.0 - _EDGE)
        vote, told = learn_vote(
            process,
            snapshot,
            lesson,
            Summary(unseen * amount.unseen, purchases.unseen, unseen),
        )
        return FittedHurdleLightGBM(
            horizon,
            lesson.horizon,
            lesson.names,
            paying.trees,
            amount.trees,
            purchases.trees,
            learn_amount_spread(lesson.cash[paid], (told.cash / told.p_positive)[paid]),
            lesson.kept,
            vote,
            process,
        )
