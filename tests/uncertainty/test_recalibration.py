"""Recalibrated: what rewound folds say corrects the level, the zeros and the shape."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pytest
from scipy.stats import spearmanr

from patronage.datasets import simulate_btyd
from patronage.errors import NotEnoughDataError
from patronage.events import EventLog
from patronage.forecast.compound import CompoundForecast
from patronage.horizon import Horizon
from patronage.models.btyd.model import FittedBTYD
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.snapshots import Snapshot, observe_outcome, take_snapshot
from patronage.uncertainty import Recalibrated

HORIZON = Horizon(8, "week")
AS_OF = date(2025, 3, 1)


@dataclass(frozen=True)
class TwiceTooMuch:
    """Pareto/NBD whose money is twice what it should be."""

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> "FittedTwice":
        return FittedTwice(ParetoNBD().fit(snapshot, horizon, seed=seed))


@dataclass(frozen=True)
class FittedTwice:
    inner: FittedBTYD

    @property
    def features(self) -> tuple[str, ...]:
        return ()

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> CompoundForecast:
        told = self.inner.predict(snapshot, horizon)
        return CompoundForecast(
            told.customer_id, told.as_of, horizon, told.counts, told.spend, 2 * told.cash_ratio
        )


@pytest.fixture(scope="module")
def judge() -> Snapshot:
    drawn = simulate_btyd("pareto_nbd", 1500, days=520, whole_days=True, seed=6)
    return take_snapshot(EventLog.from_frame(drawn.events, currency="USD").compact())


@pytest.fixture(scope="module")
def snapshot(judge: Snapshot) -> Snapshot:
    return judge.rewind(AS_OF)


def test_a_level_twice_too_high_comes_half_way_down(judge: Snapshot, snapshot: Snapshot) -> None:
    """Levels move on, so that the folds are believed half, and the rest widens the interval."""
    outcome = observe_outcome(judge, snapshot, HORIZON).total.sum()
    wrong = TwiceTooMuch().fit(snapshot, HORIZON).predict(snapshot, HORIZON).mean().sum()

    mended = Recalibrated(TwiceTooMuch()).fit(snapshot, HORIZON).predict(snapshot, HORIZON)

    assert wrong / outcome > 1.6
    assert mended.mean().sum() / wrong == pytest.approx(np.sqrt(0.5), rel=0.1)
    assert mended.mean_factors is not None
    sd = np.sqrt((mended.mean_factors.sum(axis=0) ** 2).sum())
    assert abs(mended.mean().sum() - outcome) < 2 * sd


def test_a_right_model_is_left_nearly_as_it_was(snapshot: Snapshot) -> None:
    before = ParetoNBD().fit(snapshot, HORIZON).predict(snapshot, HORIZON)
    after = Recalibrated(ParetoNBD()).fit(snapshot, HORIZON).predict(snapshot, HORIZON)

    assert after.mean().sum() == pytest.approx(before.mean().sum(), rel=0.2)
    rank = spearmanr(before.mean().sum(axis=1), after.mean().sum(axis=1)).statistic
    assert rank == pytest.approx(1.0)
    np.testing.assert_array_equal(after.p_alive, before.p_alive)


def test_zeros_come_as_often_as_forecast(judge: Snapshot, snapshot: Snapshot) -> None:
    forecast = Recalibrated(ParetoNBD()).fit(snapshot, HORIZON).predict(snapshot, HORIZON)
    outcome = observe_outcome(judge, snapshot, HORIZON).total

    assert forecast.p_positive.mean() == pytest.approx((outcome > 0).mean(), abs=0.03)


def test_the_expectation_is_less_certain_than_the_model_thinks(snapshot: Snapshot) -> None:
    """What differed between the folds comes to what the parameters leave open."""
    before = ParetoNBD().fit(snapshot, HORIZON).predict(snapshot, HORIZON)
    after = Recalibrated(ParetoNBD()).fit(snapshot, HORIZON).predict(snapshot, HORIZON)

    assert after.mean_factors is not None
    assert before.mean_factors is not None
    assert after.mean_factors.shape[1] == before.mean_factors.shape[1] + 1
    own = np.abs(before.mean_factors.sum(axis=0)).max() / before.mean().sum()
    whole = np.sqrt((after.mean_factors.sum(axis=0) ** 2).sum()) / after.mean().sum()
    assert whole > 0.5 * own


def test_a_history_too_short_to_rewind_says_so(snapshot: Snapshot) -> None:
    young = snapshot.rewind(date(2024, 1, 20))

    with pytest.raises(NotEnoughDataError, match="To mend"):
        Recalibrated(ParetoNBD()).fit(young, HORIZON)
