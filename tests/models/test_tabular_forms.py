"""ZILN, quantiles, counts × values and the tuned Tweedie: formulas, and truth that is found."""

import json
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patronage.errors import SettingsError
from patronage.events import EventLog
from patronage.forecast.signed_hurdle import SignedHurdleForecast
from patronage.horizon import Horizon
from patronage.models.base import Model
from patronage.models.learners.base import Grown
from patronage.models.learners.binned import BinnedTable
from patronage.models.learners.elastic_net import ElasticNet
from patronage.models.learners.lightgbm import LightGBM, Trees
from patronage.models.tabular.count_value import (
    CountValue,
    class_chances,
    class_counts,
    compound_quantiles,
    count_edges,
)
from patronage.models.tabular.hurdle import Hurdle
from patronage.models.tabular.quantiles import Quantiles
from patronage.models.tabular.shapes import finished_levels, finished_ratios, level_factors
from patronage.models.tabular.tweedie import likeliest
from patronage.models.tabular.ziln import ZILN, ZILNLoss, learn_log_normal_amounts
from patronage.registry.codec import decode, encode
from patronage.snapshots import Snapshot, observe_outcome, take_snapshot

pytest.importorskip("lightgbm", reason="for want of lightgbm, of the extra boost")

DAY = date(2024, 1, 1)
LOSS = ZILNLoss()


def rows_of_ziln(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    target = np.where(rng.random(n) < 0.6, rng.lognormal(2.0, 1.0, n), 0.0)
    return target, rng.normal([0.0, 2.0, -0.5], 0.8, (n, 3))


def test_the_gradient_of_ziln_is_that_of_its_loss():
    target, scores = rows_of_ziln(200)
    gradient, _ = LOSS.gradient(target, scores)

    for k in range(3):
        step = np.zeros(3)
        step[k] = 1e-5
        slope = (LOSS.value(target, scores + step) - LOSS.value(target, scores - step)) / 2e-5
        np.testing.assert_allclose(gradient[:, k], slope, rtol=1e-5, atol=1e-6)


def test_the_curvature_of_ziln_is_the_expected_one_and_never_negative():
    """Of many who pay alike, the mean second difference at the truth is Fisher's information."""
    rng = np.random.default_rng(4)
    truth = np.tile([0.4, 1.0, -0.3], (200_000, 1))
    sigma = float(LOSS.sigma(truth[:1, 2])[0])
    paying = rng.random(len(truth)) < 1 / (1 + np.exp(-0.4))
    target = np.where(paying, np.exp(rng.normal(1.0, sigma, len(truth))), 0.0)
    _, curvature = LOSS.gradient(target, truth)

    assert (curvature > 0).all()
    for k in range(3):
        step = np.zeros(3)
        step[k] = 1e-3
        second = (
            LOSS.value(target, truth + step)
            - 2 * LOSS.value(target, truth)
            + LOSS.value(target, truth - step)
        ) / 1e-6
        assert curvature[:, k].mean() == pytest.approx(second.mean(), rel=0.02)


def test_ziln_starts_at_the_maximum_without_features():
    target, _ = rows_of_ziln(3000)
    start = np.tile(LOSS.start(target), (len(target), 1))

    gradient, _ = LOSS.gradient(target, start)

    assert gradient.mean(axis=0) == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)


def test_the_three_scores_of_simulated_ziln_cash_are_found():
    rng = np.random.default_rng(5)
    matrix = rng.uniform(-1, 1, (6000, 3)).astype(np.float32)
    chance, mu = 1 / (1 + np.exp(-2 * matrix[:, 0])), 3 + matrix[:, 1]
    sigma = np.where(matrix[:, 2] > 0, 1.0, 0.4)
    paying = rng.random(6000) < chance
    cash = np.where(paying, np.exp(rng.normal(mu, sigma)), 0.0)

    grown = LightGBM().grow_jointly(BinnedTable(matrix, 1), np.arange(6000) % 3, cash, LOSS, seed=1)

    a, m, s = grown.unseen.T
    assert np.corrcoef(1 / (1 + np.exp(-a)), chance)[0, 1] > 0.95
    assert np.corrcoef(m, mu)[0, 1] > 0.95
    spread = LOSS.sigma(s)
    assert np.median(spread[matrix[:, 2] > 0.1]) == pytest.approx(1.0, abs=0.12)
    assert np.median(spread[matrix[:, 2] < -0.1]) == pytest.approx(0.4, abs=0.12)
    amounts = learn_log_normal_amounts(cash, 1 / (1 + np.exp(-a)), m, spread)
    expected = amounts.mean(m, spread) / (1 + np.exp(-a))
    assert expected.sum() == pytest.approx(cash.sum())
    assert amounts.widening == pytest.approx(1.0, abs=0.1)


