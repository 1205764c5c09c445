"""Sarmanov's correlation of purchases and spend: brute force, recovery, and what stays alone."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from scipy.integrate import dblquad
from scipy.stats import gamma as gamma_distribution

from patronage.errors import SettingsError
from patronage.events import EventLog
from patronage.forecast.correlated import CorrelatedForecast
from patronage.forecast.poisson_gamma import PoissonCounts
from patronage.forecast.spend import GammaGammaSpend
from patronage.horizon import Horizon
from patronage.models.btyd.bg_nbd import BGNBD
from patronage.models.btyd.correlated import Correlated
from patronage.models.btyd.estimates import estimates
from patronage.models.btyd.log_normal_spend import LogNormalSpend
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.models.btyd.sarmanov import Tilts, fit_sarmanov
from patronage.registry import Artifact, load_artifact, save_artifact
from patronage.snapshots import Snapshot, take_snapshot

HORIZON = Horizon(13, "week")
R, ALPHA, P, Q, GAMMA = 0.8, 40.0, 5.0, 4.0, 60.0


def latents(n: int, correlation: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """λ and ν of Sarmanov's density, by rejection from the independent margins."""
    tilts = Tilts(np.ones(1), np.ones(1), R, Q)
    omega, (a, b) = tilts.omega(correlation), tilts.expected
    kept: list[np.ndarray] = []
    while sum(len(one) for one in kept) < n:
        rate, level = rng.gamma(R, 1 / ALPHA, n), rng.gamma(Q, 1 / GAMMA, n)
        density = 1 + omega * (np.exp(-rate * ALPHA / R) - a) * (np.exp(-level * GAMMA / Q) - b)
        most = 1 + abs(omega)
        kept.append(np.column_stack([rate, level])[rng.random(n) * most < density])
    both = np.concatenate(kept)[:n]
    return both[:, 0], both[:, 1]


def snapshot_of(n: int, correlation: float, seed: int = 1) -> Snapshot:
    """Customers of a shop who buy for 200 days, hardly leave, and spend as they buy."""
    rng = np.random.default_rng(seed)
    rate, level = latents(n, correlation, rng)
    count = 1 + rng.poisson(rate * 200)
    who = np.repeat(np.arange(n), count)
    start = np.concatenate([[0], np.cumsum(count)[:-1]])
    day = rng.integers(1, 200, len(who))
    day[start] = 0
    table = pl.DataFrame(
        {
            "customer_id": who,
            "date": pl.Series(day, dtype=pl.Int64),
            "amount": np.maximum(rng.gamma(P, size=len(who)) / level[who], 0.01).round(4),
        }
    ).with_columns(date=pl.date(2024, 1, 1) + pl.duration(days=pl.col("date")))
    return take_snapshot(EventLog.from_frame(table, currency="EUR"), as_of=date(2024, 7, 20))


def test_the_likelihood_of_both_is_that_of_the_latents() -> None:
    """∫∫ f(λ, ν) Poisson(x | λ T) Gamma(z | ν) against L L [1 + ω A B]."""
    x, T, z, correlation = 3, 100.0, 25.0, 0.7
    rate_kernel = ((ALPHA + T) / (ALPHA + ALPHA / R + T)) ** (R + x)
    spend_kernel = ((GAMMA + z) / (GAMMA + GAMMA / Q + z)) ** (Q + P)
    tilts = Tilts(np.array([rate_kernel]), np.array([spend_kernel]), R, Q)
    A, B = tilts.kernels
    omega, (a, b) = tilts.omega(correlation), tilts.expected

    def joint(level: float, rate: float, omega: float) -> float:
        kernels = (np.exp(-rate * ALPHA / R) - a) * (np.exp(-level * GAMMA / Q) - b)
        margins = gamma_distribution.pdf(rate, R, scale=1 / ALPHA)
        margins *= gamma_distribution.pdf(level, Q, scale=1 / GAMMA)
        seen = rate**x * np.exp(-rate * T) * level**P * np.exp(-level * z)
        return float(margins * (1 + omega * kernels) * seen)

    together, apart = (
        dblquad(joint, 0, 0.4, 0, 0.6, args=(one,), epsrel=1e-7)[0] for one in (omega, 0.0)
    )
    assert together / apart == pytest.approx(float(1 + omega * A[0] * B[0]), rel=1e-4)


