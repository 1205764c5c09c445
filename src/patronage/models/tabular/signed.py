"""A gain, nothing or a loss: what quantiles and counts × values share when they forecast."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol, final, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32

from patronage.forecast.signed_hurdle import SignedHurdleForecast
from patronage.horizon import Horizon
from patronage.models.base import FittedModel, Model
from patronage.models.folds import Summary
from patronage.models.learners.base import Learner, Predictor
from patronage.models.tabular.carrying import fit_process, way_to
from patronage.models.tabular.design import Design
from patronage.models.tabular.lesson import Lesson, LessonSettings, prepare_lesson
from patronage.models.tabular.levelling import at_the_years_level
from patronage.models.tabular.losses import Losses, learn_losses
from patronage.models.tabular.purchases import grow_purchases
from patronage.models.tabular.vote import learn_vote, with_vote
from patronage.snapshots import Snapshot

__all__ = ["FittedSigned", "Gains", "LearnedGains", "fit_signed"]

# A chance of a gain is kept this far from 0 and 1.
_EDGE: Final = 1e-6
_LEAST: Final = 1e-12
# Where losses eat more of the gains, a process of net cash says nothing about gains.
_LEAST_KEPT: Final = 0.2


@runtime_checkable
class Gains(Protocol):
    """A frozen dataclass: what cash above 0 is expected, and of which shape."""

    @property
    def levels(self) -> Float[np.ndarray, " levels"]:
        """Of the quantiles of the shape, from 0 to 1."""
        ...

    def predict(
        self, matrix: Float32[np.ndarray, "rows features"]
    ) -> tuple[
        Float[np.ndarray, " rows"], Float[np.ndarray, " rows"], Float[np.ndarray, "rows levels"]
    ]:
        """P(cash > 0), its mean if any, and quantiles of cash over this mean."""
        ...


@dataclass(frozen=True)
class LearnedGains:
    """Gains, and what each row of the lesson was told by the members that never saw it."""

    gains: Gains
    chance: Float[np.ndarray, " rows"]
    mean: Float[np.ndarray, " rows"]


@final
@dataclass(frozen=True)
class FittedSigned:
    """Learned: gains, losses and purchases, over the same features.

    Attributes
    ----------
    horizon : the horizon it was fitted for; it refuses another
    learned : length of the outcomes it learned from, at most `horizon`
    design : from customers to the predictors' features
    gains : chance, mean and shape of cash above 0, within `learned`
    gain_scale : what gains are multiplied with, so that those of unseen customers sum right
    losses : chance, mean and shape of cash below 0; None where too few rows have it
    purchases : expected counted purchase days within `learned`
    kept : what losses leave of all gains
    vote : the process model's part in what is forecast within `learned`, 0 to 1
    beyond : what purchases after `learned` are multiplied with (see `vote.Voted`)
    process : the process model that carries from `learned` to `horizon` and splits over periods
    level : what all that is expected of `horizon` is multiplied with (see `levelling`)
    """

    horizon: Horizon
    learned: Horizon
    design: Design
    gains: Gains
    gain_scale: float
    losses: Losses | None
    purchases: Predictor
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

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> SignedHurdleForecast:
        """Forecast every customer of the snapshot.

        Over a longer horizon than the learned one, the chance of no gain is raised to the
        exponent, and expected gains and losses are multiplied with the ratio, that the process
        model finds for the customer; the shapes stay.
        """
        known = snapshot.with_features(self.features)
        way = way_to(horizon, self, known)
        matrix = self.design.matrix(known)
        chance, mean, ratios = self.gains.predict(matrix)
        chance = np.clip(chance, _EDGE, 1.0 - _EDGE)
        # Where no losses are told apart, they are taken off the gains.
        left = self.gain_scale * (self.kept if self.losses is None else 1.0)
        own = Summary(chance * mean * left, self.purchases.predict(matrix), chance)
        gross = None if way.told is None else _gross(way.told, self.kept, self.losses)
        told = with_vote(own, gross, self.vote)
        p_positive = -np.expm1(way.exponent * np.log1p(-told.p_positive))
        if self.losses is None:
            p_negative, negative_mean = np.zeros_like(chance), np.ones_like(chance)
            shape = np.ones(len(self.gains.levels))
        else:
            share, size = self.losses.predict(matrix)
            p_negative = (1.0 - p_positive) * share
            lost = (1.0 - told.p_positive) * share * size * way.ratio
            negative_mean = np.maximum(lost / np.maximum(p_negative, 1e-300), _LEAST)
            shape = self.losses.ratios
        return SignedHurdleForecast(
            known.customers["customer_id"].to_numpy(),
            known.as_of,
            horizon,
            p_positive=p_positive,
            positive_mean=np.maximum(told.cash * way.ratio / p_positive, _LEAST),
            p_negative=p_negative,
            negative_mean=negative_mean,
            levels=self.gains.levels,
            ratios=ratios,
            negative_ratios=shape,
            shares=way.shares,
            p_alive=way.p_alive,
            n_purchases=(told.purchases * way.ratio)[:, None] * way.shares,
        )


def fit_signed(
    snapshot: Snapshot,
    horizon: Horizon,
    learn_gains: Callable[[Lesson], LearnedGains],
    *,
    process: Model | None,
    taught: LessonSettings,
    learner: Learner,
    seed: int,
) -> FittedSigned:
    """Learn from customers at earlier origins and what they then did."""
    lesson = prepare_lesson(snapshot, horizon, settings=taught, n_folds=learner.n_folds, seed=seed)
    carrier = fit_process(process, snapshot, learned=lesson.horizon, asked=horizon, seed=seed)
    learned = learn_gains(lesson)
    purchases = grow_purchases(snapshot, horizon, lesson, taught=taught, learner=learner, seed=seed)
    chance = np.clip(learned.chance, _EDGE, 1.0 - _EDGE)
    losses = learn_losses(lesson, learner, chance, learned.gains.levels, seed=seed)
    gains = chance * learned.mean
    scale = float(lesson.cash.sum() / gains.sum())
    voted = learn_vote(carrier, snapshot, lesson, Summary(gains * scale, purchases.unseen, chance))
    outweighed = losses is not None and lesson.kept < _LEAST_KEPT
    fitted = FittedSigned(
        horizon,
        lesson.horizon,
        lesson.design,
        learned.gains,
        scale,
        losses,
        purchases.predictor,
        lesson.kept,
        0.0 if outweighed else voted.weight,
        voted.beyond,
        carrier,
    )
    return at_the_years_level(fitted, snapshot, horizon)


def _gross(told: Summary, kept: float, losses: Losses | None) -> Summary:
    """What a process of net cash says about gains alone."""
    return told if losses is None else replace(told, cash=told.cash / max(kept, _LEAST_KEPT))
