"""Smoothed weights and k̂, on tails whose shape is known."""

import numpy as np
import pytest
from scipy.stats import genpareto

from patronage.models.fitting.psis import fit_pareto, highest_k, smoothed


@pytest.mark.parametrize("k", [-0.4, 0.1, 0.5, 0.9])
def test_the_shape_of_a_generalized_pareto_tail_is_found(k):
    rows = genpareto(k, scale=3.0).rvs((60, 400), random_state=np.random.default_rng(1))
    found, sigma = fit_pareto(np.sort(rows, axis=1))

    # The prior at 1/2 has the weight of ten observations in 410.
    expected = (400 * k + 5) / 410
    assert found.mean() == pytest.approx(expected, abs=0.03)
    assert sigma.mean() == pytest.approx(3.0, rel=0.05)


@pytest.mark.parametrize("rate", [0.9, 0.6, 0.3])
def test_k_hat_of_exponentials_is_one_minus_the_rate(rate):
    # r(x) = p / q ∝ e^((1 - rate) x) with x ~ Exp(1) is a Pareto variable of shape 1 - rate.
    x = np.random.default_rng(2).exponential(size=(40, 4000))
    log_weights, k_hat = smoothed((1 - rate) * x)

    assert k_hat.mean() == pytest.approx(1 - rate, abs=0.06)
    assert np.exp(log_weights).sum(axis=1) == pytest.approx(np.ones(40))
    if 1 - rate < 0.5:
        means = (np.exp(log_weights) * x).sum(axis=1)
        assert means.mean() == pytest.approx(1 / rate, rel=0.02)


def test_smoothing_makes_estimates_steadier_where_the_tail_is_heavy():
    x = np.random.default_rng(3).exponential(size=(300, 1000))
    smooth = (np.exp(smoothed(0.6 * x)[0]) * x).sum(axis=1)
    raw = np.exp(0.6 * x)
    raw = (raw * x).sum(axis=1) / raw.sum(axis=1)

    assert ((smooth - 2.5) ** 2).mean() < ((raw - 2.5) ** 2).mean()


def test_the_order_of_the_ratios_is_kept_and_rows_are_apart():
    ratios = np.random.default_rng(4).standard_normal((3, 500))
    together, k_hat = smoothed(ratios)

    for row in range(3):
        alone, k = smoothed(ratios[row : row + 1])
        assert alone[0] == pytest.approx(together[row], abs=1e-12)
        assert k[0] == pytest.approx(k_hat[row])
        assert (np.diff(together[row][np.argsort(ratios[row])]) >= -1e-12).all()


def test_equal_ratios_stay_equal_and_hopeless_ones_say_so():
    log_weights, k_hat = smoothed(np.zeros((1, 200)))
    assert np.exp(log_weights[0]) == pytest.approx(np.full(200, 1 / 200))
    assert k_hat[0] == -np.inf

    one = np.full((1, 200), -np.inf)
    one[0, :3] = 0.0
    log_weights, k_hat = smoothed(one)
    assert k_hat[0] == np.inf
    assert np.exp(log_weights[0]).sum() == pytest.approx(1.0)


def test_fewer_draws_are_trusted_less():
    assert highest_k(100) == pytest.approx(0.5)
    assert highest_k(1000) == pytest.approx(2 / 3)
    assert highest_k(100_000) == pytest.approx(0.7)
