"""Likelihoods of the spend family: brute force over the latent level, and their derivatives."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import betabinom, gamma, multivariate_normal, norm

from patronage.models.likelihoods.amounts import Amounts
from patronage.models.likelihoods.beta_binomial import BetaBinomialLikelihood, Shares
from patronage.models.likelihoods.gamma_gamma_amounts import GammaGammaAmountsLikelihood
from patronage.models.likelihoods.normal_levels import (
    LogNormalLevelsLikelihood,
    NormalLevelsLikelihood,
)


def amounts_of(rows: list[list[float]], *, logarithmic: bool, means_only: bool = False) -> Amounts:
    y = [np.log(row) if logarithmic else np.array(row, dtype=float) for row in rows]
    n = np.array([len(row) for row in rows], dtype=float)
    return Amounts(
        n,
        np.array([each.mean() for each in y]),
        np.array([0.0 if means_only else ((each - each.mean()) ** 2).sum() for each in y]),
        0.0 * n if means_only else n - 1,
        np.array([float(sum(row)) for row in rows]),
        np.arange(1.0, len(rows) + 1),
        logarithmic,
    )


ROWS = [[3.0], [9.0, 4.0], [30.0, 45.0, 20.0, 90.0], [12.0, 12.0, 13.0]]
SIGNED = [[3.0], [-9.0, 4.0], [30.0, -45.0, 20.0, 90.0], [-12.0, 12.0, 13.0]]
SHARES = Shares(np.array([0.0, 3, 5, 1]), np.array([2.0, 0, 4, 1]), np.array([1.0, 2, 3, 4]))
CASES = [
    (LogNormalLevelsLikelihood(), amounts_of(ROWS, logarithmic=True), np.log([9.0, 0.5, 0.8])),
    (GammaGammaAmountsLikelihood(), amounts_of(ROWS, logarithmic=True), np.log([2.0, 3.0, 14.0])),
    (NormalLevelsLikelihood(), amounts_of(SIGNED, logarithmic=False), np.log([14.0, 20, 9])),
    (
        NormalLevelsLikelihood(),
        amounts_of(SIGNED, logarithmic=False, means_only=True),
        np.log([14.0, 20, 9]),
    ),
    (BetaBinomialLikelihood(), SHARES, np.log([3.0, 0.7])),
]


@pytest.mark.parametrize(("likelihood", "table", "theta"), CASES)
def test_derivatives_agree_with_finite_differences(likelihood, table, theta) -> None:
    found = likelihood.moments(theta, table)
    steps = 1e-5 * np.eye(len(theta))

    def slope(of):
        return np.array([(of(theta + u) - of(theta - u)) / 2e-5 for u in steps])

    assert found.value == pytest.approx(table.weight @ likelihood.log_likelihood(theta, table))
    gradient = slope(lambda t: likelihood.moments(t, table).value)
    assert found.gradient == pytest.approx(gradient, rel=1e-6, abs=1e-6)
    hessian = slope(lambda t: likelihood.moments(t, table).gradient)
    assert found.hessian == pytest.approx(hessian, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(("likelihood", "table", "theta"), CASES)
def test_other_money_shifts_the_likelihood_by_its_power(likelihood, table, theta) -> None:
    """Density of money in cents is a hundredth of that in euros, for each amount that is seen."""
    cents = table.rescaled(0.01)
    unit = np.array(likelihood.unit_bearing) * np.log(100.0)
    if isinstance(likelihood, NormalLevelsLikelihood):
        likelihood_of_cents = NormalLevelsLikelihood(likelihood.offset * 100)
    else:
        likelihood_of_cents = likelihood

    shifted = likelihood_of_cents.moments(theta + unit, cents).value
    expected = likelihood.moments(theta, table).value - table.unit_power * np.log(100.0)
    assert shifted == pytest.approx(expected, rel=1e-10)


def test_log_normal_amounts_are_integrated_over_the_level() -> None:
    level, sigma, tau = 9.0, 0.5, 0.8
    found = LogNormalLevelsLikelihood().log_likelihood(
        np.log([level, sigma, tau]), amounts_of(ROWS, logarithmic=True)
    )

    for row, value in zip(ROWS, found, strict=True):

        def joint(m: float, row: list[float] = row) -> float:
            y = np.log(row)
            density = norm.pdf(y, m, sigma) / np.array(row)
            return float(norm.pdf(m, np.log(level), tau) * density.prod())

        total, _ = quad(joint, -5, 10, points=[1, 2, 3, 4], epsabs=1e-300, epsrel=1e-9, limit=200)
        assert value == pytest.approx(np.log(total), rel=1e-8)


def test_gamma_gamma_amounts_are_integrated_over_the_level() -> None:
    p, q, rate = 2.0, 3.0, 14.0
    found = GammaGammaAmountsLikelihood().log_likelihood(
        np.log([p, q, rate]), amounts_of(ROWS, logarithmic=True)
    )

    for row, value in zip(ROWS, found, strict=True):

        def joint(nu: float, row: list[float] = row) -> float:
            each = gamma.pdf(np.array(row), p, scale=1 / nu)
            return float(gamma.pdf(nu, q, scale=1 / rate) * each.prod())

        total, _ = quad(joint, 0, 5, points=[0.05, 0.1, 0.5], epsabs=1e-300, epsrel=1e-9, limit=300)
        assert value == pytest.approx(np.log(total), rel=1e-7)


def test_normal_amounts_are_jointly_normal() -> None:
    mean, sigma, tau = 4.0, 20.0, 9.0
    theta = np.log([mean + 10, sigma, tau])
    found = NormalLevelsLikelihood().log_likelihood(theta, amounts_of(SIGNED, logarithmic=False))
    means = NormalLevelsLikelihood().log_likelihood(
        theta, amounts_of(SIGNED, logarithmic=False, means_only=True)
    )

    for row, value, of_mean in zip(SIGNED, found, means, strict=True):
        n = len(row)
        covariance = sigma**2 * np.eye(n) + tau**2
        expected = multivariate_normal(np.full(n, mean), covariance).logpdf(row)
        assert value == pytest.approx(expected, rel=1e-10)
        spread = np.sqrt(tau**2 + sigma**2 / n)
        assert of_mean == pytest.approx(norm.logpdf(np.mean(row), mean, spread), rel=1e-10)


def test_shares_are_beta_binomial_in_order() -> None:
    from scipy.special import comb

    found = BetaBinomialLikelihood().log_likelihood(np.log([3.0, 0.7]), SHARES)
    n = SHARES.paid + SHARES.free
    expected = betabinom.logpmf(SHARES.paid, n, 3.0, 0.7) - np.log(comb(n, SHARES.paid))

    assert found == pytest.approx(expected, rel=1e-10)
