"""Money per purchase beyond Gamma-Gamma: laws of every form, and what each is known to be."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import betabinom, lognorm, norm

from patronage.errors import SettingsError
from patronage.forecast import (
    AbstractSpend,
    CompoundForecast,
    GammaGammaSpend,
    LogNormalSpend,
    NormalSpend,
    ZeroInflatedSpend,
)
from patronage.forecast.log_normal_sums import log_normal_sums
from patronage.forecast.poisson_gamma import PoissonCounts
from patronage.horizon import Horizon

HORIZON = Horizon(13, "week")
VARIANCE = np.array([0.4, 0.05, 1e-4])
LOCATION = np.log([20.0, 50.0, 8.0])


def forms() -> dict[str, AbstractSpend]:
    log_normal = LogNormalSpend(0.6, LOCATION, VARIANCE)
    return {
        "log-normal": log_normal,
        "free log-normal": ZeroInflatedSpend(log_normal, np.full(3, 4.0), np.array([1, 0.5, 9.0])),
        "free gamma-gamma": ZeroInflatedSpend(
            GammaGammaSpend(6.25, np.full(3, 5.0), np.array([15.0, 80, 4])),
            np.full(3, 2.0),
            np.ones(3),
        ),
        "normal": NormalSpend(12.0, np.array([20.0, 1.0, -6.0]), np.array([30.0, 4.0, 90.0])),
    }


def forecast(spend: AbstractSpend, expected: float = 2.0, ratio: float = 1.0) -> CompoundForecast:
    counts = PoissonCounts(np.full(3, expected) / HORIZON.days)
    return CompoundForecast(np.arange(3), date(2024, 1, 1), HORIZON, counts, spend, ratio)


@pytest.mark.parametrize("name", forms())
@pytest.mark.parametrize("n", [1, 3])
def test_the_density_of_a_sum_is_the_slope_of_its_distribution(name: str, n: int) -> None:
    spend = forms()[name]
    for at in (5.0, 30.0, 140.0):
        step = 1e-3 * at
        ends = [spend.sum_cdf(n, np.full(3, at + s)) for s in (-step, step)]
        slope = (ends[1] - ends[0]) / (2 * step)
        assert spend.sum_pdf(n, np.full(3, at)) == pytest.approx(slope, rel=5e-3, abs=1e-5)


@pytest.mark.parametrize("name", forms())
@pytest.mark.parametrize("n", [1, 4])
def test_draws_of_a_sum_have_its_mean_and_distribution(name: str, n: int) -> None:
    spend, rng = forms()[name], np.random.default_rng(1)
    sums = spend.sample_sums(np.full((40_000, 3, 1), n), rng)[:, :, 0]
    each = spend.sample_each(np.full(120_000, n), np.tile(np.arange(3), 40_000), rng).reshape(-1, 3)

    for draws in (sums, each):
        noise = 5 * draws.std(axis=0) / 200
        assert (np.abs(draws.mean(axis=0) - n * spend.mean()) <= noise).all()
        for level in (0.1, 0.5, 0.95):
            at = np.quantile(draws, level, axis=0)
            below = spend.sum_cdf(n, at)
            assert (below >= level - 0.01).all()
            # Where nothing was paid, all of the atom is reached at once.
            assert ((below <= level + 0.01) | (at <= 1e-9)).all()


@pytest.mark.parametrize("name", forms())
def test_the_levels_of_one_customer_are_shared_by_all_periods(name: str) -> None:
    spend = forms()[name].take(slice(0, 1))
    draws = spend.sample_sums(np.full((30_000, 1, 2), 1), np.random.default_rng(3))[:, 0]
    apart = spend.sample_sums(np.full((30_000, 1, 1), 2), np.random.default_rng(4))[:, 0, 0]

    # Two purchases in two periods are as unsure together as two in one.
    assert draws.sum(axis=1).std() == pytest.approx(apart.std(), rel=0.06)


@pytest.mark.slow
@pytest.mark.parametrize("name", forms())
@settings(max_examples=15)
@given(st.floats(0.05, 30.0), st.floats(0.02, 0.98), st.sampled_from([0.7, 1.0, -1.0]))
def test_quantile_and_distribution_of_cash_are_inverse(name, expected, level, ratio) -> None:
    one = forecast(forms()[name], expected, ratio)
    at = one.quantile([level])[:, 0]

    width = 1e-6 * (1 + np.abs(at))
    assert (one.cdf(at - width)[0] <= level + 1e-5).all()
    assert (one.cdf(at + width)[1] >= level - 1e-5).all()


@pytest.mark.parametrize("name", forms())
def test_draws_of_cash_agree_with_its_quantiles_and_its_mean(name: str) -> None:
    one = forecast(forms()[name])
    draws = one.sample(20_000, np.random.default_rng(5)).sum(axis=2)
    totals = one.sample_total(20_000, np.random.default_rng(6))

    for drawn in (draws, totals):
        noise = 5 * drawn.std(axis=0) / np.sqrt(20_000)
        assert (np.abs(drawn.mean(axis=0) - one.mean().sum(axis=1)) <= noise).all()
        assert (drawn <= 0).mean(axis=0) == pytest.approx(one.p_zero(), abs=0.015)
        for level in (0.05, 0.5, 0.9):
            at = one.quantile([level])[:, 0]
            low, high = one.cdf(at)
            assert ((drawn < at).mean(axis=0) <= high + 0.015).all()
            assert ((drawn <= at).mean(axis=0) >= low - 0.015).all()


@pytest.mark.parametrize("name", forms())
def test_a_part_of_the_customers_has_its_part_of_the_answer(name: str) -> None:
    one = forecast(forms()[name])
    rows = np.array([2, 0])

    assert one.take(rows).quantile([0.9]) == pytest.approx(one.quantile([0.9])[rows])
    assert one.take(rows).mean() == pytest.approx(one.mean()[rows])


def test_customers_who_differ_by_scale_share_a_quantile() -> None:
    spend = LogNormalSpend(0.6, np.log([1.0, 7.0, 100.0]), np.full(3, 0.2))

    found = forecast(spend).quantile([0.9])[:, 0]
    assert found == pytest.approx(found[0] * np.array([1.0, 7.0, 100.0]))


@pytest.mark.parametrize("sigma", [0.05, 0.3, 0.6, 1.0, 1.5, 2.5])
def test_a_sum_of_one_log_normal_is_that_log_normal(sigma: float) -> None:
    y = np.linspace(-6 * sigma, 6 * sigma, 501)

    assert log_normal_sums(sigma, 1.0).cdf(y) == pytest.approx(norm.cdf(y / sigma), abs=5e-6)


@pytest.mark.parametrize(("sigma", "n"), [(0.3, 2), (0.6, 7), (1.0, 30), (1.5, 5), (2.0, 60)])
def test_sums_of_log_normals_have_their_mean_and_variance(sigma: float, n: int) -> None:
    """Of e^y, whose mean and variance are known; the far tail carries them where sigma is large."""
    y, mass = log_normal_sums(sigma, float(n)).points
    total = np.exp(y)

    assert mass @ total == pytest.approx(n * np.exp(sigma**2 / 2), rel=1e-3)
    if sigma <= 1:
        variance = n * np.expm1(sigma**2) * np.exp(sigma**2)
        assert mass @ total**2 - (mass @ total) ** 2 == pytest.approx(variance, rel=1e-3)


@pytest.mark.parametrize("sigma", [0.4, 1.0, 1.5])
def test_two_log_normals_are_summed_as_by_integration(sigma: float) -> None:
    one = lognorm(sigma)
    for total in (0.3, 1.5, 3.0, 20.0):
        points = [total * share for share in (1e-3, 1e-2, 0.1, 0.5, 0.9, 0.99)]
        expected, _ = quad(
            lambda x, t=total: one.pdf(x) * one.cdf(t - x), 0, total, points=points, limit=300
        )
        found = log_normal_sums(sigma, 2.0).cdf(np.log([total]))[0]
        assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("variance", [1e-4, 0.02, 0.3, 2.0])
@pytest.mark.parametrize("n", [2, 12, 45.5])
def test_an_unknown_level_is_mixed_as_by_integration(variance: float, n: float) -> None:
    spend, sums = (
        LogNormalSpend(0.7, np.zeros(1), np.array([variance])),
        log_normal_sums(0.7, float(n)),
    )
    nodes = np.linspace(-8, 8, 4001)
    weight = norm.pdf(nodes) / norm.pdf(nodes).sum()

    for y in sums.grid[[20, 45, 70]]:
        expected = weight @ sums.cdf(y - np.sqrt(variance) * nodes)
        assert spend.sum_cdf(n, np.exp([y]))[0] == pytest.approx(expected, abs=2e-6)


def test_one_log_normal_for_the_sum_would_be_wrong_in_the_tail() -> None:
    """Fenton and Wilkinson's, with the same two moments: why the sum is not approximated so."""
    sigma, n = 1.5, 5
    spread = np.sqrt(np.log1p(np.expm1(sigma**2) / n))
    middle = np.log(n) + sigma**2 / 2 - spread**2 / 2
    y = log_normal_sums(sigma, float(n)).inverse(np.array([0.05]))

    assert norm.cdf((y - middle) / spread)[0] > 0.09


