"""Zero-inflated log-normal cash: three scores of each customer, grown together."""

from dataclasses import dataclass, field
from typing import Final, final

import numpy as np
from jaxtyping import Float, Float32
from scipy.special import expit

from patronage.forecast.zero_inflated import ZeroInflatedForecast
from patronage.horizon import Horizon
from patronage.models.base import FittedModel, Model
from patronage.models.explaining import Account
from patronage.models.folds import Summary
from patronage.models.learners.attribution import AttributesJointly
from patronage.models.learners.base import JointLearner, JointPredictor, Predictor
from patronage.models.learners.lightgbm import LightGBM
from patronage.models.tabular.accounting import account_by_feature
from patronage.models.tabular.carrying import Carried, fit_process, way_to
from patronage.models.tabular.design import Design
from patronage.models.tabular.lesson import LessonSettings, prepare_lesson
from patronage.models.tabular.levelling import at_the_years_level
from patronage.models.tabular.purchases import grow_purchases
from patronage.models.tabular.vote import learn_vote, with_vote
from patronage.snapshots import Snapshot

__all__ = ["ZILN", "FittedZILN", "LogNormalAmounts", "ZILNLoss", "learn_log_normal_amounts"]

# A chance of paying is kept this far from 0 and 1.
_EDGE: Final = 1e-6
_LEAST: Final = 1e-12


