"""Metrics of a validation: by hand, against scikit-learn, and under the laws they should keep."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from patronage.evaluate.bootstrap import RANK_GROUPS, customer_weights, measure, metric_draws
from patronage.evaluate.examined import LEVELS, Decision, Examined
from patronage.evaluate.judged import Judged
from patronage.evaluate.validation import FAMILIES, VALIDATION_METRICS
from patronage.evaluate.weighing import Weighing

EVERY = tuple(VALIDATION_METRICS.values())


def examined(forecast, outcome, *, p_buys=None, p_above=None, decision=None, **other) -> Examined:
    forecast, outcome = np.asarray(forecast, float), np.asarray(outcome, float)
    n = len(forecast)
    half = np.full(n, 0.5)
    spread = np.array([0.5, 0.8, 0.9, 0.95])
    judged = vars(Judged.of_means(forecast, outcome, forecast, outcome))
    whole = {
        "q10": 0.5 * forecast,
        "q90": 2 * forecast,
        "f_q90": np.full(n, 0.9),
        "pit": half,
        "crps": np.abs(forecast - outcome),
    }
    whole["p_zero"] = half if p_buys is None else 1.0 - np.asarray(p_buys, float)
    rows = {
        "p_above": half if p_above is None else np.asarray(p_above, float),
        "low": np.outer(forecast, 1 - spread),
        "high": np.outer(forecast, 1 + spread),
        "decision": decision or Decision(10.0),
    }
    return Examined(**{**judged, **whole, **rows, **other})


def of(name: str, rows: Examined) -> float:
    return VALIDATION_METRICS[name].of(rows)


def random_rows(n: int, seed: int) -> Examined:
    rng = np.random.default_rng(seed)
    mean = np.round(rng.gamma(0.5, 60, n), 0) + 1.0
    outcome = np.where(rng.random(n) < 0.4, np.round(rng.gamma(1.0, mean / 0.4)), 0.0)
    chance = np.round(np.clip(rng.normal(0.4, 0.2, n), 0, 1), 2)
    return examined(mean, outcome, p_buys=chance, p_above=chance**2, pit=rng.random(n))


def test_sizes_worked_by_hand():
    """Forecasts 2, 5, 0 of outcomes 4, 5, 0: misses 2, 0, 0; mean outcome 3.

    R² = 1 − 4 / (1 + 4 + 9) = 5/7. Of the two buyers one is missed by 2/4, the other by nothing.
    NMAE = (2/3) / 3, NRMSE = √(4/3) / 3.
    """
    rows = examined([2.0, 5.0, 0.0], [4.0, 5.0, 0.0])

    assert of("r_squared", rows) == pytest.approx(5 / 7)
    assert of("mape_buyers", rows) == pytest.approx(0.25)
    assert of("within_10", rows) == pytest.approx(0.5)
    assert of("nmae", rows) == pytest.approx(2 / 9)
    assert of("nrmse", rows) == pytest.approx(np.sqrt(4 / 3) / 3)
    # log 3, log 6, log 1 against log 5, log 6, log 1.
    y = np.log([5.0, 6.0, 1.0])
    assert of("log_r_squared", rows) == pytest.approx(
        1 - np.log(5 / 3) ** 2 / ((y - y.mean()) ** 2).sum()
    )


def test_the_distance_of_distributions_worked_by_hand_and_as_scipy_has_it():
    """Below 2 lie three quarters of the outcomes and none of the forecasts."""
    assert of("distribution_gap", examined([2.0, 3.0, 4.0, 9.0], [0, 0, 1.0, 9.0])) == 0.75

    rows = random_rows(400, 2)
    expected = ks_2samp(rows.forecast, rows.outcome, method="asymp").statistic
    assert of("distribution_gap", rows) == pytest.approx(expected)


def test_parts_of_equal_value_worked_by_hand():
    """One customer of 10 carries half of the forecast, ten of 1 the other half.

    Cut by value, five parts lie in the first (outcome 15: 3 each, forecast 2 each) and five in the
    others (outcome 5: 1 each, forecast 2 each): misses 1/3 and 1.
    """
    rows = examined([10.0] + [1.0] * 10, [15.0] + [0.5] * 10)

    assert of("decile_mape_value", rows) == pytest.approx((5 * 1 / 3 + 5 * 1.0) / 10)


@pytest.mark.parametrize(("power", "factor"), [(1.0, 1.0), (0.5, 3.0), (1.5, 0.2)])
def test_the_calibration_line_is_recovered(power, factor):
    """Where outcome = factor × forecast^power, the slope is the power."""
    forecast = np.array([1.0, 2.0, 4.0, 8.0, 50.0])
    rows = examined(forecast, factor * forecast**power)

    assert of("calibration_slope", rows) == pytest.approx(power)
    centre = np.log(forecast).mean()
    assert of("calibration_intercept", rows) == pytest.approx(
        np.log(factor) + (power - 1) * centre, abs=1e-9
    )


def test_zeros_count_in_the_calibration_line():
    """Half of each kind of customer buys, for twice the forecast: calibrated."""
    rows = examined([5.0, 5.0, 40.0, 40.0], [10.0, 0.0, 80.0, 0.0])

    assert of("calibration_slope", rows) == pytest.approx(1.0)
    assert of("calibration_intercept", rows) == pytest.approx(0.0, abs=1e-12)


def test_top_deciles_share_the_border_and_leave_out_nothing():
    """Of 20 customers two are best. By forecast: one for sure, three tie for the second place.

    By outcome one alone brings anything; he is one of the three. So 1/3 of one is found:
    precision (1/3) / 2, recall (1/3) / 1.
    """
    forecast = [9.0, 5.0, 5.0, 5.0] + [1.0] * 16
    outcome = [0.0, 30.0, 0.0, 0.0] + [0.0] * 16
    rows = examined(forecast, outcome)

    assert of("top_decile_precision", rows) == pytest.approx(1 / 6)
    assert of("top_decile_recall", rows) == pytest.approx(1 / 3)
    # The best 5 % are one: the first, who brings nothing.
    assert of("capture_5", rows) == 0.0
    assert of("whale_recall_5", rows) == 0.0
    # 40 forecast, 30 came: accuracy 1 − 1/3.
    assert of("revenue_accuracy", examined([40.0], [30.0])) == pytest.approx(2 / 3)


def test_the_business_impact_score_is_the_mean_of_its_parts():
    rows = random_rows(300, 5)
    parts = ("revenue_accuracy", "spearman", "top_decile_precision", "top_decile_recall")

    expected = np.mean([of(name, rows) for name in parts])

    assert of("business_impact", rows) == pytest.approx(expected)


def test_the_gini_of_buyers_leaves_out_who_brings_nothing():
    everybody = examined([9.0, 1.0, 5.0, 3.0], [0.0, 0.0, 4.0, 8.0])
    buyers = examined([5.0, 3.0], [4.0, 8.0])

    assert of("normalized_gini_buyers", everybody) == of("normalized_gini", buyers)


def test_profit_is_what_those_above_the_threshold_bring_less_what_they_cost():
    """Above 10 are two: 0.5 × 30 − 3 and 0.5 × 0 − 3, over four customers."""
    rows = examined(
        [11.0, 12.0, 10.0, 1.0], [30.0, 0.0, 99.0, 9.0], decision=Decision(10.0, 0.5, 3.0)
    )

    assert of("profit", rows) == pytest.approx((12 - 3) / 4)
    assert of("contacted", rows) == 0.5


def test_classes_worked_by_hand():
    """Said to buy: 0.9, 0.5 (a half counts) and 0.6; of these two do, and one of the others.

    Precision 2/3, recall 2/3. Of 3 × 2 pairs 0.9 wins 2, 0.5 wins 1, 0.1 loses to 0.6 and ties
    with 0.1: (2 + 1 + 0.5) / 6. Average precision over 0.9 (1/1), 0.6, 0.5 (2/3) and 0.1 (3/5).
    """
    rows = examined([1.0] * 5, [5.0, 0, 7.0, 2.0, 0], p_buys=[0.9, 0.6, 0.5, 0.1, 0.1])

    assert of("buys_precision", rows) == pytest.approx(2 / 3)
    assert of("buys_recall", rows) == pytest.approx(2 / 3)
    assert of("buys_f1", rows) == pytest.approx(2 / 3)
    assert of("buys_roc_auc", rows) == pytest.approx(3.5 / 6)
    assert of("buys_pr_auc", rows) == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)
    assert of("buys_brier", rows) == pytest.approx((0.01 + 0.36 + 0.25 + 0.81 + 0.01) / 5)
    # Bins: 0.9 misses 0.1; 0.6 misses 0.6; 0.5 misses 0.5; the two of 0.1 miss |0.2 − 1|.
    assert of("buys_ece", rows) == pytest.approx((0.1 + 0.6 + 0.5 + 0.8) / 5)


def test_classes_agree_with_scikit_learn_ties_and_all():
    metrics = pytest.importorskip("sklearn.metrics")
    rows = random_rows(500, 1)
    for event, chance, came in (
        ("buys", (1.0 - rows.p_zero), rows.outcome > 0),
        ("above", rows.p_above, rows.outcome > 10.0),
    ):
        said = chance >= 0.5
        expected = {
            "precision": metrics.precision_score(came, said),
            "recall": metrics.recall_score(came, said),
            "f1": metrics.f1_score(came, said),
            "roc_auc": metrics.roc_auc_score(came, chance),
            "pr_auc": metrics.average_precision_score(came, chance),
            "brier": metrics.brier_score_loss(came, chance),
        }
        for kind, value in expected.items():
            assert of(f"{event}_{kind}", rows) == pytest.approx(value), (event, kind)
    assert of("r_squared", rows) == pytest.approx(metrics.r2_score(rows.outcome, rows.forecast))
    buyers = rows.take(rows.outcome > 0)
    mape = metrics.mean_absolute_percentage_error(buyers.outcome, buyers.forecast)
    assert of("mape_buyers", rows) == pytest.approx(mape)


def test_intervals_worked_by_hand():
    """The central 90 % is 1 to 19 and 2 to 38; 20 misses by 1, which costs 2 / 0.1 × 1 more."""
    rows = examined([10.0, 20.0], [20.0, 10.0])
    k = LEVELS.index(90)
    assert rows.high[:, k].tolist() == [19.0, 38.0]

    assert of("width_90", rows) == pytest.approx(27.0)
    assert of("coverage_90", rows) == 0.5
    assert of("interval_score_90", rows) == pytest.approx((18 + 36 + 20) / 2)


def test_every_family_is_measured_and_no_metric_has_two_meanings():
    names = [metric.name for family in FAMILIES.values() for metric in family]

    assert len(names) == len(set(names))
    assert set(measure(random_rows(80, 3), EVERY)) == set(names)


def test_resampled_metrics_equal_rows_written_out():
    rows = random_rows(200, 4)
    weights = customer_weights(200, 4, seed=2).astype(np.float64)
    drawn = metric_draws(Weighing(rows, weights, RANK_GROUPS), measure(rows, EVERY), EVERY)
    # The deviance's floor and the least forecast of the line are those of the rows as they are,
    # and rank correlations are binned.
    loose = {"deviance", "spearman", "business_impact", "calibration_slope"}
    loose |= {"calibration_intercept"}

    for k in range(4):
        kept = np.repeat(np.arange(200), weights[:, k].astype(int))
        written = rows.take(kept)
        written = Examined(**{**vars(written), "customer": np.arange(len(kept))})
        for name, value in measure(written, EVERY).items():
            slack = 1e-2 if name in loose else 1e-9
            assert drawn[name][k] == pytest.approx(value, rel=slack, abs=slack), name


@settings(max_examples=10)
@given(st.integers(2, 40), st.integers(0, 2**16))
def test_no_metric_depends_on_the_order_of_rows(n, seed):
    rows = random_rows(n, seed)
    order = np.random.default_rng(seed).permutation(n)

    one, other = measure(rows, EVERY), measure(rows.take(order), EVERY)

    for name in one:
        assert other[name] == pytest.approx(one[name], rel=1e-9, abs=1e-9, nan_ok=True), name


@settings(max_examples=10)
@given(st.integers(0, 2**16), st.floats(0.01, 1000))
def test_metrics_without_a_unit_do_not_depend_on_the_currency(seed, rate):
    rows = random_rows(60, seed)
    decision = Decision(10 * rate)
    exchanged = examined(
        rows.forecast * rate,
        rows.outcome * rate,
        p_buys=(1.0 - rows.p_zero),
        p_above=rows.p_above,
        decision=decision,
    )
    free = ("statistical", "ranking", "classification")
    unit = {"deviance", "mae", "rmse", "log_r_squared", "distribution_gap", "within_10"}

    for family in free:
        for metric in FAMILIES[family]:
            if metric.name not in unit and not metric.name.startswith("above"):
                assert metric.of(exchanged) == pytest.approx(
                    metric.of(rows), rel=1e-6, abs=1e-6, nan_ok=True
                ), metric.name


def test_what_is_not_defined_is_not_a_number():
    nothing = examined([1.0, 2.0], [0.0, 0.0], p_buys=[0.1, 0.2])

    undefined = {name for name, value in measure(nothing, EVERY).items() if np.isnan(value)}

    assert {"mape_buyers", "nmae", "r_squared", "calibration_slope"} <= undefined
    assert {"buys_precision", "buys_recall", "buys_roc_auc", "whale_recall_5"} <= undefined
    assert not {"mae", "brier", "deviance", "buys_brier", "width_90"} & undefined
