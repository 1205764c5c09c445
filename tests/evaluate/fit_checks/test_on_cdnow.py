"""The checks of a fit as the papers and vignettes print them, on the CDNOW sample."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from patronage.datasets import open_dataset
from patronage.evaluate.fit_checks import (
    holdout_by_frequency,
    predictive_checks,
    repeat_counts,
    tracking,
)
from patronage.horizon import Horizon
from patronage.models.btyd.alive_history import alive_history
from patronage.models.btyd.frequency_recency import frequency_recency
from patronage.models.catalog import make_model
from patronage.snapshots import calibration_holdout, take_snapshot
from patronage.snapshots.repeats import joining_days, purchase_days

AS_OF, HORIZON = date(1997, 10, 1), Horizon(39, "week")


@pytest.fixture(scope="module")
def log(data_dir):  # noqa: ARG001 — skips where the public sets are not there
    return open_dataset("cdnow_sample")


@pytest.fixture(scope="module")
def known(log):
    return take_snapshot(log)


@pytest.fixture(scope="module")
def calibration(log):
    return take_snapshot(log, as_of=AS_OF)


@pytest.fixture(scope="module")
def fits(calibration):
    names = ("pareto_nbd", "bg_nbd")
    return {name: make_model(name).fit(calibration, HORIZON) for name in names}


def test_tracking_of_pareto_nbd_in_weeks_20_to_25_as_the_vignette_prints_it(fits, known):
    found = tracking(fits["pareto_nbd"], known, as_of=AS_OF).table

    weeks = found.filter(pl.col("period").is_between(20, 25))
    assert weeks["actual"].to_list() == [73, 55, 70, 33, 56, 99]
    assert weeks["expected"].to_list() == pytest.approx(
        [78.308, 76.419, 74.648, 72.983, 71.414, 69.933], abs=6e-3
    )
    assert weeks["cumulative_expected"][0] == pytest.approx(1308.856, rel=1e-4)
    assert weeks["cumulative_expected"][-1] == pytest.approx(1674.253, rel=1e-4)
    assert found.height == 78
    assert joining_days(known, before=AS_OF)["n_customers"].sum() == 2357


def test_the_counts_of_repeats_reject_pareto_nbd_and_not_bg_nbd(fits, calibration):
    found = {name: repeat_counts(fit, calibration.rfm()) for name, fit in fits.items()}

    assert found["bg_nbd"].chi_square == pytest.approx(4.82, abs=0.005)
    assert found["bg_nbd"].p_value == pytest.approx(0.19, abs=0.005)
    assert found["pareto_nbd"].chi_square == pytest.approx(11.99, abs=0.005)
    assert found["pareto_nbd"].p_value == pytest.approx(0.007, abs=5e-4)
    for each in found.values():
        assert each.degrees == 3
        assert each.table["actual"].to_list() == [1411, 439, 214, 100, 62, 38, 29, 64]
        assert each.table["expected"].sum() == pytest.approx(2357)


def test_the_holdout_by_frequency_as_published(fits, log, calibration):
    sides = calibration_holdout(log, as_of=AS_OF, horizon=HORIZON)
    found = {
        name: holdout_by_frequency(fit, calibration.rfm(), sides["frequency_holdout"], HORIZON)
        for name, fit in fits.items()
    }

    pareto, bg = found["pareto_nbd"], found["bg_nbd"]
    assert pareto["n_customers"].to_list() == [1411, 439, 214, 100, 62, 38, 29, 64]
    assert pareto["actual"].to_list() == pytest.approx(
        [0.237, 0.697, 1.393, 1.560, 2.532, 2.947, 3.862, 6.359], abs=6e-4
    )
    assert pareto["expected"].to_list() == pytest.approx(
        [0.138, 0.600, 1.196, 1.714, 2.399, 2.907, 3.819, 6.403], abs=1e-3
    )
    published = [0.2250893, 0.5231364, 1.044126, 1.520256, 2.163824, 2.653789, 3.503957, 6.157036]
    assert bg["expected"].to_list() == pytest.approx(published, rel=1e-4)
    assert (pareto["low"] <= pareto["actual"]).all()
    assert (pareto["actual"] <= pareto["high"]).all()


def test_weeks_of_cdnow_vary_more_than_independent_customers_do(fits, known):
    assert tracking(fits["bg_nbd"], known, as_of=AS_OF).p_value < 1e-6


def test_the_checks_of_bg_nbd_find_nothing_on_cdnow(fits, calibration):
    found = predictive_checks(fits["bg_nbd"], calibration.rfm(), n_draws=100)

    assert found["p_value"].min() > 0.05
    frequency = found.filter(pl.col("check") == "frequency")
    assert frequency["observed"].to_list() == [1411, 439, 214, 100, 62, 38, 29, 64]
    expected = repeat_counts(fits["bg_nbd"], calibration.rfm()).table["expected"]
    assert frequency["expected"].to_list() == pytest.approx(expected.to_list(), rel=0.08)


def test_the_last_day_of_a_history_is_the_prediction(fits, known):
    customer = int(known.customers.sort("frequency")["customer_id"][-1])
    days = purchase_days(known, customer)
    row = known.customers["customer_id"].to_list().index(customer)

    for fitted in fits.values():
        history = alive_history(fitted, days, as_of=known.as_of)
        now = fitted.counts(known.rfm().take(slice(row, row + 1))).p_alive[0]
        assert history["p_alive"][-1] == pytest.approx(now, rel=1e-9)
        assert history["day"][0] == days[0]
        assert history["purchased"].sum() == len(days)
        # A day without a purchase makes life no likelier.
        falls = history.filter(~pl.col("purchased"))["p_alive"].to_numpy()
        before = history["p_alive"].shift(1).filter(~history["purchased"]).to_numpy()
        assert np.all(falls <= before + 1e-12)


def test_the_history_of_an_earlier_day_is_what_the_snapshot_of_it_says(fits, log, known):
    customer = int(known.customers.sort("frequency")["customer_id"][-3])
    history = alive_history(fits["bg_nbd"], purchase_days(known, customer), as_of=known.as_of)
    earlier = take_snapshot(log, as_of=date(1997, 8, 1))
    row = earlier.customers["customer_id"].to_list().index(customer)

    then = fits["bg_nbd"].counts(earlier.rfm().take(slice(row, row + 1))).p_alive[0]
    assert history.filter(pl.col("day") == date(1997, 7, 31))["p_alive"][0] == pytest.approx(then)


def test_the_matrix_holds_what_is_foretold_of_each_cell(fits):
    found = frequency_recency(fits["pareto_nbd"], HORIZON, T=273.0, max_frequency=5, n_recencies=3)

    assert found.height == 1 + 5 * 3
    assert found["recency"][:4].to_list() == pytest.approx([0.0, 91.0, 182.0, 273.0])
    fresh = found.filter(pl.col("recency") == 273.0)["p_alive"]
    assert fresh.to_list() == pytest.approx([1.0] * 5)
    assert found.filter(pl.col("frequency") == 5)["expected_purchases"].is_sorted()