@pytest.mark.parametrize("correlation", [-0.6, 0.0, 0.6])
def test_the_correlation_is_recovered(correlation: float) -> None:
    snapshot = snapshot_of(6000, correlation)
    found = Correlated(BGNBD()).fit(snapshot, HORIZON).sarmanov

    assert found is not None
    assert abs(found.correlation - correlation) < 3.5 * found.standard_error
    assert found.standard_error < 0.2
    assert (found.p_value < 0.01) is (correlation != 0)
    rate, level = latents(400_000, correlation, np.random.default_rng(9))
    assert found.of_means == pytest.approx(np.corrcoef(rate, 1 / level)[0, 1], abs=0.06)


def test_latents_stay_as_they_are_alone() -> None:
    rate, level = latents(100_000, 0.9, np.random.default_rng(2))

    assert rate.mean() == pytest.approx(R / ALPHA, rel=0.02)
    assert (1 / level).mean() == pytest.approx(GAMMA / (Q - 1), rel=0.02)
    assert np.corrcoef(rate, 1 / level)[0, 1] > 0.05


def test_no_correlation_is_the_model_alone() -> None:
    tilts = Tilts(np.array([0.5, 0.9]), np.array([0.2, 0.6]), R, Q)

    assert tilts.weights(0.0) == pytest.approx(np.tile([[1.0, 0.0], [0.0, 0.0]], (2, 1, 1)))
    nothing = fit_sarmanov(Tilts(np.full(9, 0.4), np.full(9, tilts.expected[1]), R, Q), np.ones(9))
    assert (nothing.correlation, nothing.likelihood_ratio, nothing.p_value) == (0.0, 0.0, 1.0)


def test_at_zero_the_forecast_is_the_independent_one() -> None:
    fitted = Correlated(BGNBD()).fit(snapshot := snapshot_of(400, 0.5), HORIZON)
    alone, both = fitted.fitted.predict(snapshot, HORIZON), fitted.predict(snapshot, HORIZON)
    zero = CorrelatedForecast(
        *(both.customer_id, both.as_of, HORIZON, both.counts, both.spends),
        np.tile([[1.0, 0.0], [0.0, 0.0]], (len(both.customer_id), 1, 1)),
        both.cash_ratio,
    )

    assert zero.mean() == pytest.approx(alone.mean(), rel=1e-12)
    assert zero.p_alive == pytest.approx(alone.p_alive)
    assert zero.quantile([0.5, 0.9]) == pytest.approx(alone.quantile([0.5, 0.9]), rel=1e-6)
    at = alone.mean().sum(axis=1)
    assert np.array(zero.cdf(at)) == pytest.approx(np.array(alone.cdf(at)), abs=1e-9)


def mixed() -> CorrelatedForecast:
    """NBD counts of three customers with λ's gamma posterior, at two values of α and γ."""
    x, T, z = np.array([0.0, 2.0, 6.0]), np.full(3, 100.0), np.array([0.0, 70.0, 900.0])
    bound = ParetoNBD().process
    parameters = [np.array([R, ALPHA * k, 1e-3, 1e6]) for k in (1.0, 1 + 1 / R)]
    histories = bound.table(_rfm(x, T))
    counts = tuple(bound.counts(list(one), histories) for one in parameters)
    spends = tuple(GammaGammaSpend(P, Q + P * x, GAMMA * k + z) for k in (1.0, 1 + 1 / Q))
    rate = ((ALPHA + T) / (ALPHA + ALPHA / R + T)) ** (R + x)
    level = ((GAMMA + z) / (GAMMA + GAMMA / Q + z)) ** (Q + P * x)
    weights = Tilts(rate, level, R, Q).weights(0.8)
    return CorrelatedForecast(np.arange(3), date(2024, 1, 1), HORIZON, counts, spends, weights)


def _rfm(x: np.ndarray, T: np.ndarray):
    from patronage.snapshots import RFM

    return RFM(np.arange(len(x)), x, np.where(x > 0, T, 0.0), T)


