"""Money per purchase: Gamma-Gamma and units."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import betaprime

from patronage.errors import SettingsError
from patronage.forecast.spend import GammaGammaSpend, UnitSpend


def test_conditional_means_of_the_first_customers_of_cdnow():
    """Gamma-Gamma at p 6.2498, q 3.7441, gamma 15.4423, without and with two purchases."""
    x, mean = np.array([0.0, 2.0]), np.array([0.0, 22.35])
    spend = GammaGammaSpend(6.2498, 3.7441 + 6.2498 * x, 15.4423 + x * mean)

    assert spend.mean() == pytest.approx([35.17, 24.65], abs=0.01)


def test_a_sum_of_purchases_is_a_scaled_beta_prime():
    spend = GammaGammaSpend(6.25, np.array([3.74, 16.2]), np.array([15.44, 400.0]))
    total = np.array([50.0, 900.0])

    expected = betaprime.cdf(total / spend.scale, 6.25 * 3, spend.shape)
    assert spend.sum_cdf(3, total) == pytest.approx(expected, rel=1e-10)


def test_density_integrates_to_the_distribution():
    spend = GammaGammaSpend(6.25, np.array([3.74]), np.array([15.44]))

    area = quad(lambda t: spend.sum_pdf(2, np.array([t]))[0], 1e-9, 80.0)[0]
    assert area == pytest.approx(spend.sum_cdf(2, np.array([80.0]))[0], rel=1e-8)


def test_the_purchases_of_one_customer_share_a_level():
    spend = GammaGammaSpend(6.25, np.array([6.0]), np.array([15.44]))
    draws = spend.sample_sums(np.full((40_000, 1, 2), 1), np.random.default_rng(0))[:, 0]

    assert draws.mean(axis=0) == pytest.approx(np.repeat(spend.mean(), 2), rel=0.03)
    # Var(E[z | nu]) : Var(z) = 1 / (1 + (q − 1) / p) at large samples.
    assert np.corrcoef(draws.T)[0, 1] == pytest.approx(6.25 / (6.25 + 5.0), abs=0.1)


def test_an_infinite_mean_is_refused():
    with pytest.raises(SettingsError, match="shape of 1 or less"):
        GammaGammaSpend(6.25, np.array([0.9]), np.array([15.0]))


def test_a_unit_is_a_unit():
    spend = UnitSpend(3)
    counts = np.arange(6).reshape(1, 3, 2)

    assert spend.take(slice(1, 3)).mean() == pytest.approx([1.0, 1.0])
    assert np.array_equal(spend.sample_sums(counts, np.random.default_rng(0)), counts)
    assert spend.sum_cdf(2, np.array([1.0, 2.0, 3.0])) == pytest.approx([0, 1, 1])
    assert spend.sum_pdf(2, np.array([1.0, 2.0, 3.0])) == pytest.approx([0, 0, 0])
