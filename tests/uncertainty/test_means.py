"""Wrappers of the expected value: monotone curves, segments and the bootstrap."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from patronage.datasets import simulate_btyd
from patronage.events import EventLog
from patronage.forecast import AbstractForecast, ScaledForecast
from patronage.horizon import Horizon
from patronage.models.base import FittedModel
from patronage.models.baselines.everyone_average import EveryoneAverage
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.snapshots import Snapshot, observe_outcome, take_snapshot
from patronage.uncertainty import (
    Bootstrap,
    IsotonicRecalibration,
    SegmentRecalibration,
)
from patronage.uncertainty.bootstrapped import residual_root
from patronage.uncertainty.isotonic import learn_curve
from patronage.uncertainty.segments import shrunk_factors

HORIZON = Horizon(8, "week")
AS_OF = date(2025, 3, 1)


@dataclass(frozen=True)
class Bent:
    """Pareto/NBD whose expectations were squared: the best look better than they are."""

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> "FittedBent":
        return FittedBent(ParetoNBD().fit(snapshot, horizon, seed=seed))


@dataclass(frozen=True)
class FittedBent:
    inner: FittedModel

    @property
    def features(self) -> tuple[str, ...]:
        return ()

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> AbstractForecast:
        told = self.inner.predict(snapshot, horizon)
        return ScaledForecast.of(told, np.maximum(told.mean().sum(axis=1), 1e-9) / 20.0)


@pytest.fixture(scope="module")
def judge() -> Snapshot:
    drawn = simulate_btyd("pareto_nbd", 3000, days=520, whole_days=True, seed=7)
    return take_snapshot(EventLog.from_frame(drawn.events, currency="USD").compact())


@pytest.fixture(scope="module")
def snapshot(judge: Snapshot) -> Snapshot:
    return judge.rewind(AS_OF)


def total(forecast: AbstractForecast) -> np.ndarray:
    return forecast.mean().sum(axis=1)


@pytest.mark.parametrize("scale", ["log", "money"])
def test_a_bent_model_is_straightened_its_order_and_total_kept(judge, snapshot, scale):
    outcome = observe_outcome(judge, snapshot, HORIZON).total
    before = Bent().fit(snapshot, HORIZON).predict(snapshot, HORIZON)

    fitted = IsotonicRecalibration(Bent(), scale=scale).fit(snapshot, HORIZON)
    after = fitted.predict(snapshot, HORIZON)

    assert total(after).sum() == pytest.approx(total(before).sum())
    assert spearmanr(total(before), total(after)).statistic > 0.999
    ranked = np.argsort(total(before))
    assert (np.diff(total(after)[ranked]) >= -1e-9).all()
    whole = outcome.sum() / total(before).sum()

    def miss(forecast: AbstractForecast) -> float:
        parts = np.array_split(ranked, 5)
        return sum(abs(whole * total(forecast)[p].sum() - outcome[p].sum()) for p in parts)

    assert miss(after) < 0.6 * miss(before)
    np.testing.assert_allclose(after.p_zero(), before.p_zero())


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["log", "money"]), st.integers(1, 40))
def test_every_curve_rises(seed, scale, least):
    rng = np.random.default_rng(seed)
    expected = rng.lognormal(0, 2, 200) * (rng.random(200) < 0.9)
    actual = rng.lognormal(0, 2, 200) * (rng.random(200) < 0.4)

    curve = learn_curve(expected, actual, scale=scale, least=least)

    asked = np.sort(np.concatenate([expected, [0.0, 1e-6, 1e6]]))
    assert (np.diff(asked * curve.factor(asked)) >= -1e-9 * asked[1:]).all()


def test_the_curve_worked_by_hand():
    """The second pair falls below the first, so both get their mean."""
    expected, actual = np.array([1.0, 2.0, 4.0]), np.array([3.0, 1.0, 8.0])

    curve = learn_curve(expected, actual, scale="money", least=1)

    np.testing.assert_allclose(curve.knots, [1.5, 4.0])
    np.testing.assert_allclose(curve.values, [2.0, 8.0])
    np.testing.assert_allclose(curve.factor(np.array([1.5, 8.0])), [2 / 1.5, 2.0])


def test_segments_that_differ_by_chance_alone_share_one_factor():
    rng = np.random.default_rng(2)
    n = 4000
    expected, segment = rng.lognormal(3, 0.5, n), rng.integers(0, 8, n)
    noise = rng.gamma(2.0, 0.5, n)
    effect = np.where(segment < 4, 0.5, 2.0)

    alike = shrunk_factors(expected, 1.3 * expected * noise, segment, 8, level_trust=1.0)
    apart = shrunk_factors(expected, effect * expected * noise, segment, 8, level_trust=1.0)

    np.testing.assert_allclose(alike, 1.3, rtol=0.05)
    np.testing.assert_allclose(apart[:8], np.where(np.arange(8) < 4, 0.5, 2.0), rtol=0.15)
    untouched = shrunk_factors(expected, 1.3 * expected * noise, segment, 8, level_trust=0.0)
    np.testing.assert_allclose(untouched, 1.0, atol=0.05)


def test_a_column_tells_segments_apart(snapshot):
    fitted = SegmentRecalibration(EveryoneAverage(), by="is_buyer").fit(snapshot, HORIZON)

    forecast = fitted.predict(snapshot.take(slice(0, 50)), HORIZON)

    assert fitted.names == ("true",)
    np.testing.assert_allclose(forecast.factor, fitted.factors[0])


def test_a_model_blind_to_tenure_learns_it(judge, snapshot):
    """Everybody gets the same of EveryoneAverage; half of what the folds show is taken over."""
    outcome = observe_outcome(judge, snapshot, HORIZON).total
    before = EveryoneAverage().fit(snapshot, HORIZON).predict(snapshot, HORIZON)

    after = SegmentRecalibration(EveryoneAverage(), by="tenure", level_trust=1.0)
    told = after.fit(snapshot, HORIZON).predict(snapshot, HORIZON)

    def missed(forecast: AbstractForecast) -> float:
        return abs(float(np.log(total(forecast).sum() / outcome.sum())))

    assert missed(told) < missed(before)


def test_residual_intervals_cover_the_level_that_made_the_data():
    """Of 150 sets of 1,600 outcomes around a level, nine tenths of the intervals hold it.

    Of 400 it is 85 %: the bootstrap sees too little of a heavy tail.
    """
    rng = np.random.default_rng(1)
    expected = rng.lognormal(3, 0.7, 1600)
    held = []
    for _ in range(150):
        buys = rng.random(1600) < 0.5
        actual = expected * buys / 0.5 * rng.gamma(2.0, 0.5, 1600)
        root = residual_root(expected, actual, np.empty(0), n=200, rng=rng)
        away = np.log(actual.sum() / expected.sum())
        held.append(abs(away) <= 1.645 * float(np.sqrt((root**2).sum())))

    assert np.mean(held) == pytest.approx(0.9, abs=0.07)


def test_a_process_model_has_its_fit_resampled_and_others_their_errors(snapshot):
    process = Bootstrap(ParetoNBD()).fit(snapshot, HORIZON)
    other = Bootstrap(EveryoneAverage()).fit(snapshot, HORIZON)

    assert (process.method, other.method) == ("weights", "residuals")
    assert process.model.posterior.method == "bootstrap"
    assert len(process.model.posterior.draws) == 1000
    whole = process.predict(snapshot, HORIZON)
    curved = ParetoNBD().fit(snapshot, HORIZON).predict(snapshot, HORIZON)
    np.testing.assert_allclose(total(whole), total(curved))
    sd, usual = (np.sqrt((f.mean_factors.sum(axis=0) ** 2).sum()) for f in (whole, curved))
    assert sd == pytest.approx(usual, rel=0.3)
    plain = EveryoneAverage().fit(snapshot, HORIZON).predict(snapshot, HORIZON)
    assert plain.mean_factors is None
    relative = np.sqrt((other.predict(snapshot, HORIZON).mean_factors ** 2).sum(axis=1))
    assert (relative > 0).all()