def test_a_mean_that_one_sigma_drives_up_is_drawn_back():
    """Customers alike, a tenth of whom were given a sigma of 2: the few do not rule the total."""
    rng = np.random.default_rng(6)
    cash = rng.lognormal(2.0, 0.5, 5000)
    sigma = np.where(np.arange(5000) % 10 == 0, 2.0, 0.5)

    found = learn_log_normal_amounts(cash, np.ones(5000), np.full(5000, 2.0), sigma)

    mean = found.mean(np.full(5000, 2.0), sigma)
    assert mean.sum() == pytest.approx(cash.sum())
    assert mean.max() < 3 * cash.mean()


@given(st.lists(st.floats(0.01, 1e4), min_size=4, max_size=4), st.floats(0.01, 1e5))
def test_a_finished_table_rises_and_has_the_mean_one(quantiles: list[float], mean: float):
    levels = np.array([0.1, 0.5, 0.9, 0.99])

    (table,) = finished_ratios(levels, np.array([quantiles]), np.array([mean]))

    assert np.all(np.diff(table) >= -1e-12 * table[-1])
    assert (table[1:] + table[:-1]) / 2 @ np.diff(finished_levels(levels)) == pytest.approx(1.0)


def test_the_mean_beyond_the_quantiles_lies_above_the_last():
    """Uniform from 1 to 99, from 0.5 below: by hand the mean is 50.0075 where the top is 101."""
    levels = np.linspace(0.01, 0.99, 99)

    (table,) = finished_ratios(levels, 100 * levels[None], np.array([50.0075]))

    assert table[1:-1] * 50.0075 == pytest.approx(100 * levels, rel=1e-4)
    assert table[-1] * 50.0075 == pytest.approx(101.0, rel=1e-3)


def test_factors_put_the_levels_share_of_amounts_below():
    rng = np.random.default_rng(7)
    amounts, levels = rng.lognormal(0, 1, 4000), np.array([0.2, 0.9])

    factors = level_factors(levels, np.ones((4000, 2)), amounts)

    assert (amounts[:, None] <= factors).mean(axis=0) == pytest.approx(levels, abs=1e-3)


def test_classes_of_counts_have_enough_rows_and_their_own_mean():
    counted = np.array([0] * 500 + [1] * 300 + [2] * 150 + [3] * 50 + [4] * 60 + [5] * 60)

    edges = count_edges(counted.astype(float))

    assert edges == (1, 2, 3)
    assert class_counts(counted.astype(float), edges).mean(axis=1) == pytest.approx(
        [1.0, 2.0, (50 * 3 + 60 * 4 + 60 * 5) / 170]
    )


def test_chances_of_going_on_make_chances_of_classes():
    found = class_chances([np.array([0.5]), np.array([0.2])], 1)

    assert found == pytest.approx(np.array([[0.5, 0.4, 0.1]]))


def test_the_lattice_sums_counts_times_values_as_simulation_does():
    rng = np.random.default_rng(8)
    classes, counts = np.array([[0.5, 0.3, 0.2]]), np.array([[1.0] * 4, [2.0] * 4, [4.0] * 4])
    levels, values = np.array([0.0, 0.5, 1.0]), np.array([[1.0, 2.0, 6.0]])
    drawn = np.array([1.0, 2.0, 4.0])[rng.choice(3, 200_000, p=classes[0])] * np.interp(
        rng.random(200_000), levels, values[0]
    )
    asked = np.array([0.1, 0.5, 0.9])

    (found,) = compound_quantiles(classes, counts, levels, values, asked)

    assert found == pytest.approx(np.quantile(drawn, asked), rel=0.04)


def test_the_mean_with_more_likelihood_is_kept():
    rng = np.random.default_rng(9)
    mean, power, dispersion = rng.lognormal(2.0, 1.0, 4000), 1.6, 4.0
    count = rng.poisson(mean ** (2 - power) / (dispersion * (2 - power)))
    shape, scale = (2 - power) / (power - 1), dispersion * (power - 1) * mean ** (power - 1)
    cash = np.where(count > 0, rng.gamma(np.maximum(count, 1) * shape, scale), 0.0)
    means = (np.full(4000, mean.mean()), mean, mean * rng.lognormal(0, 0.7, 4000))

    grown = [Grown(Trees(("",)), one) for one in means]

    assert likeliest(cash, grown, seed=1) is grown[1]


def signed(**other: object) -> SignedHurdleForecast:
    """Half gain 0 to 20, a quarter lose 0 to 8, both evenly."""
    parts: dict[str, object] = {
        "p_positive": np.array([0.5]),
        "positive_mean": np.array([10.0]),
        "p_negative": np.array([0.25]),
        "negative_mean": np.array([4.0]),
        "levels": np.array([0.0, 1.0]),
        "ratios": np.array([[0.0, 2.0]]),
        "negative_ratios": np.array([0.0, 2.0]),
        "shares": np.array([[0.5, 0.5]]),
    } | other
    return SignedHurdleForecast(np.array([7]), DAY, Horizon(2, "week"), **parts)  # type: ignore[arg-type]


