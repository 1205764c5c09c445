"""Posteriors of whole models: into money, onto the disk, and calibrated by simulation."""

import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from patronage.datasets.btyd import simulate_btyd
from patronage.errors import SettingsError
from patronage.events import read_events
from patronage.horizon import Horizon
from patronage.jobs import fit_source
from patronage.models.btyd.bg_nbd import BGNBD
from patronage.models.btyd.customer_posterior import posterior_summary
from patronage.models.btyd.gamma_gamma import GammaGamma
from patronage.models.btyd.model import FittedBTYD
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.models.fitting.compaction import compact
from patronage.models.fitting.estimation import draw_posterior
from patronage.models.fitting.maximum_likelihood import climb
from patronage.models.fitting.priors import Prior
from patronage.registry.codec import decode, encode
from patronage.snapshots import Snapshot, take_snapshot

HALF_YEAR = Horizon(26, "week")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    sim = simulate_btyd("bg_nbd", 300, seed=3, whole_days=True)
    path = tmp_path_factory.mktemp("shop") / "events.parquet"
    sim.events.write_parquet(path)
    return take_snapshot(read_events(str(path), currency="USD"), as_of=sim.as_of)


@pytest.fixture(scope="module")
def fitted(shop: Snapshot) -> FittedBTYD:
    model = BGNBD(uncertainty="psis", spend=GammaGamma(uncertainty="psis"))
    return model.fit(shop, HALF_YEAR, seed=1)


def test_a_model_keeps_its_posterior_on_the_disk(fitted):
    arrays: dict[str, np.ndarray] = {}

    read = decode(encode(fitted, arrays), arrays)

    assert np.array_equal(read.posterior.draws, fitted.posterior.draws)
    assert np.array_equal(read.spend.posterior.weights, fitted.spend.posterior.weights)
    assert read.posterior.summary() == fitted.posterior.summary()


def test_purchases_and_spend_do_not_share_their_draws(fitted):
    rates, money = fitted.posterior.draws, fitted.spend.posterior.draws

    together = np.corrcoef(np.hstack([rates, money]).T)[:4, 4:]
    assert np.abs(together).max() < 0.15


def test_the_bounds_of_expectations_widen_with_the_posterior(fitted, shop):
    wide = replace(
        fitted,
        posterior=replace(
            fitted.posterior,
            draws=fitted.report.coefficients + 2 * (fitted.posterior.draws - fitted.report.theta),
        ),
        spend=None,
    )
    narrow = replace(fitted, spend=None)
    sd = [
        np.sqrt((model.predict(shop, HALF_YEAR).mean_factors ** 2).sum(axis=1))
        for model in (narrow, wide)
    ]

    assert sd[1] == pytest.approx(2 * sd[0], rel=1e-9)


def test_the_summary_of_a_customer_is_that_of_a_plain_loop(fitted, shop):
    told = posterior_summary(fitted, shop, HALF_YEAR, n_draws=30, seed=5)
    rfm = shop.rfm()
    draws = fitted.posterior.resampled(30, seed=5).draws
    spends = fitted.spend.posterior.resampled(30, seed=6).draws
    purchases, cash = [], []
    for draw, money in zip(draws, spends, strict=True):
        at = replace(fitted, report=fitted.report.at(draw))
        spend = replace(fitted.spend, report=fitted.spend.report.at(money)).spend(rfm).mean()
        purchases.append(at.counts(rfm).mean(np.array([0.0, HALF_YEAR.days]))[:, 0])
        cash.append(fitted.cash_ratio * purchases[-1] * spend)

    assert told["customer_id"].to_list() == shop.customers["customer_id"].to_list()
    for name, values in (("expected_purchases", purchases), ("cash", cash)):
        assert told[name].to_numpy() == pytest.approx(np.mean(values, axis=0), rel=1e-9)
        low, high = np.quantile(values, [0.1, 0.9], axis=0)
        assert told[f"{name}_low"].to_numpy() == pytest.approx(low, rel=1e-9)
        assert told[f"{name}_high"].to_numpy() == pytest.approx(high, rel=1e-9)
    assert ((told["p_alive_low"] >= 0) & (told["p_alive_high"] <= 1)).all()


def test_draws_without_a_mean_spend_are_left_out(fitted, shop):
    draws = fitted.spend.posterior.draws.copy()
    draws[::2, 1] = np.log(0.9)  # q below 1: a new customer's mean spend is infinite
    heavy = replace(
        fitted, spend=replace(fitted.spend, posterior=replace(fitted.spend.posterior, draws=draws))
    )

    told = posterior_summary(heavy, shop, HALF_YEAR, n_draws=20)

    assert np.isfinite(told["cash_high"].to_numpy()).all()