def test_the_forecast_is_that_of_the_latents_given_the_history() -> None:
    """By weighing draws of λ and ν of the independent posteriors with 1 + ω φ ψ."""
    forecast, rng = mixed(), np.random.default_rng(3)
    x, z = np.array([0.0, 2.0, 6.0]), np.array([0.0, 70.0, 900.0])
    n = 400_000
    tilts = Tilts(np.ones(1), np.ones(1), R, Q)
    omega, (a, b) = tilts.omega(0.8), tilts.expected
    for row in range(3):
        rate = rng.gamma(R + x[row], 1 / (ALPHA + 100), n)
        level = rng.gamma(Q + P * x[row], 1 / (GAMMA + z[row]), n)
        weight = 1 + omega * (np.exp(-rate * ALPHA / R) - a) * (np.exp(-level * GAMMA / Q) - b)
        weight /= weight.sum()
        count = rng.poisson(rate * HORIZON.days)
        cash = rng.gamma(np.maximum(P * count, 1e-12)) / level * (count > 0)
        expected = float(weight @ (rate * HORIZON.days * P / level))
        assert forecast.mean()[row].sum() == pytest.approx(expected, rel=0.015)
        assert forecast.p_zero()[row] == pytest.approx(float(weight @ (count == 0)), abs=0.005)
        for total in (20.0, 100.0, 400.0):
            reached = forecast.take(slice(row, row + 1)).cdf(np.array([total]))[1][0]
            assert reached == pytest.approx(float(weight @ (cash <= total)), abs=0.005)


@pytest.mark.slow
def test_draws_quantiles_and_mean_of_a_correlated_forecast_agree() -> None:
    forecast = mixed()
    draws = forecast.sample(20_000, np.random.default_rng(4))
    totals = draws.sum(axis=2)

    noise = 5 * totals.std(axis=0) / np.sqrt(20_000)
    assert (np.abs(totals.mean(axis=0) - forecast.mean().sum(axis=1)) <= noise).all()
    for level in (0.5, 0.9, 0.98):
        at = forecast.quantile([level])[:, 0]
        assert (totals <= at).mean(axis=0) == pytest.approx(forecast.cdf(at)[1], abs=0.012)
        assert ((forecast.cdf(at)[1] >= level - 1e-6) | (at > 0)).all()


@pytest.mark.slow
def test_the_correlation_mends_the_total_where_frequent_buyers_spend_more() -> None:
    """Against Σ λ E[z | ν] of the latents that the shops were drawn from."""
    alone, mended = [], []
    for seed in (5, 6, 7):
        snapshot = snapshot_of(6000, 0.95, seed=seed)
        rate, level = latents(6000, 0.95, np.random.default_rng(seed))
        truth = float((rate * P / level).sum() * HORIZON.days)
        fitted = Correlated(BGNBD()).fit(snapshot, HORIZON)
        alone.append(fitted.fitted.predict(snapshot, HORIZON).mean().sum() / truth)
        mended.append(fitted.predict(snapshot, HORIZON).mean().sum() / truth)

    assert np.mean(alone) < 0.99
    assert np.mean(mended) == pytest.approx(1.0, abs=0.007)


def test_a_correlated_model_is_told_and_survives_the_disk(tmp_path) -> None:
    snapshot = snapshot_of(500, 0.5)
    fitted = Correlated(ParetoNBD()).fit(snapshot, HORIZON)
    save_artifact(
        Artifact("correlated", fitted, HORIZON, snapshot.as_of, "EUR"), tmp_path / "model"
    )
    loaded = load_artifact(tmp_path / "model").fitted

    assert np.array_equal(
        loaded.predict(snapshot, HORIZON).mean(), fitted.predict(snapshot, HORIZON).mean()
    )
    told = estimates(fitted, unit="week")
    assert told["correlation"]["p_value"] == fitted.sarmanov.p_value
    assert told["spend"]["model"] == "gamma_gamma"


def test_pooled_spend_has_no_correlation() -> None:
    table = pl.DataFrame(
        {
            "customer_id": [k // 2 for k in range(200)],
            "date": [date(2024, 1, 1 + k % 2 * (1 + k % 9)) for k in range(200)],
            "amount": [25.0] * 200,
        }
    )
    snapshot = take_snapshot(EventLog.from_frame(table, currency="EUR"), as_of=date(2024, 3, 1))
    fitted = Correlated(BGNBD()).fit(snapshot, HORIZON)

    assert fitted.sarmanov is None
    assert np.isfinite(fitted.predict(snapshot, HORIZON).mean()).all()


def test_what_cannot_be_correlated_is_refused() -> None:
    with pytest.raises(SettingsError, match="To mend"):
        Correlated(ParetoNBD(spend=LogNormalSpend()))
    with pytest.raises(SettingsError, match="To mend"):
        Correlated(ParetoNBD(spend=None))
    with pytest.raises(SettingsError, match="cash_ratio"):
        CorrelatedForecast(
            *(np.arange(1), date(2024, 1, 1), HORIZON, (PoissonCounts(np.ones(1)),) * 2),
            (GammaGammaSpend(P, np.array([Q]), np.array([GAMMA])),) * 2,
            np.ones((1, 2, 2)) / 4,
            -1.0,
        )
