"""Conformal: what it promises on exchangeable data, zeros and all, and that it never peeks."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patronage.datasets import simulate_btyd
from patronage.errors import NotEnoughDataError, SettingsError
from patronage.events import EventLog
from patronage.forecast import AbstractForecast, ZeroInflatedForecast
from patronage.horizon import Horizon
from patronage.models.baselines.same_again import SameAgain
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.snapshots import Snapshot, observe_outcome, take_snapshot
from patronage.uncertainty import Conformal, IsotonicRecalibration, prediction_sets
from patronage.uncertainty.buckets import learn_buckets
from patronage.uncertainty.conformal import calibrate_with, learn_conformal

HORIZON = Horizon(8, "week")
YEAR = Horizon(1, "year")
AS_OF = date(2025, 3, 1)


def forecast_of(n: int, rng: np.random.Generator, *, wrong: float = 1.0) -> ZeroInflatedForecast:
    """Customers of all kinds; `wrong` multiplies the spread that they are said to have."""
    p = rng.uniform(0.02, 0.98, n)
    mean = rng.lognormal(3.0, 1.0, n)
    ids = np.arange(n)
    return ZeroInflatedForecast(ids, AS_OF, YEAR, p, mean, np.full(n, 0.5 * wrong), np.array([1.0]))


def outcome_of(
    truth: ZeroInflatedForecast, rng: np.random.Generator, *, level: float = 1.0
) -> np.ndarray:
    """One draw of each customer."""
    return level * truth.sample_total(1, rng)[0]


@pytest.fixture(scope="module")
def judge() -> Snapshot:
    drawn = simulate_btyd("pareto_nbd", 1200, days=520, whole_days=True, seed=6)
    return take_snapshot(EventLog.from_frame(drawn.events, currency="USD").compact())


@pytest.fixture(scope="module")
def snapshot(judge: Snapshot) -> Snapshot:
    return judge.rewind(AS_OF)


@pytest.mark.parametrize("by", ["quantiles", "mean"])
@pytest.mark.parametrize(("wrong", "level"), [(1.0, 1.0), (0.1, 1.0), (5.0, 1.6)])
def test_outcomes_fall_within_as_often_as_promised_whatever_the_model(by, wrong, level):
    """Over 150 calibrations of 400 customers, in all and in every bucket, for each bound."""
    rng = np.random.default_rng(8)
    within, below, pits = [], [], []
    for _ in range(150):
        told = forecast_of(400, rng, wrong=wrong)
        truth = ZeroInflatedForecast(**{**vars(told), "dispersion": np.full(400, 0.5)})
        tenure = rng.uniform(0, 1000, 400)
        seen, new = outcome_of(truth, rng, level=level), outcome_of(truth, rng, level=level)
        learned = learn_conformal(told, seen, tenure, by=by, levels=(0.8,), least=60, rng=rng)
        calibrated = calibrate_with(learned, told, tenure)
        low, high = calibrated.quantile([0.1, 0.9]).T
        number = calibrated.bucket
        inside = (new >= low) & (new <= high)
        within.append([inside[number == k].mean() for k in range(number.max() + 1)][:4])
        below.append((new <= high).mean())
        under, at = calibrated.cdf(new)
        pits.append(np.mean(np.abs(under + rng.random(400) * (at - under) - 0.5) <= 0.4))

    error = 3 * np.std(below) / np.sqrt(150)
    assert np.mean(below) >= 0.9 - error
    assert (np.mean(within, axis=0) >= 0.8 - 0.02).all()
    # Both bounds are rounded outwards to one of the n scores of a bucket, n being 60 or more.
    assert 0.8 - 0.012 <= np.mean(pits) <= 0.8 + 2 / 61 + 0.012


def test_the_bound_is_the_order_statistic_that_theory_names():
    """Of 19 scores the 18th bounds the next one with probability 0.9; tables hold it exactly."""
    told = forecast_of(19, np.random.default_rng(0))
    ratio = np.arange(1, 20) / 10
    outcome = ratio * np.maximum(told.mean().sum(axis=1), told.mean().mean())

    learned = learn_conformal(
        told, outcome, np.ones(19), by="mean", levels=(0.8,), least=19, rng=np.random.default_rng(0)
    )

    table = dict(zip(learned.levels.tolist(), learned.scores[0], strict=True))
    assert table[0.9] == pytest.approx(1.8)
    assert table[0.1] == pytest.approx(0.2)
    assert table[0.5] == pytest.approx(1.0)
    assert table[0.91] == pytest.approx(1.9)
    assert table[0.99] > 1.9


def test_a_chance_of_nothing_that_is_told_wrong_is_put_right():
    """The forecast says 30 % in the mean where it is 60 %; the atom moves, the mean does not."""
    rng = np.random.default_rng(4)
    n = 6000
    told = ZeroInflatedForecast(
        np.arange(n),
        AS_OF,
        YEAR,
        rng.uniform(0.6, 0.8, n),
        np.full(n, 50.0),
        np.full(n, 0.4),
        np.array([1.0]),
    )
    truth = ZeroInflatedForecast(**{**vars(told), "p_positive": told.p_positive - 0.3})
    half = np.arange(n) < n // 2
    seen = outcome_of(truth, rng)

    learned = learn_conformal(
        told.take(half),
        seen[half],
        np.ones(n // 2),
        by="quantiles",
        levels=(0.9,),
        least=200,
        rng=rng,
    )
    calibrated = calibrate_with(learned, told.take(~half), np.ones(n // 2))

    assert calibrated.p_zero().mean() == pytest.approx((seen[~half] <= 0).mean(), abs=0.03)
    np.testing.assert_array_equal(calibrated.mean(), told.take(~half).mean())
    sets = prediction_sets(calibrated, 0.9)
    assert sets.zero.all()
    assert (sets.low > 0).all()
    # Customers of a bucket differ in their chance of nothing, which makes sets somewhat wide.
    assert 0.885 <= sets.holds(seen[~half]).mean() <= 0.935


def test_sets_have_two_parts_only_where_nothing_is_likely():
    p = np.array([0.04, 0.5, 0.97, 0.98])
    told = ZeroInflatedForecast(
        np.arange(4), AS_OF, YEAR, p, np.full(4, 10.0), np.full(4, 0.3), np.array([1.0])
    )

    sets = prediction_sets(told, 0.9)

    assert sets.zero.tolist() == [True, True, False, False]
    assert np.isnan(sets.low[0])
    assert np.isnan(sets.high[0])
    assert sets.low[1] == pytest.approx(told.quantile([0.55])[1, 0])
    assert sets.high[1] == pytest.approx(told.quantile([0.95])[1, 0])
    assert sets.low[2] == pytest.approx(told.quantile([0.05])[2, 0])
    below, up_to = told.cdf(sets.low)[1], told.cdf(sets.high)[1]
    assert (up_to - below + told.p_zero())[1] == pytest.approx(0.9)
    assert sets.holds(np.array([0.0, 0.0, 0.0, 12.0])).tolist() == [True, True, False, True]


@dataclass(frozen=True)
class Watched:
    """Pareto/NBD that keeps what it was fitted to."""

    seen: list[date]

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0):
        self.seen.append(snapshot.as_of)
        return ParetoNBD().fit(snapshot, horizon, seed=seed)


def test_the_judged_fit_never_saw_its_outcomes_nor_they_the_day_of_the_forecast(snapshot):
    seen: list[date] = []

    fitted = Conformal(Watched(seen)).fit(snapshot, HORIZON)

    assert seen == [fitted.calibrated_at, snapshot.as_of]
    assert fitted.calibrated_at + timedelta(days=56) <= snapshot.as_of
    assert fitted.known_at == snapshot.as_of
    assert fitted.exact


def test_without_a_refit_the_judged_fit_itself_is_deployed(snapshot):
    seen: list[date] = []

    Conformal(Watched(seen), refit=False).fit(snapshot, HORIZON)

    assert len(seen) == 1
    assert seen[0] < snapshot.as_of


def test_what_comes_after_as_of_changes_nothing(judge, snapshot):
    alone = take_snapshot(snapshot.events.compact(), as_of=AS_OF)

    first = Conformal(ParetoNBD()).fit(snapshot, HORIZON)
    second = Conformal(ParetoNBD()).fit(alone, HORIZON)

    np.testing.assert_allclose(first.calibration.scores, second.calibration.scores)
    assert judge.as_of > AS_OF


def test_a_point_forecast_gets_a_distribution(judge, snapshot):
    """SameAgain has none: its 80 % interval is one amount wide."""
    outcome = observe_outcome(judge, snapshot, HORIZON).total
    before = SameAgain().fit(snapshot, HORIZON).predict(snapshot, HORIZON)
    after = Conformal(SameAgain(), level=0.8).fit(snapshot, HORIZON).predict(snapshot, HORIZON)

    def held(forecast: AbstractForecast) -> float:
        below, at = forecast.cdf(outcome)
        uniform = np.random.default_rng(1).random(len(outcome))
        return float((np.abs(below + uniform * (at - below) - 0.5) <= 0.4).mean())

    assert held(before) < 0.72
    assert held(after) == pytest.approx(0.8, abs=0.05)


def test_wrappers_compose_and_every_question_has_one_answer(snapshot):
    model = Conformal(IsotonicRecalibration(ParetoNBD()), level=0.9)
    few = snapshot.take(slice(0, 200))

    forecast = model.fit(snapshot, HORIZON).predict(few, HORIZON)

    levels = [0.05, 0.5, 0.8, 0.9, 0.95, 0.99]
    quantiles = forecast.quantile(levels)
    assert (np.diff(quantiles, axis=1) >= 0).all()
    draws = forecast.sample_total(4000, np.random.default_rng(0))
    for level, at in zip(levels, quantiles.T, strict=True):
        below, up_to = forecast.cdf(at)
        assert (below <= level + 1e-6).all()
        assert (up_to >= level - 1e-6).all()
        share = (draws <= at * (1 + 1e-9)).mean()
        assert share == pytest.approx(up_to.mean(), abs=0.01)
    np.testing.assert_array_equal(forecast.mean(), forecast.inner.mean())


def test_sums_over_customers_keep_the_draws_of_the_model(snapshot):
    forecast = Conformal(ParetoNBD()).fit(snapshot, HORIZON).predict(snapshot, HORIZON)

    joint = forecast.for_totals()

    ours, theirs = (
        one.sample_total(50, np.random.default_rng(3)) for one in (joint, forecast.inner)
    )
    np.testing.assert_array_equal(ours, theirs)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 1000.0))
def test_the_unit_of_money_changes_nothing(seed, unit):
    rng = np.random.default_rng(seed)
    told = forecast_of(120, rng)
    scaled = ZeroInflatedForecast(**{**vars(told), "positive_mean": unit * told.positive_mean})
    seen, tenure = outcome_of(told, rng), rng.uniform(0, 300, 120)

    def bounds(forecast: ZeroInflatedForecast, outcome: np.ndarray) -> np.ndarray:
        learned = learn_conformal(
            forecast,
            outcome,
            tenure,
            by="quantiles",
            levels=(0.8,),
            least=40,
            rng=np.random.default_rng(seed),
        )
        return calibrate_with(learned, forecast, tenure).quantile([0.1, 0.5, 0.9])

    np.testing.assert_allclose(
        bounds(scaled, unit * seen), unit * bounds(told, seen), rtol=1e-6, atol=1e-9 * unit
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 0.2, 0.5, 0.9, 0.99]) | st.floats(0, 1), min_size=5),
    st.integers(1, 20),
    st.integers(0, 100),
)
def test_no_bucket_is_smaller_than_allowed_unless_it_is_the_only_one(p_zero, least, seed):
    told = np.array(p_zero)
    tenure = np.random.default_rng(seed).integers(0, 50, len(told)).astype(float)

    buckets = learn_buckets(told, tenure, least=least)

    counts = np.bincount(buckets.of(told, tenure), minlength=len(buckets.sizes))
    np.testing.assert_array_equal(counts, buckets.sizes)
    assert len(counts) == 1 or counts.min() >= least


def test_settings_that_cannot_be_kept_are_refused():
    for wrong in ({"level": 1.0}, {"levels": (0.5, 0.0)}, {"min_bucket": 5}):
        with pytest.raises(SettingsError, match="To mend"):
            Conformal(ParetoNBD(), **wrong)


def test_too_few_customers_for_the_level_are_refused(snapshot):
    with pytest.raises(NotEnoughDataError, match="To mend"):
        Conformal(ParetoNBD(), level=0.999, min_bucket=5000).fit(snapshot, HORIZON)