def test_free_purchases_are_beta_binomial() -> None:
    spend = forms()["free gamma-gamma"].take(slice(0, 1))
    sure = np.zeros((1, 8))
    sure[0, 7] = 1.0

    assert spend.paying(sure)[0][0] == pytest.approx(betabinom.pmf(np.arange(8), 7, 2.0, 1.0))


def test_nothing_is_certain_not_to_be_paid_when_all_may_be_free() -> None:
    one = forecast(forms()["free gamma-gamma"])
    pmf = one.counts.pmf(HORIZON.days, 40)
    all_free = sum(pmf[:, n] * betabinom.pmf(0, n, 2.0, 1.0) for n in range(41))

    assert one.p_zero() == pytest.approx(all_free)
    assert (one.p_zero() > pmf[:, 0]).all()


def test_money_that_may_be_lost_has_negative_quantiles() -> None:
    one = forecast(forms()["normal"])

    low, high = one.quantile([0.05, 0.95]).T
    assert low[2] < 0 < high[0]
    assert one.mean()[2].sum() < 0
    below, up_to = one.cdf(np.zeros(3))
    assert up_to - below == pytest.approx(np.full(3, np.exp(-2.0)))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: LogNormalSpend(0.0, np.zeros(1), np.ones(1)),
        lambda: LogNormalSpend(0.5, np.array([np.nan]), np.ones(1)),
        lambda: LogNormalSpend(0.5, np.array([800.0]), np.ones(1)),
        lambda: NormalSpend(1.0, np.array([np.inf]), np.ones(1)),
        lambda: ZeroInflatedSpend(
            NormalSpend(1.0, np.zeros(1), np.ones(1)), np.ones(1), np.ones(1)
        ),
        lambda: ZeroInflatedSpend(
            LogNormalSpend(0.5, np.zeros(1), np.ones(1)), np.zeros(1), np.ones(1)
        ),
    ],
)
def test_what_is_no_spend_is_refused(wrong) -> None:
    with pytest.raises(SettingsError, match="To mend"):
        wrong()