@final
@dataclass(frozen=True)
class ZILNLoss:
    """Minus log-likelihood of cash that is 0 or log-normal (Wang, Liu & Miao 2019).

    Scores a, m, s of a row mean P(cash > 0) = expit(a), mu = m, and sigma between `least` and
    `most`, at least + (most − least) expit(s): unbounded, exp(sigma² / 2) would explode on the
    few rows that a leaf has.
    """

    least: float = 0.05
    most: float = 2.0

    def start(self, target: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " scores"]:
        """The maximum without features; what leaves with few rows are drawn back to."""
        paying = target > 0
        p = float(np.clip(paying.mean(), 1e-6, 1.0 - 1e-6))
        logs = np.log(target[paying])
        width = self.most - self.least
        part = float(np.clip((logs.std() - self.least) / width, 0.02, 0.98))
        return np.array([np.log(p / (1 - p)), float(logs.mean()), np.log(part / (1 - part))])

    def sigma(self, score: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
        """Deviation of the logarithm."""
        return np.asarray(self.least + (self.most - self.least) * expit(score))

    def sigma_slope(self, score: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
        """Its derivative in the score."""
        part = expit(score)
        return np.asarray((self.most - self.least) * part * (1.0 - part))

    def value(
        self, target: Float[np.ndarray, " rows"], scores: Float[np.ndarray, "rows scores"]
    ) -> Float[np.ndarray, " rows"]:
        """Minus log-likelihood of each row."""
        a, m, s = scores.T
        paying = target > 0
        logs = np.log(np.where(paying, target, 1.0))
        sigma = self.sigma(s)
        amount = logs + np.log(sigma) + 0.5 * np.log(2 * np.pi) + 0.5 * ((logs - m) / sigma) ** 2
        return np.asarray(np.logaddexp(0.0, a) - paying * a + paying * amount)

    def gradient(
        self, target: Float[np.ndarray, " rows"], scores: Float[np.ndarray, "rows scores"]
    ) -> tuple[Float[np.ndarray, "rows scores"], Float[np.ndarray, "rows scores"]]:
        """Gradient by score, and Fisher's information of those who pay: never negative."""
        a, m, s = scores.T
        paying = (target > 0).astype(np.float64)
        logs = np.log(np.where(target > 0, target, 1.0))
        p, sigma, slope = expit(a), self.sigma(s), self.sigma_slope(s)
        z = (logs - m) / sigma
        gradient = np.column_stack([p - paying, -paying * z / sigma, 0.0 * s])
        gradient[:, 2] = paying * (1.0 - z * z) / sigma * slope
        information = np.column_stack(
            [p * (1.0 - p), paying / sigma**2, paying * 2.0 * (slope / sigma) ** 2]
        )
        # Why the floor: rows that say nothing of a score must not make a leaf's sum 0.
        return gradient, np.maximum(information, 1e-6)


@final
@dataclass(frozen=True)
class LogNormalAmounts:
    """From mu and sigma to mean and dispersion of positive cash, as unseen customers had them.

    Attributes
    ----------
    widening : what sigma is multiplied with
    intercept, slope : log mean = intercept + slope × (mu + sigma² / 2)
    """

    widening: float
    intercept: float
    slope: float

    def mean(
        self, mu: Float[np.ndarray, " rows"], sigma: Float[np.ndarray, " rows"]
    ) -> Float[np.ndarray, " rows"]:
        """Expected cash, if any."""
        return np.asarray(
            np.exp(self.intercept + self.slope * (mu + (self.widening * sigma) ** 2 / 2))
        )

    def dispersion(self, sigma: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
        """Squared coefficient of variation."""
        return np.asarray(np.expm1(np.minimum((self.widening * sigma) ** 2, 6.0)))


def learn_log_normal_amounts(
    cash: Float[np.ndarray, " rows"],
    chance: Float[np.ndarray, " rows"],
    mu: Float[np.ndarray, " rows"],
    sigma: Float[np.ndarray, " rows"],
) -> LogNormalAmounts:
    """By maximum likelihood of sigma, and on the gamma deviance of the mean, over unseen rows.

    The slope, at most 1, draws back means that a large sigma drives up; the intercept makes the
    total of all rows right.
    """
    paid = cash > 0
    z = (np.log(cash[paid]) - mu[paid]) / sigma[paid]
    widening = float(np.clip(np.sqrt(np.mean(z * z)), 0.5, 2.0))
    told = mu + (widening * sigma) ** 2 / 2
    slope, intercept = 1.0, 0.0
    x, y = told[paid], cash[paid]
    for _ in range(25):
        mean = np.exp(np.clip(intercept + slope * x, -700.0, 700.0))
        # Gamma deviance with a log link: weights are 1, so each step is a regression.
        step = np.polyfit(x, y / mean - 1.0, 1) if np.ptp(x) > 1e-9 else np.array([0.0, 0.0])
        slope, intercept = slope + 0.5 * float(step[0]), intercept + 0.5 * float(step[1])
    slope = float(np.clip(slope, 0.3, 1.0)) if np.isfinite(slope) else 1.0
    expected = float((chance * np.exp(slope * told)).sum())
    return LogNormalAmounts(widening, float(np.log(cash.sum() / expected)), slope)


@final
@dataclass(frozen=True)
class ZILNMoney:
    """Chance times mean amount, of the scores (a `MoneyOfScores`)."""

    scores: AttributesJointly
    loss: ZILNLoss
    amounts: LogNormalAmounts

    def raw_parts(
        self, matrix: Float32[np.ndarray, "rows features"]
    ) -> tuple[Float[np.ndarray, " scores"], Float[np.ndarray, "rows scores features"]]:
        """Those of the predictor."""
        return self.scores.score_parts(matrix)

    def value(self, scores: Float[np.ndarray, "rows scores"]) -> Float[np.ndarray, " rows"]:
        """The cash."""
        a, mu, s = scores.T
        return np.asarray(expit(a) * self.amounts.mean(mu, self.loss.sigma(s)))

    def slope(self, scores: Float[np.ndarray, "rows scores"]) -> Float[np.ndarray, "rows scores"]:
        """Its gradient."""
        a, _, s = scores.T
        cash = self.value(scores)
        bend = self.loss.sigma(s) * self.loss.sigma_slope(s) * self.amounts.widening**2
        gain = self.amounts.slope
        return np.column_stack([cash * expit(-a), cash * gain, cash * gain * bend])


@final
@dataclass(frozen=True)
class FittedZILN:
    """Learned: three scores and purchases over the same features.

    Attributes
    ----------
    horizon : the horizon it was fitted for; it refuses another
    learned : length of the outcomes it learned from, at most `horizon`
    design : from customers to the predictors' features
    scores : of P(cash > 0), mu and sigma within `learned`
    loss : what the scores mean
    amounts : from mu and sigma to the mean
    purchases : expected counted purchase days within `learned`
    kept : what refunds that outweigh a customer's purchases leave of all cash
    vote : the process model's part in what is forecast within `learned`, 0 to 1
    beyond : what purchases after `learned` are multiplied with (see `vote.Voted`)
    process : the process model that carries from `learned` to `horizon` and splits over periods
    level : what all that is expected of `horizon` is multiplied with (see `levelling`)
    """

    horizon: Horizon
    learned: Horizon
    design: Design
    scores: JointPredictor
    loss: ZILNLoss
    amounts: LogNormalAmounts
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

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> ZeroInflatedForecast:
        """Forecast every customer of the snapshot; longer horizons as the hurdle does."""
        known = snapshot.with_features(self.features)
        way = way_to(horizon, self, known)
        matrix = self.design.matrix(known)
        scores = self.scores.predict(matrix)
        return self._forecast(known, horizon, self._told(matrix, scores, way), way, scores)

    def explain(self, snapshot: Snapshot, horizon: Horizon, reference: Snapshot) -> Account:
        """Feature by feature where the learner can tell; else by what the model reads."""
        money = None
        if isinstance(self.scores, AttributesJointly):
            money = ZILNMoney(self.scores, self.loss, self.amounts)
        return account_by_feature(self, money, snapshot, horizon, reference)

    def told(self, matrix: Float32[np.ndarray, "customers features"], way: Carried) -> Summary:
        """What is expected within `learned`, the process model's vote counted."""
        return self._told(matrix, self.scores.predict(matrix), way)

    def forecast(
        self, known: Snapshot, horizon: Horizon, told: Summary, way: Carried
    ) -> ZeroInflatedForecast:
        """The forecast of what is told of the customers, carried to `horizon`."""
        scores = self.scores.predict(self.design.matrix(known))
        return self._forecast(known, horizon, told, way, scores)

    def _told(
        self,
        matrix: Float32[np.ndarray, "customers features"],
        scores: Float[np.ndarray, "customers scores"],
        way: Carried,
    ) -> Summary:
        chance = np.clip(expit(scores[:, 0]), _EDGE, 1.0 - _EDGE)
        amount = self.amounts.mean(scores[:, 1], self.loss.sigma(scores[:, 2]))
        own = Summary(chance * amount * self.kept, self.purchases.predict(matrix), chance)
        return with_vote(own, way.told, self.vote)

    def _forecast(
        self,
        known: Snapshot,
        horizon: Horizon,
        told: Summary,
        way: Carried,
        scores: Float[np.ndarray, "customers scores"],
    ) -> ZeroInflatedForecast:
        p_positive = -np.expm1(way.exponent * np.log1p(-told.p_positive))
        return ZeroInflatedForecast(
            known.customers["customer_id"].to_numpy(),
            known.as_of,
            horizon,
            p_positive=p_positive,
            positive_mean=np.maximum(told.cash * way.ratio / p_positive, _LEAST),
            dispersion=self.amounts.dispersion(self.loss.sigma(scores[:, 2])),
            family="log_normal",
            shares=way.shares,
            p_alive=way.p_alive,
            n_purchases=(told.purchases * way.ratio)[:, None] * way.shares,
        )


@final
@dataclass(frozen=True)
class ZILN:
    """P(cash > 0), mu and sigma of a log-normal, on one likelihood, over rewound snapshots.

    Net cash below 0 enters as 0; all expectations are then multiplied with the ratio of net cash
    to its positive part over the training rows.

    Attributes
    ----------
    carry : the process model that carries to a horizon longer than can be learned from outcomes,
        and splits the total over periods; without one, longer horizons are refused and periods
        share equally
    loss : how sigma is bounded
    lesson : which earlier origins are learned from
    learner : what learns the table; it must grow scores jointly
    """

    carry: Model | None = None
    loss: ZILNLoss = field(default_factory=ZILNLoss)
    lesson: LessonSettings = field(default_factory=LessonSettings)
    learner: JointLearner = field(default_factory=LightGBM)

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedZILN:
        """Learn from customers at earlier origins and what they then did."""
        lesson = prepare_lesson(
            snapshot, horizon, settings=self.lesson, n_folds=self.learner.n_folds, seed=seed
        )
        process = fit_process(
            self.carry, snapshot, learned=lesson.horizon, asked=horizon, seed=seed
        )
        grown = self.learner.grow_jointly(
            lesson.table, lesson.fold, lesson.cash, self.loss, seed=seed
        )
        purchases = grow_purchases(
            snapshot, horizon, lesson, taught=self.lesson, learner=self.learner, seed=seed
        )
        a, mu, s = grown.unseen.T
        sigma, chance = self.loss.sigma(s), np.clip(expit(a), _EDGE, 1.0 - _EDGE)
        amounts = learn_log_normal_amounts(lesson.cash, chance, mu, sigma)
        unseen = Summary(chance * amounts.mean(mu, sigma), purchases.unseen, chance)
        voted = learn_vote(process, snapshot, lesson, unseen)
        fitted = FittedZILN(
            horizon,
            lesson.horizon,
            lesson.design,
            grown.predictor,
            self.loss,
            amounts,
            purchases.predictor,
            lesson.kept,
            voted.weight,
            voted.beyond,
            process,
        )
        return at_the_years_level(fitted, snapshot, horizon)