def test_gains_nothing_and_losses_by_hand():
    forecast = signed()

    assert forecast.mean() == pytest.approx(np.array([[2.0, 2.0]]))
    assert forecast.quantile([0.0, 0.125, 0.25, 0.4, 0.75, 1.0]) == pytest.approx(
        np.array([[-8.0, -4.0, 0.0, 0.0, 10.0, 20.0]])
    )
    by_hand = {-4.0: (0.125, 0.125), 0.0: (0.25, 0.5), 10.0: (0.75, 0.75), 99.0: (1.0, 1.0)}
    for total, (below, up_to) in by_hand.items():
        found = forecast.cdf(np.array([total]))
        assert (found[0][0], found[1][0]) == pytest.approx((below, up_to))
    draws = forecast.sample_total(40_000, np.random.default_rng(0))
    assert draws.mean() == pytest.approx(4.0, abs=0.15)
    assert (draws < 0).mean() == pytest.approx(0.25, abs=0.01)


def test_chances_beyond_one_are_refused():
    with pytest.raises(SettingsError, match="more than 1"):
        signed(p_negative=np.array([0.6]))


AS_OF = date(2024, 12, 2)
HORIZON = Horizon(6, "week")
QUICK = LightGBM(max_rounds=60, num_leaves=6, learning_rate=0.2)


def costly_log() -> EventLog:
    """Of two kinds of customers one brings back, three weeks later, more than it bought."""
    rng = np.random.default_rng(10)
    rows = []
    for who in range(900):
        costly = who % 3 == 0
        day = float(rng.uniform(0, 60))
        while day < 420:
            amount = round(float(rng.gamma(4.0, 10.0)), 2)
            rows.append((who, int(day), amount, "purchase"))
            if costly:
                rows.append((who, int(day) + 20, round(-1.4 * amount, 2), "refund"))
            day += rng.exponential(45.0) + 1
    table = pl.DataFrame(rows, schema=["customer_id", "day", "amount", "kind"], orient="row")
    table = table.select(
        "customer_id", "amount", "kind", event_time=pl.lit(DAY) + pl.duration(days="day")
    )
    return EventLog.from_frame(table, currency="USD").compact()


@pytest.fixture(scope="module")
def costly() -> tuple[Snapshot, np.ndarray]:
    log = costly_log()
    snapshot = take_snapshot(log, as_of=AS_OF).remembering()
    judge = take_snapshot(log, as_of=AS_OF + timedelta(days=42))
    return snapshot, observe_outcome(judge, snapshot, HORIZON).total


@pytest.mark.slow
@pytest.mark.parametrize("model", [Quantiles(learner=QUICK), CountValue(learner=QUICK)])
def test_customers_who_cost_more_than_they_pay_are_forecast_below_zero(
    model: Model, costly: tuple[Snapshot, np.ndarray]
):
    snapshot, actual = costly
    fitted = model.fit(snapshot, HORIZON, seed=1)

    forecast = fitted.predict(snapshot, HORIZON)

    mean, kind = forecast.mean().sum(axis=1), np.arange(900) % 3 == 0
    assert (actual[kind] < 0).mean() > 0.3
    assert mean.sum() == pytest.approx(actual.sum(), rel=0.15)
    assert mean[kind].sum() < 0
    assert mean[kind].sum() == pytest.approx(actual[kind].sum(), rel=0.35)
    assert forecast.cdf(np.zeros(900))[0].mean() == pytest.approx((actual < 0).mean(), abs=0.04)
    below, up_to = forecast.cdf(actual)
    # Uniform where the distribution is right, across its atom at zero too.
    place = below + (up_to - below) * np.random.default_rng(0).random(900)
    assert np.quantile(place, [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.06)
    arrays: dict[str, np.ndarray] = {}
    read = decode(json.loads(json.dumps(encode(fitted, arrays))), arrays)
    np.testing.assert_array_equal(read.predict(snapshot, HORIZON).mean(), forecast.mean())


@pytest.mark.slow
@pytest.mark.parametrize("model", [Hurdle(learner=QUICK), ZILN(learner=QUICK)])
def test_what_clips_losses_has_the_right_total_all_the_same(
    model: Model, costly: tuple[Snapshot, np.ndarray]
):
    snapshot, actual = costly

    mean = model.fit(snapshot, HORIZON, seed=1).predict(snapshot, HORIZON).mean()

    assert (mean >= 0).all()
    assert mean.sum() == pytest.approx(actual.sum(), rel=0.15)


def test_a_learner_without_quantiles_is_refused_by_name(costly: tuple[Snapshot, np.ndarray]):
    with pytest.raises(SettingsError, match="ElasticNet learns no quantile heads"):
        Quantiles(learner=ElasticNet()).fit(costly[0], HORIZON)