def test_first_order_bounds_are_close_to_those_of_the_draws(fitted, shop):
    told = posterior_summary(fitted, shop, HALF_YEAR, n_draws=400)
    forecast = fitted.predict(shop, HALF_YEAR)
    mean, factors = forecast.mean().sum(axis=1), forecast.mean_factors
    assert factors is not None
    first_order = 2 * 1.2816 * np.sqrt((factors**2).sum(axis=1))
    drawn = (told["cash_high"] - told["cash_low"]).to_numpy()

    assert np.median(drawn / first_order) == pytest.approx(1.0, abs=0.15)
    assert np.median(told["cash"].to_numpy() / mean) == pytest.approx(1.0, abs=0.05)


def test_a_model_without_a_posterior_says_how_to_get_one(shop):
    plain = BGNBD(spend=None).fit(shop, HALF_YEAR)

    assert plain.posterior is None
    with pytest.raises(SettingsError, match="uncertainty='psis'"):
        posterior_summary(plain, shop, HALF_YEAR)


def test_fit_tells_the_posterior_in_the_unit_asked_for(tmp_path: Path):
    path = tmp_path / "rfm.csv"
    simulate_btyd("pareto_nbd", 400, seed=2).rfm.write_csv(path)
    asked = {"horizon": HALF_YEAR, "prior": "default", "uncertainty": "psis"}

    days = fit_source(str(path), "pareto_nbd", unit="day", **asked)
    spend, drawn = days["spend"]["posterior"], days["posterior"]

    assert drawn["method"] == spend["method"] == "psis"
    assert drawn["k_hat"] < 0.7
    assert drawn["ess"] > 100
    for name, (low, high) in drawn["interval"].items():
        assert low < drawn["mean"][name] < high
        assert low < days["parameters"][name] < high
    with pytest.raises(SettingsError, match="no posterior"):
        fit_source(str(path), "same_again", **asked)
    with pytest.raises(SettingsError, match="laplace, psis, nuts"):
        fit_source(str(path), "bg_nbd", horizon=HALF_YEAR, uncertainty="vi")
    with pytest.raises(SettingsError, match="no prior 'strong'"):
        fit_source(str(path), "bg_nbd", horizon=HALF_YEAR, prior="strong")


@pytest.mark.slow
def test_neither_a_fit_nor_importance_sampling_loads_jax():
    code = (
        "import sys, numpy as np\n"
        "from patronage.models.btyd.bg_nbd import BGNBD\n"
        "from patronage.snapshots import RFM\n"
        "x = np.array([0., 1, 2, 0, 3, 1, 0, 0]); T = np.full(8, 90.)\n"
        "BGNBD(spend=None, uncertainty='psis').fit_rfm(RFM(np.arange(8), x, 20 * x, T))\n"
        "assert not {'jax', 'numpyro'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bg_nbd", "pareto_nbd"])
@pytest.mark.parametrize("uncertainty", ["psis", "bootstrap"])
def test_intervals_cover_the_truth_as_often_as_they_say(name, uncertainty):
    model = {"bg_nbd": BGNBD(), "pareto_nbd": ParetoNBD()}[name]
    covered = []
    for seed in range(40):
        sim = simulate_btyd(name, 1500, seed=seed, spend=None)
        rng = np.random.default_rng(seed)
        truth = list(sim.parameters.values())
        table = compact(model.process.simulate(truth, rng.uniform(150, 500, 1500), rng)).table
        prior = Prior() if uncertainty == "psis" else None
        posterior = draw_posterior(
            climb(model.process.likelihood, table, prior=prior), uncertainty, n_draws=200, seed=seed
        )
        bounds = posterior.summary(level=0.8)["interval"].values()
        covered.append(
            [low <= value <= high for (low, high), value in zip(bounds, truth, strict=True)]
        )

    # 160 intervals, dependent by fours: a standard error of about 0.045.
    assert np.mean(covered) == pytest.approx(0.8, abs=0.12)


@pytest.mark.slow
def test_both_kinds_of_interval_come_from_score_on_cdnow(data_dir):
    from patronage.scoring import Scoring, score
    from patronage.value import Economics

    log = read_events(str(data_dir / "cdnow" / "cdnow_sample_1in10.parquet"), currency="USD")
    snapshot = take_snapshot(log, as_of=date(1997, 10, 1))
    model = ParetoNBD(uncertainty="psis", spend=GammaGamma(uncertainty="psis"))
    scores = score(
        snapshot,
        Scoring(model.fit(snapshot, HALF_YEAR), HALF_YEAR, Economics(), "pareto_nbd"),
    )
    narrow = scores["clv_mean_high"] - scores["clv_mean_low"]

    assert (narrow > 0).all()
    assert scores.filter(pl.col("clv_p90") > pl.col("clv_mean_high")).height > 100
