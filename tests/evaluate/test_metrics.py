"""Every metric against a slow, obvious reference, by hand, and under the laws it should keep."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from patronage.evaluate import METRICS
from patronage.evaluate.judged import Judged
from patronage.evaluate.metrics.errors import tweedie_deviance


def judged(forecast, outcome) -> Judged:
    return Judged.of_means(np.asarray(forecast, float), np.asarray(outcome, float))


def of(name: str, forecast, outcome) -> float:
    return METRICS[name].of(judged(forecast, outcome))


def whole_distribution(n: int, rng: np.random.Generator) -> Judged:
    mean = rng.gamma(0.5, 60, n)
    outcome = np.where(rng.random(n) < 0.3, rng.gamma(1.0, mean / 0.3), 0.0)
    return Judged(
        mean,
        outcome,
        mean / 30,
        rng.poisson(mean / 30).astype(float),
        0.1 * mean,
        2 * mean,
        np.full(n, 0.93),
        rng.random(n),
        np.abs(mean - outcome),
        np.full(n, 0.7),
        np.arange(n),
        np.zeros(n, np.int64),
    )


def reference_gini(forecast, outcome) -> float:
    """Mean over many random orders of equals: 2 × area under the gain curve − 1."""
    found = []
    for seed in range(400):
        order = np.lexsort((np.random.default_rng(seed).random(len(forecast)), -forecast))
        gain, area = 0.0, 0.0
        for y in outcome[order]:
            area += (gain + gain + y) / 2 / len(forecast)
            gain += y
        found.append(2 * area / gain - 1)
    return float(np.mean(found))


def test_errors_worked_by_hand():
    forecast, outcome = [1.0, 2.0, 6.0], [0.0, 4.0, 5.0]

    assert of("mae", forecast, outcome) == pytest.approx(4 / 3)
    assert of("rmse", forecast, outcome) == pytest.approx(np.sqrt(6 / 3))
    assert of("bias", forecast, outcome) == pytest.approx(0.0)
    assert of("aggregate_bias", [2.0, 2.0, 6.8], outcome) == pytest.approx(0.2)


def test_deviance_is_nothing_for_a_perfect_forecast_and_known_for_a_wrong_one():
    assert of("deviance", [4.0, 9.0], [4.0, 9.0]) == pytest.approx(0.0)
    assert of("deviance", [1.0], [4.0]) == pytest.approx(4 * (2 - 1) ** 2 / 1)


def test_the_mean_minimises_the_deviance_even_where_some_outcomes_are_negative():
    outcome = np.array([-20.0, 0.0, 0.0, 3.0, 150.0])
    tried = np.linspace(1, 100, 991)

    losses = [tweedie_deviance(np.full(5, m), outcome).mean() for m in tried]

    assert tried[int(np.argmin(losses))] == pytest.approx(outcome.mean(), abs=0.1)


def test_a_forecast_of_nothing_has_a_finite_deviance():
    assert np.isfinite(of("deviance", [0.0, 0.0, -3.0], [10.0, 0.0, 5.0]))


def test_ginis_and_deciles_agree_with_slow_references_where_nothing_ties():
    rng = np.random.default_rng(3)
    forecast = rng.permutation(200) + 1.0
    outcome = np.where(rng.random(200) < 0.5, 0.0, forecast * rng.gamma(2.0, 1.0, 200))
    order = np.argsort(-forecast)
    parts = np.array_split(order, 10)
    misses = [abs(forecast[p].mean() - outcome[p].mean()) / outcome[p].mean() for p in parts]

    found = {name: of(name, forecast, outcome) for name in METRICS if METRICS[name].needs == "cash"}

    perfect = reference_gini(outcome, outcome)
    assert found["gini"] == pytest.approx(reference_gini(forecast, outcome))
    assert found["normalized_gini"] == pytest.approx(found["gini"] / perfect)
    assert found["decile_mape"] == pytest.approx(np.mean(misses))
    assert found["top_decile_capture"] == pytest.approx(outcome[parts[0]].sum() / outcome.sum())
    assert found["decile_lift"] == pytest.approx(outcome[parts[0]].mean() / outcome.mean())


def test_equal_forecasts_share_what_they_found():
    """The tie-averaged Gini is the mean over all orders of the equals."""
    forecast = np.array([3.0, 1.0, 1.0, 1.0, 0.0])
    outcome = np.array([2.0, 5.0, 0.0, 1.0, 0.0])

    assert of("gini", forecast, outcome) == pytest.approx(
        reference_gini(forecast, outcome), abs=0.02
    )
    exact = []
    for middle in itertools.permutations([1, 2, 3]):
        ranked = outcome[[0, *middle, 4]]
        gains = np.concatenate([[0], ranked.cumsum()]) / ranked.sum()
        exact.append(2 * np.mean((gains[1:] + gains[:-1]) / 2) - 1)
    assert of("gini", forecast, outcome) == pytest.approx(np.mean(exact))


def test_a_border_among_equals_is_shared():
    """Of 20 customers two are in the top decile; three tie for the second place."""
    forecast = np.array([9.0, 5.0, 5.0, 5.0] + [0.0] * 16)
    outcome = np.array([10.0, 30.0, 0.0, 0.0] + [0.0] * 16)

    assert of("top_decile_capture", forecast, outcome) == pytest.approx((10 + 30 / 3) / 40)


def test_one_forecast_for_all_finds_nobody():
    outcome = np.array([1.0, 0.0, 7.0, 2.0])

    assert of("gini", np.ones(4), outcome) == pytest.approx(0.0)
    assert of("spearman", np.ones(4), outcome) == 0.0
    assert of("top_decile_capture", np.ones(4), outcome) == pytest.approx(0.1)


def test_spearman_is_the_correlation_of_mean_ranks():
    forecast = np.array([1.0, 1.0, 3.0, 4.0, 9.0])
    outcome = np.array([0.0, 2.0, 0.0, 2.0, 5.0])
    a, b = np.array([1.5, 1.5, 3, 4, 5]), np.array([1.5, 3.5, 1.5, 3.5, 5])

    assert of("spearman", forecast, outcome) == pytest.approx(np.corrcoef(a, b)[0, 1])


def test_spread_metrics_worked_by_hand():
    outcome = np.array([0.0, 5.0, 12.0, 20.0])
    rows = Judged(
        outcome,
        outcome,
        None,
        None,
        np.array([0.0, 6.0, 1.0, 1.0]),
        np.full(4, 10.0),
        np.array([0.9, 0.9, 0.95, 0.9]),
        np.array([0.1, 0.2, 0.3, 0.9]),
        np.array([1.0, 2.0, 3.0, 4.0]),
        np.array([0.4, 0.1, 0.1, 0.2]),
        np.arange(4),
        np.zeros(4, np.int64),
    )

    assert METRICS["crps"].of(rows) == pytest.approx(2.5)
    assert METRICS["coverage_80"].of(rows) == pytest.approx(1 / 4)
    assert METRICS["coverage_90_gap"].of(rows) == pytest.approx(2 / 4 - 3.65 / 4)
    assert METRICS["pinball_90"].of(rows) == pytest.approx((1.0 + 0.5 + 0.9 * 2 + 0.9 * 10) / 4)
    assert METRICS["pit_deviation"].of(rows) == pytest.approx(0.75 - 0.3)
    assert METRICS["pit_coverage_50"].of(rows) == pytest.approx(1 / 4)
    assert METRICS["pit_coverage_80"].of(rows) == pytest.approx(4 / 4)
    assert METRICS["width_80"].of(rows) == pytest.approx((10 + 4 + 9 + 9) / 4)
    assert METRICS["interval_score_80"].of(rows) == pytest.approx((32 + 10 * (1 + 2 + 10)) / 4)
    assert METRICS["zero_gap"].of(rows) == pytest.approx(1 / 4 - 0.8 / 4)


def test_the_portfolio_misses_are_squared_origin_by_origin():
    rows = Judged.of_means(np.array([3.0, 1.0, 2.0]), np.array([1.0, 0.0, 6.0]))
    rows = Judged(**{**vars(rows), "origin": np.array([0, 0, 1])})

    assert METRICS["portfolio_rmse"].of(rows) == pytest.approx(np.sqrt((3**2 + 4**2) / 2))


numbers = st.floats(-50, 500, allow_nan=False).map(lambda v: round(v, 2))
tables = st.integers(1, 60).flatmap(
    lambda n: st.tuples(
        arrays(float, n, elements=st.sampled_from([0.0, 1.0, 2.5, 40.0]) | numbers),
        arrays(float, n, elements=st.sampled_from([0.0, 0.0, 10.0]) | numbers),
        st.permutations(range(n)),
    )
)
ORDERINGS = ("gini", "normalized_gini", "spearman", "top_decile_capture", "decile_lift")


@given(tables)
def test_no_metric_depends_on_the_order_of_rows(table):
    forecast, outcome, order = table
    for name, metric in METRICS.items():
        if metric.needs == "cash":
            a, b = of(name, forecast, outcome), of(name, forecast[order], outcome[order])
            assert a == pytest.approx(b, rel=1e-9, abs=1e-9), name


@given(tables)
def test_metrics_of_order_see_only_the_order(table):
    forecast, outcome, _ = table
    for name in ORDERINGS:
        stretched = np.unique(forecast, return_inverse=True)[1].astype(float) ** 3
        assert of(name, forecast, outcome) == pytest.approx(
            of(name, stretched, outcome), rel=1e-9, abs=1e-9
        )


@given(tables)
def test_every_metric_is_finite_even_where_nothing_happened(table):
    forecast, outcome, _ = table
    for seen in (outcome, np.zeros_like(outcome)):
        rows = Judged.of_means(forecast, seen, np.abs(forecast), np.zeros_like(seen))
        for name, metric in METRICS.items():
            if metric.needs != "distribution":
                assert np.isfinite(metric.of(rows)), name


def test_refunds_that_cancel_all_gains_leave_no_share_to_measure():
    """0.1 + 0.2 - 0.3 is not quite 0."""
    forecast, outcome = np.array([3.0, 2.0, 1.0]), np.array([0.1, 0.2, -0.3])

    for name in ("gini", "normalized_gini", "top_decile_capture"):
        assert of(name, forecast, outcome) == 0.0
    assert of("aggregate_bias", forecast, outcome) == pytest.approx(1.0)


def test_normalized_gini_of_perfect_foresight_is_one():
    outcome = np.array([0.0, 0.0, 3.0, 9.0, 1.0])

    assert of("normalized_gini", outcome * 7, outcome) == pytest.approx(1.0)


def test_a_metric_can_be_turned_so_that_lower_is_better():
    values = np.array([0.2, -0.3])

    assert METRICS["gini"].loss(values).tolist() == [-0.2, 0.3]
    assert METRICS["aggregate_bias"].loss(values).tolist() == [0.2, 0.3]
    assert METRICS["mae"].loss(values).tolist() == [0.2, -0.3]
