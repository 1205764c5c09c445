"""Checks accept the process that made the data and reject another, as often as they say."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from patronage.datasets import simulate_btyd
from patronage.errors import SettingsError
from patronage.evaluate.fit_checks import predictive_checks, repeat_counts, tracking
from patronage.events import read_events
from patronage.models.btyd.alive_history import alive_history
from patronage.models.btyd.model import FittedBTYD
from patronage.models.catalog import make_model
from patronage.snapshots import RFM, take_snapshot


@pytest.fixture(scope="module")
def drawn():
    return simulate_btyd("pareto_nbd", 3000, days=400, acquisition_days=60, seed=3)


@pytest.fixture(scope="module")
def rfm(drawn):
    return RFM.from_frame(drawn.rfm, unit="day")


@pytest.fixture(scope="module")
def fitted(rfm) -> FittedBTYD:
    return make_model("pareto_nbd").fit_rfm(rfm)


def test_a_process_passes_the_checks_of_its_own_draws(fitted, rfm):
    found = predictive_checks(fitted, rfm, n_draws=100)

    assert found["p_value"].min() > 0.01
    assert repeat_counts(fitted, rfm).p_value > 0.01
    assert ((found["low"] <= found["expected"]) & (found["expected"] <= found["high"])).all()


def test_parameters_that_are_wrong_are_found_out(fitted, rfm):
    wrong = {
        name: value * (1.4 if name == "alpha" else 1)
        for name, value in fitted.report.parameters.items()
    }
    other = replace(fitted, report=replace(fitted.report, parameters=wrong))

    found = predictive_checks(other, rfm, n_draws=100)
    assert found.filter(check="frequency")["p_value"][0] < 0.02
    assert found.filter(check="purchases_per_customer")["p_value"][0] < 0.02
    assert repeat_counts(other, rfm).p_value < 1e-3


def test_parameters_that_are_unsure_widen_the_intervals(fitted, rfm):
    rng = np.random.default_rng(5)
    theta = rng.multivariate_normal(fitted.report.theta, fitted.report.covariance, size=100)

    known = predictive_checks(fitted, rfm, n_draws=100)
    unsure = predictive_checks(fitted, rfm, n_draws=100, theta_draws=theta)
    width = [float((t["high"] - t["low"])[0]) for t in (known, unsure)]
    assert width[1] > 1.2 * width[0]


def test_weights_count_as_so_many_customers(fitted, rfm):
    few = rfm.take(slice(0, 200))
    twice = replace(few, weight=np.full(200, 2.0))

    found = predictive_checks(fitted, twice, n_draws=20)
    assert found.filter(check="frequency")["observed"].sum() == 400
    assert repeat_counts(fitted, twice).table["actual"].sum() == 400


@pytest.mark.slow
def test_the_weeks_of_a_process_vary_as_its_tracking_says():
    """Over 12 logs the joint p-value is not always small, and 90 % of weeks lie inside."""
    inside, p_values = [], []
    for seed in range(12):
        drawn = simulate_btyd("bg_nbd", 800, days=280, acquisition_days=60, seed=seed)
        model = make_model("bg_nbd")
        report = model.fit_rfm(RFM.from_frame(drawn.rfm, unit="day")).report
        truth = replace(report, parameters=dict(drawn.parameters))
        log = read_events(drawn.events, currency="USD")
        found = tracking(FittedBTYD(model.process, truth), take_snapshot(log), as_of=drawn.as_of)
        table = found.table[8:]
        inside.append(
            ((table["actual"] >= table["low"]) & (table["actual"] <= table["high"])).mean()
        )
        p_values.append(found.p_value)

    assert 0.82 < np.mean(inside) < 0.97
    assert np.median(p_values) > 0.05


def test_covariates_have_no_one_new_customer(fitted, rfm):
    effects = replace(fitted.report, effects={"purchases.age": 0.1})

    with pytest.raises(SettingsError, match="no one new customer"):
        repeat_counts(replace(fitted, report=effects), rfm)


def test_a_history_needs_a_purchase_before_its_end(fitted):
    for days in ([], [date(2024, 5, 1)]):
        with pytest.raises(SettingsError, match="at least one"):
            alive_history(fitted, days, as_of=date(2024, 5, 1))


def test_few_draws_are_refused(fitted, rfm):
    with pytest.raises(SettingsError, match="at least 20"):
        predictive_checks(fitted, rfm, n_draws=3)
