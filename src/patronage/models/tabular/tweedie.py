"""Cash as many gamma amounts, Poisson often: one predictor for its mean, one for purchases."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import final

import numpy as np
from jaxtyping import Float, Float32

from patronage.forecast.tweedie import TweedieForecast
from patronage.horizon import Horizon
from patronage.models.base import FittedModel, Model
from patronage.models.explaining import Account
from patronage.models.folds import Summary
from patronage.models.learners.base import Grown, Head, Learner, Predictor
from patronage.models.learners.lightgbm import LightGBM
from patronage.models.tabular.accounting import account_by_feature
from patronage.models.tabular.carrying import Carried, fit_process, way_to
from patronage.models.tabular.design import Design
from patronage.models.tabular.lesson import LessonSettings, prepare_lesson
from patronage.models.tabular.levelling import at_the_years_level
from patronage.models.tabular.product import product_of
from patronage.models.tabular.purchases import grow_purchases
from patronage.models.tabular.spread import TweedieSpread, learn_tweedie_spread
from patronage.models.tabular.vote import learn_vote, with_vote
from patronage.snapshots import Snapshot

__all__ = ["FittedTweedie", "Tweedie", "likeliest"]


@final
@dataclass(frozen=True)
class FittedTweedie:
    """Learned: two predictors over the same features, and power and dispersion of the cash.

    Attributes
    ----------
    horizon : the horizon it was fitted for; it refuses another
    learned : length of the outcomes it learned from, at most `horizon`
    design : from customers to the predictors' features
    cash : expected cash within `learned`
    purchases : expected counted purchase days within `learned`
    spread : power and dispersion of cash about its mean, within `learned`
    kept : what refunds that outweigh a customer's purchases leave of all cash
    vote : the process model's part in what is forecast within `learned`, 0 to 1
    beyond : what purchases after `learned` are multiplied with (see `vote.Voted`)
    process : the process model that carries from `learned` to `horizon` and splits over periods
    level : what all that is expected of `horizon` is multiplied with (see `levelling`)
    """

    horizon: Horizon
    learned: Horizon
    design: Design
    cash: Predictor
    purchases: Predictor
    spread: TweedieSpread
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

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> TweedieForecast:
        """Forecast every customer of the snapshot.

        Over a longer horizon than the learned one, the expected cash is multiplied with the
        ratio, and the Poisson rate of amounts with the exponent, that the process model finds for
        the customer; the dispersion follows from both.
        """
        known = snapshot.with_features(self.features)
        way = way_to(horizon, self, known)
        return self.forecast(known, horizon, self.told(self.design.matrix(known), way), way)

    def forecast(
        self, known: Snapshot, horizon: Horizon, told: Summary, way: Carried
    ) -> TweedieForecast:
        """The forecast of what is told of the customers, carried to `horizon`."""
        # Rate = mean ** (2 − power) / (dispersion (2 − power)): solved for the dispersion.
        growth = way.ratio * self.kept
        dispersion = self.spread.dispersion * growth ** (2.0 - self.spread.power) / way.exponent
        return TweedieForecast(
            known.customers["customer_id"].to_numpy(),
            known.as_of,
            horizon,
            total_mean=told.cash * way.ratio,
            dispersion=dispersion,
            power=self.spread.power,
            shares=way.shares,
            p_alive=way.p_alive,
            n_purchases=(told.purchases * way.ratio)[:, None] * way.shares,
        )

    def explain(self, snapshot: Snapshot, horizon: Horizon, reference: Snapshot) -> Account:
        """Feature by feature where the learner can tell; else by what the model reads."""
        return account_by_feature(self, product_of(self.cash), snapshot, horizon, reference)

    def told(self, matrix: Float32[np.ndarray, "customers features"], way: Carried) -> Summary:
        """What is expected within `learned`, the process model's vote counted."""
        cash = self.cash.predict(matrix) * self.kept
        learned = Summary(cash, self.purchases.predict(matrix), np.zeros_like(cash))
        return with_vote(learned, way.told, self.vote)


@final
@dataclass(frozen=True)
class Tweedie:
    """Expected cash on the Tweedie deviance, over rewound snapshots.

    The mean is learned with each of the `growing_powers`, and the one kept under which unseen
    customers' cash is likeliest. Power and dispersion of the forecast are found afterwards, by
    maximum likelihood over customers unseen; so likelihoods of means learned with different
    powers are of one density, where their deviances are not comparable. Net cash below
    0 enters as 0; all expectations are then multiplied with the ratio of net cash to its positive
    part over the training rows.

    Attributes
    ----------
    carry : the process model that carries to a horizon longer than can be learned from outcomes,
        and splits the total over periods; without one, longer horizons are refused and periods
        share equally
    growing_powers : variance powers of the deviances that are learned on, within (1, 2), such as
        (1.1, 1.3, 1.5, 1.7, 1.9); one by default, since on three rewound cases the choice between
        these was 1.5 twice, and once another that forecast worse
    lesson : which earlier origins are learned from
    learner : what learns the table
    """

    carry: Model | None = None
    growing_powers: tuple[float, ...] = (1.5,)
    lesson: LessonSettings = field(default_factory=LessonSettings)
    learner: Learner = field(default_factory=LightGBM)

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedTweedie:
        """Learn from customers at earlier origins and what they then did."""
        lesson = prepare_lesson(
            snapshot, horizon, settings=self.lesson, n_folds=self.learner.n_folds, seed=seed
        )
        process = fit_process(
            self.carry, snapshot, learned=lesson.horizon, asked=horizon, seed=seed
        )
        heads = [Head(lesson.cash, "tweedie", power=power) for power in self.growing_powers]
        grown = self.learner.grow(lesson.table, lesson.fold, heads, seed=seed)
        cash = likeliest(lesson.cash, grown, seed=seed)
        purchases = grow_purchases(
            snapshot, horizon, lesson, taught=self.lesson, learner=self.learner, seed=seed
        )
        unseen = Summary(cash.unseen, purchases.unseen, np.zeros_like(cash.unseen))
        voted = learn_vote(process, snapshot, lesson, unseen)
        spread = learn_tweedie_spread(lesson.cash, voted.told.cash, rng=np.random.default_rng(seed))
        fitted = FittedTweedie(
            horizon,
            lesson.horizon,
            lesson.design,
            cash.predictor,
            purchases.predictor,
            spread,
            lesson.kept,
            voted.weight,
            voted.beyond,
            process,
        )
        return at_the_years_level(fitted, snapshot, horizon)


def likeliest(cash: Float[np.ndarray, " rows"], grown: Sequence[Grown], *, seed: int) -> Grown:
    """The mean under which the cash of unseen rows has most Tweedie likelihood."""
    if len(grown) == 1:
        return grown[0]
    # The same rows stand for all in each of them.
    found = [
        learn_tweedie_spread(cash, one.unseen, rng=np.random.default_rng(seed)).log_likelihood
        for one in grown
    ]
    return grown[int(np.argmax(found))]
