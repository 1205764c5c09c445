"""The newcomer model: what a customer will bring, from what the first days of its life tell."""

from dataclasses import dataclass, field, replace
from typing import Final, final

import numpy as np
import polars as pl

from patronage.forecast.zero_inflated import ZeroInflatedForecast
from patronage.horizon import Horizon
from patronage.models.base import Model
from patronage.models.cohorts import cohort_features, cohort_names
from patronage.models.credibility import Credibility, learn_credibility
from patronage.models.explaining import Account, Contributions
from patronage.models.folds import Summary
from patronage.models.learners.base import Learner
from patronage.models.learners.elastic_net import ElasticNet
from patronage.models.tabular.carrying import Carried
from patronage.models.tabular.hurdle import FittedHurdle, Hurdle
from patronage.models.tabular.lesson import Lesson, LessonSettings
from patronage.snapshots import FEATURES, Snapshot

__all__ = ["START_OF_LIFE", "FittedNewcomer", "Newcomer"]

START_OF_LIFE: Final = (
    *("T", "first_amount", *FEATURES["first_basket"], *FEATURES["first_session"]),
    *("first_channel", "first_payment_method", "first_category", "first_device"),
)

COHORT: Final = "acquisition cohort"
"""A reason that is no feature."""

# A chance of paying is kept this far from 0 and 1.
_EDGE: Final = 1e-6


@final
@dataclass(frozen=True)
class FittedNewcomer:
    """Learned: a hurdle over the start of a life, and how far cohorts differ.

    Attributes
    ----------
    hurdle : what a customer's own start tells, within the hurdle's learned horizon
    cohort : what parts the customers, see `cohort_features`
    credibility : of the cohorts, and of the customers' own expectations
    """

    hurdle: FittedHurdle
    cohort: str
    credibility: Credibility

    @property
    def features(self) -> tuple[str, ...]:
        """Feature groups that `predict` reads, those of the cohorts too."""
        return tuple(dict.fromkeys((*self.hurdle.features, *cohort_features(self.cohort))))

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> ZeroInflatedForecast:
        """Forecast customers as young as those that it learned from."""
        known = snapshot.with_features(self.features)
        return self._drawn(known, horizon, *self.hurdle.told_of(known, horizon))

    def _drawn(
        self, known: Snapshot, horizon: Horizon, told: Summary, way: Carried
    ) -> ZeroInflatedForecast:
        """The forecast of what the hurdle tells, drawn to the mean of the cohort."""
        cash = self.credibility.drawn(told.cash, cohort_names(known.customers, self.cohort))
        factor = np.divide(cash, told.cash, out=np.ones_like(cash), where=told.cash > 0)
        # Why on the scale of events per horizon: there a livelier cohort is so in proportion.
        p_positive = -np.expm1(factor * np.log1p(-told.p_positive))
        p_positive = np.clip(p_positive, _EDGE, 1.0 - _EDGE)
        moved = Summary(cash, told.purchases * factor, p_positive)
        return self.hurdle.forecast(known, horizon, moved, way)

    def explain(self, snapshot: Snapshot, horizon: Horizon, reference: Snapshot) -> Account:
        """The hurdle's account, drawn to the mean as its forecast is; the cohort is a reason."""
        known = snapshot.with_features(self.features)
        told, way = self.hurdle.told_of(known, horizon)
        trust = self.credibility.trust
        level = self.credibility.level(cohort_names(known.customers, self.cohort))
        own = self.hurdle.explain(known, horizon, reference)[1].scaled(trust)
        base = own.base + (1.0 - trust) * self.credibility.mean * way.ratio
        whole = base + own.values.sum(axis=1)
        by_cohort = (level - 1.0) * whole
        values = np.concatenate([own.values, by_cohort[:, None]], axis=1)
        parts = Contributions(base, (*own.reasons, COHORT), values, own.compared_with)
        return self._drawn(known, horizon, told, way), parts


@final
@dataclass(frozen=True)
class Newcomer:
    """A hurdle taught by customers that were young at earlier days, and by the start of their life.

    It reads the first amount and basket, the first session, channel, means of payment, category and
    device, the attributes of the customers table, and the age; of later purchases only how soon
    and for how much they came. Expectations are then drawn to those of acquisition cohorts, and
    these to everybody's, see `credibility`. A cohort too young to have had outcomes has everybody's
    level; so a calendar cohort tells of newcomers where the horizon is short, and an acquisition
    attribute where it is long.

    Attributes
    ----------
    carry : as in `Hurdle`; it carries and splits, and has no vote
    tenure_limit : days since the first purchase from which on a customer is no newcomer
    cohort : what parts the customers: 'month', 'quarter' or 'year' of the first purchase,
        'first_channel', … or an attribute such as "customers.country" (see `cohort_features`)
    learner : what learns the table
    """

    carry: Model | None = None
    tenure_limit: float = 90.0
    cohort: str = "quarter"
    learner: Learner = field(default_factory=ElasticNet)

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedNewcomer:
        """Learn from customers that were young at earlier origins.

        Raises
        ------
        NotEnoughDataError : too few of them paid afterwards
        SettingsError : there are no such cohorts
        """
        wanted = cohort_features(self.cohort)
        lesson = LessonSettings(only=START_OF_LIFE, younger_than=self.tenure_limit)
        hurdle = Hurdle(self.carry, lesson, self.learner)
        learned = hurdle.learn(snapshot, horizon, seed=seed, votes=False)
        customer_id, cohort = _rows_of(snapshot.with_features(wanted), learned.lesson, self.cohort)
        credibility = learn_credibility(customer_id, cohort, learned.told.cash, learned.lesson.cash)
        kept = replace(credibility, mean=credibility.mean * learned.lesson.kept)
        return FittedNewcomer(learned.fitted, self.cohort, kept)


def _rows_of(snapshot: Snapshot, lesson: Lesson, cohort: str) -> tuple[pl.Series, pl.Series]:
    """Customer and cohort of each row of the lesson."""
    then = [snapshot.rewind(origin).customers for origin in lesson.origins]
    rows = pl.Series(lesson.rows)
    ids = pl.concat(customers["customer_id"] for customers in then)
    names = pl.concat(cohort_names(customers, cohort) for customers in then)
    return ids.gather(rows), names.gather(rows)
