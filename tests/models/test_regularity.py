"""What the gaps say of regularity, the choice of k, and published fits."""

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from patronage.datasets import open_dataset
from patronage.errors import EventSchemaError, NotEnoughDataError, SettingsError
from patronage.events import EventLog
from patronage.models.btyd.bg_cnbd_k import BGCNBD
from patronage.models.btyd.mbg_cnbd_k import MBGCNBD
from patronage.models.btyd.pareto_ggg import ParetoGGG, ParetoGGGProcess
from patronage.models.btyd.regularity import regularity
from patronage.snapshots import RFM, Snapshot, take_snapshot


def rfm_of(table) -> RFM:
    ids = np.arange(len(table))
    return RFM(ids, table.x, table.t_x, table.T, log_gaps=table.log_gaps)


@pytest.fixture(scope="module")
def cdnow(data_dir) -> Snapshot:
    """23,570 customers, 39 weeks known."""
    assert data_dir
    return take_snapshot(open_dataset("cdnow"), as_of=date(1997, 10, 1))


@pytest.fixture(scope="module")
def grocery(data_dir) -> Snapshot:
    """1,525 customers of a grocery, 2006 known."""
    assert data_dir
    return take_snapshot(open_dataset("grocery_elog"), as_of=date(2007, 1, 1))


@pytest.mark.parametrize("model", [BGCNBD, MBGCNBD])
def test_grocery_buyers_are_erlang_2_as_published(grocery, model):
    fitted = model(spend=None).fit_rfm(grocery.with_features(("regularity",)).rfm())

    assert fitted.process.k == 2
    assert fitted.report.converged
    assert not fitted.report.penalised


@pytest.mark.parametrize("model", [BGCNBD, MBGCNBD])
def test_cdnow_buyers_are_erlang_1_as_published(cdnow, model):
    known = cdnow.with_features(("regularity",))

    assert model(spend=None).fit_rfm(known.rfm()).process.k == 1


@pytest.mark.slow
def test_pareto_ggg_comes_near_the_published_posterior_of_the_grocery(grocery):
    """Posterior medians by MCMC, in weeks; a maximum lies within two of its standard errors."""
    fitted = ParetoGGG(spend=None).fit_rfm(grocery.with_features(("regularity",)).rfm())
    weeks = fitted.report.in_unit(7.0)

    published = np.array([1.695, 0.373, 0.948, 5.243, 0.432, 4.348])
    errors = np.sqrt(np.diag(fitted.report.covariance))
    assert (np.abs(weeks.theta - np.log(published)) < errors).all()
    assert errors.max() < 0.3


@pytest.mark.slow
def test_pareto_ggg_recovers_the_truth():
    truth, rng = (2.0, 0.7, 1.2, 30.0, 0.8, 120.0), np.random.default_rng(4)
    table = ParetoGGGProcess().simulate(truth, np.rint(rng.uniform(150, 400, 1500)), rng)
    report = ParetoGGG(spend=None).fit_rfm(rfm_of(table)).report

    assert report.converged
    errors = np.sqrt(np.diag(report.covariance))
    assert (np.abs(report.theta - np.log(truth)) < 3.5 * errors).all()


@pytest.mark.parametrize(("model", "k"), [(BGCNBD, 3), (MBGCNBD, 2), (MBGCNBD, 1)])
def test_cnbd_k_recovers_the_truth_and_the_k(model, k):
    truth, rng = (1.2, 12.0, 0.8, 3.0), np.random.default_rng(6)
    process = model(k=k).process
    table = process.simulate(truth, np.rint(rng.uniform(150, 400, 6000)), rng)
    fitted = model(spend=None).fit_rfm(rfm_of(table))

    assert fitted.process.k == k
    errors = np.sqrt(np.diag(fitted.report.covariance))
    assert (np.abs(fitted.report.theta - np.log(truth)) < 3.5 * errors).all()


def log_of(k: float, n: int, seed: int) -> EventLog:
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(n):
        gaps = rng.gamma(k, 1 / k, 9) * rng.uniform(8, 30)
        start = datetime(2024, 1, 1) + timedelta(days=float(rng.uniform(0, 30)))
        times = [start + timedelta(days=float(t)) for t in np.r_[0.0, gaps.cumsum()]]
        rows += [(customer, when, 1.0) for when in times]
    frame = pl.DataFrame(rows, schema=["customer_id", "event_time", "amount"], orient="row")
    return EventLog.from_frame(frame, currency="EUR")


@pytest.mark.parametrize("k", [2.0, 4.0])
def test_both_estimators_find_the_shape_of_simulated_gaps(k):
    found = regularity(take_snapshot(log_of(k, 800, seed=int(k))))

    assert found.wheat_morrison == pytest.approx(k, abs=4 * found.wheat_morrison_error)
    # Gaps run between days' first instants; what lies within one day is one purchase.
    assert found.shape == pytest.approx(k, rel=0.15)
    assert found.shape_error < 0.1
    assert abs(found.erlang - k) <= 1
    assert "supported over k = 1" in found.verdict


def test_cdnow_buys_at_random_and_the_grocery_by_a_rhythm(grocery, cdnow):
    random = regularity(cdnow)
    rhythm = regularity(grocery)

    assert random.erlang == 1
    assert random.shape == pytest.approx(1.09, abs=0.02)
    assert "k = 1 is supported" in random.verdict
    assert rhythm.erlang == 2
    assert 2 < rhythm.shape < 3
    assert 1.5 < rhythm.wheat_morrison < 3


def test_a_rhythm_needs_two_gaps():
    frame = pl.DataFrame({"customer_id": [1, 2], "event_time": [date(2024, 1, 1)] * 2})
    log = EventLog.from_frame(frame.with_columns(amount=1.0), currency="EUR")

    with pytest.raises(NotEnoughDataError, match="two gaps"):
        regularity(take_snapshot(log))


def test_models_of_timing_refuse_a_table_without_it():
    table = RFM(np.arange(2), np.array([1.0, 2.0]), np.array([5.0, 9.0]), np.array([9.0, 9.0]))
    for model in (BGCNBD, MBGCNBD, ParetoGGG):
        with pytest.raises(EventSchemaError, match="reads log_gaps"):
            model(spend=None).fit_rfm(table)


def test_gaps_more_even_than_even_are_refused_by_row():
    x, t_x, T = np.array([2.0, 2.0]), np.array([10.0, 10.0]), np.array([20.0, 20.0])
    table = RFM(np.arange(2), x, t_x, T, log_gaps=np.array([2 * np.log(5.0), 4.0]))

    with pytest.raises(EventSchemaError, match="row 1"):
        BGCNBD(spend=None, k=2).fit_rfm(table)


def test_a_k_below_one_is_refused():
    with pytest.raises(SettingsError, match="k must be"):
        MBGCNBD(k=0)
