"""Cash as many gamma amounts, Poisson often: one forest for its mean, one for purchases."""

from dataclasses import dataclass, field
from typing import final

import numpy as np

from patronage.forecast.tweedie import TweedieForecast
from patronage.horizon import Horizon
from patronage.models.base import FittedModel, Model
from patronage.models.boosting.carrying import carry, fit_process, refuse_other_horizon
from patronage.models.boosting.design import FEATURE_GROUPS, design_matrix
from patronage.models.boosting.lesson import LessonSettings, prepare_lesson
from patronage.models.boosting.purchases import grow_purchases
from patronage.models.boosting.spread import TweedieSpread, learn_tweedie_spread
from patronage.models.boosting.trees import Head, Trees, TreeSettings, grow
from patronage.models.boosting.vote import learn_vote, with_vote
from patronage.models.folds import Summary
from patronage.snapshots import Snapshot

__all__ = ["FittedTweedieLightGBM", "TweedieLightGBM"]


@final
@dataclass(frozen=True)
class FittedTweedieLightGBM:
    """Learned: two forests over the same features, and power and dispersion of the cash.

    Attributes
    ----------
    horizon : the horizon it was fitted for; it refuses another
    learned : length of the outcomes it learned from, at most `horizon`
    names : features, in the order of the forests' columns
    cash : expected cash within `learned`
    purchases : expected counted purchase days within `learned`
    spread : power and dispersion of cash about its mean, within `learned`
    kept : what refunds that outweigh a customer's purchases leave of all cash
    vote : the process model's part in what is forecast within `learned`, 0 to 1
    process : the process model that carries from `learned` to `horizon` and splits over periods
    """

    horizon: Horizon
    learned: Horizon
    names: tuple[str, ...]
    cash: Trees
    purchases: Trees
    spread: TweedieSpread
    kept: float
    vote: float
    process: FittedModel | None

    @property
    def features(self) -> tuple[str, ...]:
        """Feature groups that `predict` reads, and those of the process model."""
        process = () if self.process is None else self.process.features
        return tuple(dict.fromkeys((*FEATURE_GROUPS, *process)))

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> TweedieForecast:
        """Forecast every customer of the snapshot.

        Over a longer horizon than the learned one, the expected cash is multiplied with the
        ratio, and the Poisson rate of amounts with the exponent, that the process model finds for
        the customer; the dispersion follows from both.
        """
        refuse_other_horizon(fitted=self.horizon, asked=horizon)
        known = snapshot.with_features(self.features)
        way = carry(self.process, known, learned=self.learned, asked=horizon)
        matrix = design_matrix(known.customers, self.names)
        cash = self.cash.predict(matrix) * self.kept
        purchases = self.purchases.predict(matrix)
        told = with_vote(Summary(cash, purchases, np.zeros_like(cash)), way.told, self.vote)
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


@final
@dataclass(frozen=True)
class TweedieLightGBM:
    """Expected cash by boosted trees on the Tweedie deviance, over rewound snapshots.

    Trees are grown with `growing_power`, which hardly matters for them; power and dispersion of
    the forecast are found afterwards, by maximum likelihood over customers unseen. Net cash below
    0 enters as 0; all expectations are then multiplied with the ratio of net cash to its positive
    part over the training rows.

    Attributes
    ----------
    carry : the process model that carries to a horizon longer than can be learned from outcomes,
        and splits the total over periods; without one, longer horizons are refused and periods
        share equally
    growing_power : variance power of the deviance that trees are grown on, within (1, 2)
    lesson : which earlier origins are learned from
    trees : how trees are grown
    """

    carry: Model | None = None
    growing_power: float = 1.5
    lesson: LessonSettings = field(default_factory=LessonSettings)
    trees: TreeSettings = field(default_factory=TreeSettings)

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedTweedieLightGBM:
        """Learn from customers at earlier origins and what they then did."""
        lesson = prepare_lesson(
            snapshot, horizon, settings=self.lesson, n_folds=self.trees.n_folds, seed=seed
        )
        process = fit_process(
            self.carry, snapshot, learned=lesson.horizon, asked=horizon, seed=seed
        )
        deviance = {"objective": "tweedie", "tweedie_variance_power": self.growing_power}
        head = Head(lesson.cash, deviance)
        (cash,) = grow(lesson.table, lesson.fold, (head,), settings=self.trees, seed=seed)
        purchases = grow_purchases(
            snapshot, horizon, lesson, taught=self.lesson, trees=self.trees, seed=seed
        )
        unseen = Summary(cash.unseen, purchases.unseen, np.zeros_like(cash.unseen))
        vote, told = learn_vote(process, snapshot, lesson, unseen)
        spread = learn_tweedie_spread(lesson.cash, told.cash, rng=np.random.default_rng(seed))
        return FittedTweedieLightGBM(
            horizon,
            lesson.horizon,
            lesson.names,
            cash.trees,
            purchases.trees,
            spread,
            lesson.kept,
            vote,
            process,
        )
