"""CompoundForecast: its exact distribution against its own draws and direct sums."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patronage.errors import SettingsError
from patronage.forecast.compound import CompoundForecast
from patronage.forecast.poisson_gamma import PoissonCounts
from patronage.forecast.spend import GammaGammaSpend, UnitSpend
from patronage.forecast.thinning import thin_counts
from patronage.horizon import Horizon

HORIZON = Horizon(13, "week")


def forecast(expected, *, cash_ratio=1.0, seen=0.0):
    expected = np.asarray(expected, float)
    n = len(expected)
    shape, scale = np.full(n, 3.74 + 6.25 * seen), np.full(n, 15.44 + seen * 30.0)
    return CompoundForecast(
        np.arange(n),
        date(2024, 1, 1),
        HORIZON,
        PoissonCounts(expected / HORIZON.days),
        GammaGammaSpend(6.25, shape, scale),
        cash_ratio,
    )


def test_mean_is_purchases_times_spend_times_ratio():
    found = forecast([2.0, 0.1], cash_ratio=0.9)

    one = 6.25 * 15.44 / 2.74
    assert found.mean().sum(axis=1) == pytest.approx([0.9 * 2 * one, 0.9 * 0.1 * one])
    assert found.n_purchases.sum(axis=1) == pytest.approx([2.0, 0.1])
    assert found.p_alive == pytest.approx([1.0, 1.0])


def test_a_quantile_is_zero_where_no_purchase_is_likelier():
    found = forecast([0.05, 0.2, 5.0]).quantile([0.5, 0.9])

    assert found[0] == pytest.approx([0.0, 0.0])
    assert found[1, 0] == 0.0
    assert found[1, 1] > 0.0
    assert np.all(found[2] > 0.0)


@given(
    st.lists(st.floats(1e-3, 60.0), min_size=1, max_size=6),
    st.floats(0.02, 0.98),
    st.floats(0.2, 1.5),
)
def test_cdf_and_quantile_are_inverse(expected, level, ratio):
    one = forecast(expected, cash_ratio=ratio)
    at = one.quantile([level])[:, 0]
    below, up_to = one.cdf(at)

    assert np.all((below <= level + 1e-7) & (up_to >= level - 1e-7))
    positive = at > 0
    assert up_to[positive] == pytest.approx(np.full(positive.sum(), level), abs=1e-7)


def test_quantiles_cover_their_own_draws():
    one = forecast([0.3, 2.0, 40.0])
    draws = one.sample(20_000, np.random.default_rng(5)).sum(axis=2)
    totals = one.sample_total(20_000, np.random.default_rng(6))

    for level in (0.8, 0.95):
        at = one.quantile([level])[:, 0]
        assert (draws <= at).mean(axis=0) == pytest.approx(one.cdf(at)[1], abs=0.01)
        assert (totals <= at).mean(axis=0) == pytest.approx(one.cdf(at)[1], abs=0.01)


@pytest.mark.parametrize("seen", [0.0, 300.0])
def test_many_purchases_are_summed_at_few_points(seen):
    """Thinned against the sum over every count, with a spend hardly and one well known."""
    one = forecast([150.0, 600.0], seen=seen)
    pmf = one.counts.pmf(HORIZON.days, 1000)
    at = one.quantile([0.2, 0.6, 0.97])

    assert len(thin_counts(pmf)) < 300
    for column in range(3):
        direct = sum(pmf[:, n] * one.spend.sum_cdf(n, at[:, column]) for n in range(1001))
        assert one.cdf(at[:, column])[1] == pytest.approx(direct, abs=2e-5)


def test_thinning_keeps_mass_mean_and_variance():
    pmf = PoissonCounts(np.array([50.0, 400.0])).pmf(1.0, 600)
    points = thin_counts(pmf)
    n = np.array([point for point, _ in points])
    mass = np.stack([each for _, each in points], axis=1)

    assert mass.sum(axis=1) == pytest.approx(pmf[:, 1:].sum(axis=1), rel=1e-12)
    assert mass @ n == pytest.approx(np.array([50.0, 400.0]), rel=1e-9)
    assert mass @ n**2 == pytest.approx(np.array([2550.0, 160_400.0]), rel=2e-5)


def test_a_negative_ratio_mirrors_the_distribution():
    plus, minus = forecast([0.5, 3.0]), forecast([0.5, 3.0], cash_ratio=-1.0)

    assert minus.quantile([0.1])[:, 0] == pytest.approx(-plus.quantile([0.9])[:, 0])
    below, up_to = minus.cdf(np.zeros(2))
    assert up_to == pytest.approx([1.0, 1.0])
    assert 1 - below == pytest.approx(np.exp([-0.5, -3.0]))


def test_a_ratio_of_zero_is_a_sure_nothing():
    nothing = forecast([0.5, 3.0], cash_ratio=0.0)

    assert np.array_equal(nothing.quantile([0.1, 0.9]), np.zeros((2, 2)))
    assert nothing.cdf(np.array([0.0, 1.0]))[0] == pytest.approx([0.0, 1.0])
    assert nothing.mean().sum() == 0.0


def test_a_ratio_that_is_no_number_is_refused():
    with pytest.raises(SettingsError, match="finite"):
        forecast([1.0], cash_ratio=float("nan"))


def test_without_money_the_total_is_the_count():
    counts = PoissonCounts(np.array([0.1, 2.0]) / HORIZON.days)
    one = CompoundForecast(np.arange(2), date(2024, 1, 1), HORIZON, counts, UnitSpend(2))
    pmf = counts.pmf(HORIZON.days, 30)

    below, up_to = one.cdf(np.array([1.0, 2.0]))
    assert below == pytest.approx([pmf[0, 0], pmf[1, :2].sum()])
    assert up_to == pytest.approx([pmf[0, :2].sum(), pmf[1, :3].sum()])
    assert np.array_equal(one.quantile([0.5, 0.95]), [[0.0, 1.0], [2.0, 5.0]])
    assert one.cdf(np.array([-1.0, 1e6]))[1] == pytest.approx([0.0, 1.0])


def test_takes_customers_with_what_is_known_of_them():
    one = forecast([0.5, 3.0, 7.0])
    whole = one.mean()

    assert np.array_equal(one.take(np.array([2, 0])).mean(), whole[[2, 0]])
    assert one.take(slice(1, 2)).quantile([0.7]) == pytest.approx(one.quantile([0.7])[1:2])
