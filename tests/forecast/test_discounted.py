"""Discounted sums and waiting times that follow from any counts, against formulas."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from patronage.errors import SettingsError
from patronage.forecast.counts import AbstractCounts
from patronage.forecast.discounted import bracketed, discount_per_day
from patronage.forecast.next_purchase import quantiles_of_time
from patronage.forecast.poisson_gamma import PoissonCounts


class FadingCounts(AbstractCounts):
    """A rate of each row's own that halves every so many days, after a rise where it is asked for.

    The rate is rate × (1 − rise × e^(−u / 30)) × 2^(−u / half_life), Poisson.
    """

    def __init__(self, rate, half_life, rise=0.0):
        self.rate, self.k = np.asarray(rate, float), np.log(2) / np.asarray(half_life, float)
        self.rise = rise

    @property
    def p_alive(self):
        return np.ones_like(self.rate)

    def until(self, days, delta=0.0):
        k, rise = self.k[:, None] + delta, self.k[:, None] + delta + 1 / 30
        whole = -np.expm1(-k * days) / k - self.rise * -np.expm1(-rise * days) / rise
        return self.rate[:, None] * whole

    def mean(self, edges):
        return np.diff(self.until(edges), axis=1)

    def pmf(self, days, n_max):
        n = np.arange(n_max + 1)
        expected = self.until(np.array([days]))
        factorial = np.array([1.0, *np.cumprod(n[1:].astype(float))])
        return np.exp(-expected) * expected**n / factorial

    def sample(self, edges, n_draws, rng):
        return rng.poisson(self.mean(edges), size=(n_draws, len(self.rate), len(edges) - 1))

    def take(self, rows):
        return FadingCounts(self.rate[rows], (np.log(2) / self.k)[rows], self.rise)


@given(
    st.floats(1e-4, 5.0),
    st.floats(3.0, 5000.0),
    st.floats(0.005, 3.0),
    st.floats(1.0, 40_000.0) | st.just(np.inf),
    st.sampled_from([1e-2, 1e-3, 1e-4]),
)
def test_a_discounted_sum_is_as_near_as_it_says(rate, half_life, annual, days, tolerance):
    counts = FadingCounts([rate], [half_life])
    delta = discount_per_day(annual)

    found = counts.dert(annual, days=days, tolerance=tolerance)

    exact = counts.until(np.array([days]), delta)[:, 0]
    assert found == pytest.approx(exact, rel=tolerance)


@pytest.mark.parametrize("days", [90.0, 2000.0, np.inf])
def test_a_rate_that_rises_before_it_falls_is_bounded_too(days):
    counts = FadingCounts([0.1, 0.01], [400.0, 90.0], rise=0.9)
    delta = discount_per_day(0.12)

    found = bracketed(counts, delta, days, 1e-4)

    assert found == pytest.approx(counts.until(np.array([days]), delta)[:, 0], rel=1e-4)


def test_what_is_out_of_reach_is_said():
    with pytest.raises(SettingsError, match="larger tolerance"):
        FadingCounts([0.1], [400.0]).dert(0.1, tolerance=1e-13)


def test_a_rate_of_nothing_has_no_value():
    assert PoissonCounts(np.zeros(2)).dert(0.1).tolist() == [0.0, 0.0]


def test_a_poisson_customer_for_ever_is_worth_the_rate_over_the_discount():
    found = PoissonCounts(np.array([0.1, 2.0])).dert(0.1, tolerance=1e-5)

    assert found == pytest.approx(np.array([0.1, 2.0]) * 365.25 / np.log(1.1), rel=1e-5)


def test_without_discount_a_finite_time_is_the_expectation_and_an_infinite_one_refused():
    counts = PoissonCounts(np.array([0.1]))

    assert counts.dert(0.0, days=10.0) == pytest.approx([1.0])
    with pytest.raises(SettingsError, match="no finite expectation"):
        counts.dert(0.0)


@pytest.mark.parametrize("rate", [-0.01, np.nan, np.inf])
def test_a_discount_rate_that_makes_later_dearer_is_refused(rate):
    with pytest.raises(SettingsError, match="annual_discount_rate"):
        PoissonCounts(np.array([0.1])).dert(rate)


@pytest.mark.parametrize("days", [0.0, -1.0, np.nan])
def test_a_time_that_is_none_is_refused(days):
    with pytest.raises(SettingsError, match="days above 0"):
        PoissonCounts(np.array([0.1])).dert(0.1, days=days)


@given(st.floats(1e-3, 10.0), st.floats(0.01, 0.99))
def test_the_wait_of_a_poisson_customer_is_exponential(rate, level):
    found = PoissonCounts(np.array([rate])).next_purchase([level])

    assert found[0, 0] == pytest.approx(-np.log1p(-level) / rate, rel=2e-5)


def test_a_wait_may_have_no_end():
    found = quantiles_of_time(lambda t: 0.4 * -np.expm1(-t / 50)[None, :], [0.2, 0.39, 0.41])

    assert found[0, :2] == pytest.approx(-50 * np.log1p([-0.5, -0.39 / 0.4]), rel=1e-5)
    assert np.isinf(found[0, 2])


def test_quantiles_of_purchases_are_those_of_the_poisson():
    found = PoissonCounts(np.array([0.02, 1.0])).quantile(100.0, [0.05, 0.5, 0.95])

    assert found.tolist() == [[0, 2, 5], [84, 100, 117]]


@pytest.mark.parametrize("level", [0.0, 1.0, 90.0])
def test_a_level_is_a_probability_and_neither_nothing_nor_all(level):
    with pytest.raises(SettingsError, match="levels"):
        PoissonCounts(np.array([0.1])).quantile(10.0, [level])


def test_whoever_may_never_return_is_told_apart():
    counts = FadingCounts([0.01], [100.0])

    lasting = quad(lambda u: 0.01 * 2 ** (-u / 100), 0, np.inf)[0]
    assert counts.p_never == pytest.approx([np.exp(-lasting)], rel=1e-9)
    assert counts.p_active(np.array([30.0, 60.0])) == pytest.approx(
        1 - np.exp(-counts.until(np.array([30.0, 60.0])))
    )
