"""The likelihoods: published values, brute force, and their derivatives."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import gammaln

from patronage.models.likelihoods import bg_nbd, gamma_gamma, mbg_nbd, pareto_nbd
from patronage.models.likelihoods.bg_bb import BGBBLikelihood
from patronage.models.likelihoods.exposure import exposure_nodes
from patronage.models.likelihoods.gamma_gamma import GammaGammaLikelihood, Spends
from patronage.models.likelihoods.ggompertz_nbd import GGompertzNBDLikelihood
from patronage.models.likelihoods.histories import Histories
from patronage.models.likelihoods.nbd import NBDLikelihood
from patronage.models.likelihoods.opportunities import Opportunities

BTYD = {
    "bg_nbd": (bg_nbd.BGNBDLikelihood(), bg_nbd.log_likelihood, (0.24, 4.4, 0.79, 2.4)),
    "mbg_nbd": (mbg_nbd.MBGNBDLikelihood(), mbg_nbd.log_likelihood, (0.52, 6.2, 0.89, 1.6)),
    "pareto_nbd": (
        pareto_nbd.ParetoNBDLikelihood(),
        pareto_nbd.log_likelihood,
        (0.55, 10.6, 0.61, 11.7),
    ),
    "pareto_nbd, beta < alpha": (
        pareto_nbd.ParetoNBDLikelihood(),
        pareto_nbd.log_likelihood,
        (0.55, 20.6, 0.61, 5.0),
    ),
}


def histories(n: int = 700, seed: int = 1) -> Histories:
    rng = np.random.default_rng(seed)
    x = rng.poisson(rng.gamma(0.5, 4, n)).astype(float)
    T = rng.integers(1, 40, n).astype(float)
    t_x = np.where(x > 0, np.ceil(T * rng.random(n)), 0.0)
    t_x[:9] = np.where(x[:9] > 0, T[:9], 0.0)
    T[-3:], x[-3:], t_x[-3:] = 0.0, 0.0, 0.0
    x[10], t_x[10] = 400.0, T[10] / 2
    return Histories(x, t_x, T, rng.integers(1, 5, n).astype(float))


def spends(n: int = 500, seed: int = 2) -> Spends:
    rng = np.random.default_rng(seed)
    x = rng.poisson(1.5, n).astype(float)
    level = 1 / rng.gamma(3.7, 1 / 15, n)
    mean = np.where(x > 0, rng.gamma(6 * np.maximum(x, 1)) / np.maximum(x, 1) * level, 0.0)
    first = np.where((x == 0) | (rng.random(n) < 0.7), rng.gamma(6.0, size=n) * level, 0.0)
    return Spends(x, mean, rng.integers(1, 5, n).astype(float), first)


def opportunities(n_rows: int = 500, seed: int = 3) -> Opportunities:
    rng = np.random.default_rng(seed)
    n = rng.integers(0, 12, n_rows).astype(float)
    x = np.floor(n * rng.random(n_rows))
    t_x = np.where(x > 0, x + np.floor((n - x + 1) * rng.random(n_rows)), 0.0)
    n[-1], x[-1], t_x[-1] = 400.0, 90.0, 350.0
    return Opportunities(x, t_x, n, rng.integers(1, 5, n_rows).astype(float))


GOMPERTZ = {
    "ggompertz_nbd": (0.55, 10.6, 0.03, 0.61, 0.4),
    "ggompertz_nbd, nearly pareto_nbd": (0.55, 20.0, 1e-9, 0.61, 1e-8),
    "ggompertz_nbd, dying late": (0.8, 5.0, 0.2, 1.3, 50.0),
    "ggompertz_nbd, beyond the growth": (0.5, 10.0, 2.0, 0.1, 20.0),
}


def differences(function: Callable[[Any], Any], at: np.ndarray, step: float = 1e-5) -> np.ndarray:
    units = step * np.eye(len(at))
    return np.array([(function(at + u) - function(at - u)) / (2 * step) for u in units])


def cases() -> list[Any]:
    found = [pytest.param(like, histories(), np.log(p), id=k) for k, (like, _, p) in BTYD.items()]
    gg, theta = GammaGammaLikelihood(), np.log([5.0, 3.0, 14.0])
    seen = spends()
    means = seen.take(seen.n > 0)
    means = Spends.of_means(means.n, means.mean, means.weight)
    gompertz = GGompertzNBDLikelihood()
    return [
        *found,
        *(pytest.param(gompertz, histories(), np.log(p), id=k) for k, p in GOMPERTZ.items()),
        pytest.param(NBDLikelihood(), histories(), np.log([0.5, 4.0]), id="nbd"),
        pytest.param(BGBBLikelihood(), opportunities(), np.log([1.2, 0.7, 0.6, 2.8]), id="bg_bb"),
        pytest.param(gg, seen, theta, id="gamma_gamma with first amounts"),
        pytest.param(gg, means, theta, id="gamma_gamma"),
    ]


@pytest.mark.parametrize(("likelihood", "table", "theta"), cases())
def test_gradient_and_hessian_agree_with_finite_differences(likelihood, table, theta):
    found = likelihood.moments(theta, table)

    gradient = differences(lambda t: likelihood.moments(t, table).value, theta)
    hessian = differences(lambda t: likelihood.moments(t, table).gradient, theta)
    scale = np.abs(found.hessian).max()
    assert found.gradient == pytest.approx(gradient, abs=1e-8 * scale, rel=1e-6)
    assert found.hessian == pytest.approx(hessian, abs=1e-8 * scale, rel=1e-6)


@pytest.mark.parametrize(("likelihood", "table", "theta"), cases())
def test_rows_sum_to_the_moments_of_the_table(likelihood, table, theta):
    rows = likelihood.row_moments(np.tile(theta, (len(table.weight), 1)), table)
    found = likelihood.moments(theta, table)

    assert found.value == pytest.approx(table.weight @ rows.value, rel=1e-12)
    assert found.gradient == pytest.approx(table.weight @ rows.gradient, abs=1e-8)
    hessian = np.einsum("r,rij->ij", table.weight, rows.hessian)
    assert found.hessian == pytest.approx(hessian, rel=1e-9, abs=1e-8)


@pytest.mark.parametrize(("likelihood", "table", "theta"), cases())
def test_each_row_may_have_its_own_parameters(likelihood, table, theta):
    rng = np.random.default_rng(3)
    own = theta + 0.3 * rng.standard_normal((len(table.weight), len(theta)))
    rows = likelihood.row_moments(own, table)

    some = [0, 5, 10, 77, len(table.weight) - 1]
    for row in some:
        one = table.take(np.arange(len(table.weight)) == row)
        alone = likelihood.moments(own[row], one)
        assert table.weight[row] * rows.value[row] == pytest.approx(float(alone.value), rel=1e-11)
        assert table.weight[row] * rows.gradient[row] == pytest.approx(alone.gradient, abs=1e-9)
        expected = pytest.approx(alone.hessian, rel=1e-9, abs=1e-9)
        assert table.weight[row] * rows.hessian[row] == expected


@pytest.mark.parametrize("name", BTYD)
def test_moments_value_is_the_public_log_likelihood(name):
    likelihood, log_likelihood, parameters = BTYD[name]
    table = histories()
    value = table.weight @ log_likelihood(*parameters, table.x, table.t_x, table.T)

    assert likelihood.moments(np.log(parameters), table).value == pytest.approx(value, rel=1e-13)


@given(
    r=st.floats(0.05, 5),
    alpha=st.floats(0.5, 100),
    s=st.floats(0.05, 5),
    beta=st.floats(0.5, 200),
    x=st.integers(0, 60),
    T=st.floats(0.1, 300),
    share=st.floats(0, 1),
)
def test_pareto_nbd_agrees_with_adaptive_integration(r, alpha, s, beta, x, T, share):
    t_x = T * share if x else 0.0

    def integrand(y: float) -> float:
        log = -(r + x) * np.log((alpha + y) / (alpha + t_x))
        return float(np.exp(log - (s + 1) * np.log((beta + y) / (beta + t_x))))

    middle = [t_x + (T - t_x) * k for k in (0.001, 0.01, 0.1)]
    integral, _ = quad(integrand, t_x, T, epsabs=0, epsrel=1e-11, limit=400, points=middle)
    alive = -(r + x) * np.log((alpha + T) / (alpha + t_x)) - s * np.log(beta + T)
    died = np.log(s) - (s + 1) * np.log(beta + t_x) + np.log(max(integral, 1e-300))
    expected = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    expected += np.logaddexp(alive, died) - (r + x) * np.log(alpha + t_x)

    found = pareto_nbd.log_likelihood(
        r, alpha, s, beta, np.array([float(x)]), np.array([t_x]), np.array([T])
    )
    assert found == pytest.approx([expected], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("parameters", "x", "t_x", "T"),
    [
        ((0.55, 10.58, 0.61, 11.67), (132, 133), (200, 200), (200, 200)),
        ((10.465, 0.00798565181, 3.0516, 2.820), (400, 500, 500), (5, 1, 4), (6, 37, 37)),
        ((0.5143, 2.8845, 0.2856, 14.1087), (221, 161), (103.42857, 94.71429), (103.57143, 98)),
        ((0.55, 10.58, 0.61, 11.67), (5000, 0, 0), (40, 0, 0), (41, 0, 1e7)),
        ((1e-5, 1e-5, 1e-5, 1e5), (0, 1, 90), (0, 5, 10), (9, 9, 10)),
        ((1e5, 1e6, 1e5, 1e6), (0, 1, 90), (0, 5, 10), (9, 9, 10)),
    ],
)
def test_all_likelihoods_stay_finite_where_others_overflow(parameters, x, t_x, T):
    columns = [np.array(column, dtype=float) for column in (x, t_x, T)]
    table = Histories(*columns, np.ones(len(x)))

    for likelihood, log_likelihood, _ in BTYD.values():
        assert np.isfinite(log_likelihood(*parameters, *columns)).all()
        for part in likelihood.moments(np.log(parameters), table):
            assert np.isfinite(part).all()


def test_exposure_weights_integrate_a_power_exactly():
    """∫ (alpha+y)^-(n) dy has a closed form where the other factor is flat."""
    alpha, n, t_x, T = 7.0, np.array([1.5, 6.0, 250.0]), np.array([0.0, 3.0, 9.0]), np.full(3, 50.0)

    y, log_weight, log_width = exposure_nodes(alpha, 1e12, n, 1.0, t_x, T)
    terms = log_weight + log_width - n * np.log((alpha + y) / (alpha + t_x))
    closed = (alpha + t_x) / (n - 1) * -np.expm1((1 - n) * np.log((alpha + T) / (alpha + t_x)))
    assert np.exp(terms).sum(axis=0) == pytest.approx(closed, rel=1e-12)


def test_gamma_gamma_is_a_density_in_the_mean_spend():
    def density(mean: float) -> float:
        row = Spends.of_means(np.array([3.0]), np.array([mean]), np.ones(1))
        return float(np.exp(gamma_gamma.log_likelihood(6.25, 3.74, 15.44, row)[0]))

    total, _ = quad(density, 1e-6, 1e4, points=[10, 40, 200], limit=200)
    assert total == pytest.approx(1, abs=1e-6)


def test_first_amount_and_mean_are_a_joint_density():
    """Integrated over the mean of the repeats, what is left is the density of the first amount."""
    first = np.array([22.0])

    def density(mean: float) -> float:
        row = Spends(np.array([2.0]), np.array([mean]), np.ones(1), first)
        return float(np.exp(gamma_gamma.log_likelihood(4.0, 4.3, 28.0, row)[0]))

    total, _ = quad(density, 1e-6, 1e4, points=[10, 40, 200], limit=200)
    alone = gamma_gamma.log_likelihood(
        4.0, 4.3, 28.0, Spends.of_means(np.ones(1), first, np.ones(1))
    )
    assert total == pytest.approx(float(np.exp(alone[0])), rel=1e-6)
