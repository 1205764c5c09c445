"""Will the customer pay at all, and how much if so: two predictors, and a third for purchases."""

from dataclasses import dataclass, field
from typing import final

import numpy as np
from jaxtyping import Float32

from patronage.forecast.zero_inflated import ZeroInflatedForecast
from patronage.horizon import Horizon
from patronage.models.base import FittedModel, Model
from patronage.models.explaining import Account
from patronage.models.folds import Summary
from patronage.models.learners.base import Head, Learner, Predictor
from patronage.models.learners.lightgbm import LightGBM
from patronage.models.tabular.accounting import account_by_feature
from patronage.models.tabular.carrying import Carried, fit_process, way_to
from patronage.models.tabular.design import Design
from patronage.models.tabular.lesson import Lesson, LessonSettings, prepare_lesson
from patronage.models.tabular.levelling import at_the_years_level
from patronage.models.tabular.product import product_of
from patronage.models.tabular.purchases import grow_purchases
from patronage.models.tabular.spread import AmountSpread, learn_amount_spread
from patronage.models.tabular.vote import learn_vote, with_vote
from patronage.snapshots import Snapshot

__all__ = ["FittedHurdle", "Hurdle", "LearnedHurdle"]

# A chance of paying is kept this far from 0 and 1.
_EDGE = 1e-6

# Where refunds eat all cash the expectation is 0, but a positive amount must have a mean.
_LEAST = 1e-12


@final
@dataclass(frozen=True)
class FittedHurdle:
    """Learned: three predictors over the same features, and the spread of positive cash.

    Attributes
    ----------
    horizon : the horizon it was fitted for; it refuses another
    learned : length of the outcomes it learned from, at most `horizon`
    design : from customers to the predictors' features
    paying : P(cash > 0 within `learned`)
    amount : E(cash within `learned` | cash > 0)
    purchases : expected counted purchase days within `learned`
    spread : of positive cash about its conditional mean, within `learned`
    kept : what refunds that outweigh a customer's purchases leave of all cash
    vote : the process model's part in what is forecast within `learned`, 0 to 1
    beyond : what purchases after `learned` are multiplied with (see `vote.Voted`)
    process : the process model that carries from `learned` to `horizon` and splits over periods
    level : what all that is expected of `horizon` is multiplied with (see `levelling`)
    """

    horizon: Horizon
    learned: Horizon
    design: Design
    paying: Predictor
    amount: Predictor
    purchases: Predictor
    spread: AmountSpread
    kept: float
    vote: float
    beyond: float
    process: FittedModel | None
    level: float = 1.0

    @property
    def features(self) -> tuple[str, ...]:
        """Feature groups that `predict` reads, and those of the process model."""
        process = () if self.process is None else self.process.features
        return tuple(dict.fromkeys((*self.design.features, *process)))

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> ZeroInflatedForecast:
        """Forecast every customer of the snapshot.

        Over a longer horizon than the learned one, the chance of nothing is raised to the
        exponent and the expected cash multiplied with the ratio that the process model finds for
        the customer; the spread of positive cash stays.
        """
        known = snapshot.with_features(self.features)
        told, way = self.told_of(known, horizon)
        return self.forecast(known, horizon, told, way)

    def told_of(self, known: Snapshot, horizon: Horizon) -> tuple[Summary, Carried]:
        """What is expected within `learned`, and the way from there to `horizon`.

        known : with `features`
        """
        way = way_to(horizon, self, known)
        return self.told(self.design.matrix(known), way), way

    def forecast(
        self, known: Snapshot, horizon: Horizon, told: Summary, way: Carried
    ) -> ZeroInflatedForecast:
        """The forecast of what is told of the customers, carried to `horizon`."""
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

    def explain(self, snapshot: Snapshot, horizon: Horizon, reference: Snapshot) -> Account:
        """Feature by feature where the learner can tell; else by what the model reads."""
        money = product_of(self.paying, self.amount)
        return account_by_feature(self, money, snapshot, horizon, reference)

    def told(self, matrix: Float32[np.ndarray, "customers features"], way: Carried) -> Summary:
        """What is expected within `learned`, the process model's vote counted."""
        paying = np.clip(self.paying.predict(matrix), _EDGE, 1.0 - _EDGE)
        cash = paying * self.amount.predict(matrix) * self.kept
        learned = Summary(cash, self.purchases.predict(matrix), paying)
        return with_vote(learned, way.told, self.vote)


@final
@dataclass(frozen=True)
class Hurdle:
    """P(any cash) times expected cash if any, learned over rewound snapshots.

    The amount is learned on the gamma deviance, whose optimum is the conditional mean itself, and
    scaled so that customers unseen sum right: no transformation back from logarithms, no bias.
    Net cash below 0 enters as 0; all expectations are then multiplied with the ratio of net cash
    to its positive part over the training rows.

    Attributes
    ----------
    carry : the process model that carries to a horizon longer than can be learned from outcomes,
        and splits the total over periods; without one, longer horizons are refused and periods
        share equally
    lesson : which earlier origins are learned from
    learner : what learns the table
    """

    carry: Model | None = None
    lesson: LessonSettings = field(default_factory=LessonSettings)
    learner: Learner = field(default_factory=LightGBM)

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedHurdle:
        """Learn from customers at earlier origins and what they then did."""
        return self.learn(snapshot, horizon, seed=seed).fitted

    def learn(
        self, snapshot: Snapshot, horizon: Horizon, *, seed: int, votes: bool = True
    ) -> "LearnedHurdle":
        """The fitted model, with what it learned from.

        votes : the process model has a part in the forecast, beside carrying it
        """
        lesson = prepare_lesson(
            snapshot, horizon, settings=self.lesson, n_folds=self.learner.n_folds, seed=seed
        )
        process = fit_process(
            self.carry, snapshot, learned=lesson.horizon, asked=horizon, seed=seed
        )
        paid = lesson.cash > 0
        heads = (
            Head(paid.astype(np.float64), "binary"),
            Head(lesson.cash[paid], "gamma", rows=paid),
        )
        paying, amount = self.learner.grow(lesson.table, lesson.fold, heads, seed=seed)
        purchases = grow_purchases(
            snapshot, horizon, lesson, taught=self.lesson, learner=self.learner, seed=seed
        )
        unseen = np.clip(paying.unseen, _EDGE, 1.0 - _EDGE)
        own = Summary(unseen * amount.unseen, purchases.unseen, unseen)
        voted = learn_vote(process if votes else None, snapshot, lesson, own)
        told = voted.told
        fitted = FittedHurdle(
            horizon,
            lesson.horizon,
            lesson.design,
            paying.predictor,
            amount.predictor,
            purchases.predictor,
            learn_amount_spread(lesson.cash[paid], (told.cash / told.p_positive)[paid]),
            lesson.kept,
            voted.weight,
            voted.beyond,
            process,
        )
        return LearnedHurdle(at_the_years_level(fitted, snapshot, horizon), lesson, told)


@dataclass(frozen=True)
class LearnedHurdle:
    """A fitted hurdle, its lesson, and what each row was told by who never saw its customer."""

    fitted: FittedHurdle
    lesson: Lesson
    told: Summary
