"""From a snapshot to a forecast of cash: BG/NBD, MBG/NBD and Pareto/NBD with their spend."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from patronage.events import EventLog
from patronage.forecast.compound import CompoundForecast
from patronage.forecast.spend import UnitSpend
from patronage.horizon import Horizon
from patronage.models.base import FittedModel
from patronage.models.btyd import composition
from patronage.models.btyd.bg_nbd import BGNBD
from patronage.models.btyd.compacted_counts import CompactedCounts
from patronage.models.btyd.composition import compacted_counts
from patronage.models.btyd.counts_pareto_nbd import ParetoNBDCounts
from patronage.models.btyd.gamma_gamma import GammaGamma
from patronage.models.btyd.mbg_nbd import MBGNBD
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.models.btyd.process import histories_of
from patronage.models.likelihoods.histories import Histories
from patronage.snapshots import RFM, Snapshot, take_snapshot

MODELS = {"bg_nbd": BGNBD, "mbg_nbd": MBGNBD, "pareto_nbd": ParetoNBD}
START, AS_OF, YEAR = date(2025, 1, 1), date(2026, 1, 1), Horizon(12, "month")


def purchases(n: int = 400, seed: int = 1) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(n):
        day, rate = float(rng.integers(0, 200)), rng.gamma(0.8, 1 / 50)
        level = rng.gamma(4.0, 1 / 30)
        end = day + rng.exponential(1 / max(rng.gamma(0.8, 1 / 120), 1e-9))
        while day < min(end, 365):
            amount = round(rng.gamma(4.0) / level + 0.01, 2)
            rows.append((customer, START + timedelta(days=int(day)), "purchase", amount))
            day += rng.exponential(1 / max(rate, 1e-9))
    return pl.DataFrame(rows, schema=["customer_id", "time", "kind", "amount"], orient="row")


def snapshot(frame: pl.DataFrame) -> Snapshot:
    return take_snapshot(EventLog.from_frame(frame, currency="EUR"), as_of=AS_OF)


@pytest.fixture(scope="module")
def shop() -> Snapshot:
    return snapshot(purchases())


@pytest.mark.parametrize("name", MODELS)
def test_cash_is_purchases_times_spend_for_every_customer(shop, name):
    fitted = MODELS[name]().fit(shop, YEAR)
    forecast = fitted.predict(shop, YEAR)

    assert isinstance(fitted, FittedModel)
    assert isinstance(forecast, CompoundForecast)
    assert forecast.customer_id.tolist() == shop.customers["customer_id"].to_list()
    spend = fitted.spend.spend(shop.rfm()).mean()
    assert forecast.mean() == pytest.approx(spend[:, None] * forecast.n_purchases)
    assert ((forecast.p_alive >= 0) & (forecast.p_alive <= 1)).all()
    assert (forecast.mean() > 0).all()
    assert fitted.expected_cash(shop, YEAR) == pytest.approx(forecast.mean().sum(axis=1), rel=1e-9)
    # Half as long a history of the same shop brings about as much again per living customer.
    assert 0.1 < forecast.mean().sum() / shop.customers["spend"].sum() < 2


@pytest.mark.parametrize("name", MODELS)
def test_process_models_forecast_any_horizon_alike(shop, name):
    fitted = MODELS[name]().fit(shop, YEAR)
    months = fitted.predict(shop, YEAR).mean().sum(axis=1)
    year = fitted.predict(shop, Horizon(1, "year")).mean()[:, 0]

    assert months == pytest.approx(year, rel=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_expectations_of_several_horizons_are_what_is_predicted_for_each(shop, name):
    fitted = MODELS[name]().fit(shop, YEAR)
    horizons = (YEAR, Horizon(5, "week"))

    found = fitted.expectations(shop, horizons)

    for one, horizon in zip(found, horizons, strict=True):
        whole = fitted.predict(shop, horizon)
        assert one.mean_factors is None
        assert one.horizon == horizon
        for told in ("customer_id", "p_alive", "n_purchases"):
            np.testing.assert_array_equal(getattr(one, told), getattr(whole, told))
        np.testing.assert_array_equal(one.mean(), whole.mean())
        np.testing.assert_array_equal(one.p_zero(), whole.p_zero())


@pytest.mark.parametrize("name", MODELS)
def test_factors_are_the_gradient_of_the_total_times_the_root_of_the_covariance(shop, name):
    fitted = MODELS[name]().fit(shop, YEAR)
    forecast = fitted.predict(shop, YEAR)
    root = np.zeros((7, 7))
    root[:4, :4] = np.linalg.cholesky(fitted.report.covariance)
    root[4:, 4:] = np.linalg.cholesky(fitted.spend.report.covariance)
    gradient = forecast.mean_factors @ np.linalg.inv(root)

    def total(theta: np.ndarray) -> np.ndarray:
        def moved(report, part):
            return replace(
                report, parameters=dict(zip(report.parameters, np.exp(part), strict=True))
            )

        spend = replace(fitted.spend, report=moved(fitted.spend.report, theta[4:]))
        other = replace(fitted, report=moved(fitted.report, theta[:4]), spend=spend)
        return other.predict(shop, YEAR).mean().sum(axis=1)

    theta = np.concatenate([fitted.report.theta, fitted.spend.report.theta])
    for column, step in enumerate(2e-4 * np.eye(7)):
        difference = (total(theta + step) - total(theta - step)) / 4e-4
        assert gradient[:, column] == pytest.approx(difference, rel=1e-4, abs=1e-4)


def test_factors_at_rounded_histories_are_close_to_exact(shop, monkeypatch):
    jittered = shop.customers.with_columns(T=pl.col("T") + pl.int_range(pl.len()) / 1000)
    shop = replace(shop, customers=jittered)
    fitted = ParetoNBD().fit(shop, YEAR)
    exact = fitted.predict(shop, YEAR).mean_factors
    monkeypatch.setattr(composition, "_EXACT", 10)
    rounded = fitted.predict(shop, YEAR).mean_factors

    error = np.linalg.norm(rounded - exact, axis=1) / np.linalg.norm(exact, axis=1)
    assert 0 < error.max() < 0.05
    assert np.linalg.norm(rounded.sum(axis=0) - exact.sum(axis=0)) < 0.01 * np.linalg.norm(
        exact.sum(axis=0)
    )


def test_a_log_without_money_counts_purchases(shop):
    counted = replace(shop, events=replace(shop.events, currency="purchases"))
    fitted = ParetoNBD().fit(counted, YEAR)
    forecast = fitted.predict(counted, YEAR)

    assert fitted.spend is None
    assert isinstance(forecast.spend, UnitSpend)
    assert forecast.mean() == pytest.approx(forecast.n_purchases)
    assert forecast.mean_factors.shape == (len(shop.customers), 4)


def test_refunds_lower_the_cash_in_proportion(shop):
    frame = purchases()
    refund = (date(2025, 12, 30), "refund", -0.1 * float(frame["amount"].sum()))
    rows = pl.DataFrame([(0, *refund)], schema=frame.schema, orient="row")
    with_refund = snapshot(pl.concat([frame, rows]))
    plain = MBGNBD().fit(shop, YEAR).predict(shop, YEAR)
    found = MBGNBD().fit(with_refund, YEAR).predict(with_refund, YEAR)

    assert found.cash_ratio == pytest.approx(0.9, rel=1e-3)
    assert found.mean() == pytest.approx(0.9 * plain.mean(), rel=1e-3)


def test_those_who_never_bought_are_forecast_but_not_fitted(shop):
    frame = purchases()
    visits = pl.DataFrame(
        [(9000 + k, date(2025, 6, 1), "visit", 0.0) for k in range(30)],
        schema=frame.schema,
        orient="row",
    )
    visited = snapshot(pl.concat([frame, visits]))
    plain, found = BGNBD().fit(shop, YEAR), BGNBD().fit(visited, YEAR)

    assert found.report.parameters == plain.report.parameters
    assert found.predict(visited, YEAR).n_customers == len(shop.customers) + 30


def test_bg_nbd_warns_where_most_have_bought_once():
    table = RFM(np.arange(60), np.arange(60) % 3 * 1.0, np.arange(60) % 3 * 2.0, np.full(60, 50.0))
    often = BGNBD(spend=None).fit_rfm(table)
    seldom = BGNBD(spend=None).fit_rfm(replace(table, weight=1 + 9.0 * (table.frequency == 0)))

    assert not any("alive for certain" in sentence for sentence in often.report.warnings)
    assert any("alive for certain" in sentence for sentence in seldom.report.warnings)


def test_compacted_counts_equal_those_of_each_customer(shop):
    rfm = shop.rfm()
    many = rfm.take(np.random.default_rng(2).integers(0, len(rfm), 3000))

    def counts_of(rows: Histories) -> ParetoNBDCounts:
        return ParetoNBDCounts(0.8, 50.0, 0.8, 120.0, rows.x, rows.t_x, rows.T)

    compacted = compacted_counts(histories_of(many), counts_of)
    plain = ParetoNBDCounts(0.8, 50.0, 0.8, 120.0, many.frequency, many.recency, many.T)
    edges = YEAR.edges()
    assert isinstance(compacted, CompactedCounts)
    assert compacted.p_alive == pytest.approx(plain.p_alive, rel=1e-12)
    assert compacted.mean(edges) == pytest.approx(plain.mean(edges), rel=1e-12)
    assert compacted.pmf(90.0, 4) == pytest.approx(plain.pmf(90.0, 4), rel=1e-11)
    some = np.array([5, 5, 2999])
    assert compacted.take(some).mean(edges) == pytest.approx(plain.take(some).mean(edges))
    draws = compacted.sample(edges, 40, np.random.default_rng(3))
    assert draws.shape == (40, 3000, 12)
    assert draws.mean() == pytest.approx(plain.mean(edges).mean(), rel=0.1)


def test_the_spend_of_a_shop_is_fitted_to_buyers(shop):
    fitted = GammaGamma().fit(shop, YEAR)

    assert fitted.report is not None
    assert fitted.report.parameters["p"] == pytest.approx(4, rel=0.5)
