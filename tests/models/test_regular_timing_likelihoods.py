"""Likelihoods of regular timing: brute force over the definition, derivatives, limits and laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import gammaincc, gammaln
from scipy.stats import beta as beta_law
from scipy.stats import gamma as gamma_law

from patronage.models.fitting.compaction import compact
from patronage.models.likelihoods import pareto_ggg, pareto_ggg_nodes
from patronage.models.likelihoods.base import Roughened
from patronage.models.likelihoods.beta_geometric_erlang import BetaGeometricErlangLikelihood
from patronage.models.likelihoods.bg_nbd import BGNBDLikelihood
from patronage.models.likelihoods.gap_shape import fit_shape, shape_log_likelihood
from patronage.models.likelihoods.mbg_nbd import MBGNBDLikelihood
from patronage.models.likelihoods.pareto_ggg import ParetoGGGLikelihood
from patronage.models.likelihoods.pareto_nbd import ParetoNBDLikelihood
from patronage.models.likelihoods.timed_histories import TimedHistories

GGG = ParetoGGGLikelihood()
CASES = {
    "bg_cnbd_2": (BetaGeometricErlangLikelihood(2, False), (0.4, 2.2, 0.8, 2.4)),
    "mbg_cnbd_5": (BetaGeometricErlangLikelihood(5, True), (0.5, 1.2, 0.9, 1.6)),
    "pareto_ggg": (GGG, (1.7, 0.4, 0.95, 5.2, 0.43, 4.3)),
    "pareto_ggg, clockwork": (GGG, (20.0, 1.0, 0.95, 5.2, 2.0, 40.0)),
    "pareto_ggg, bursts": (GGG, (1.2, 2.0, 0.5, 10.0, 0.6, 12.0)),
}


def histories(n: int = 120, seed: int = 1) -> TimedHistories:
    """Of every kind: nobody seen at all, bought today, a heavy buyer, even and uneven gaps."""
    rng = np.random.default_rng(seed)
    x = rng.poisson(rng.gamma(0.5, 4, n)).astype(float)
    T = rng.integers(1, 40, n).astype(float)
    t_x = np.where(x > 0, np.ceil(T * rng.random(n)), 0.0)
    t_x[:9] = np.where(x[:9] > 0, T[:9], 0.0)
    T[-3:], x[-3:], t_x[-3:] = 0.0, 0.0, 0.0
    x[10], t_x[10] = 400.0, T[10] / 2
    even = x * np.log(np.maximum(t_x, 1) / np.maximum(x, 1))
    log_gaps = np.where(x > 0, even - np.where(x > 1, rng.gamma(1.0, 0.3, n) * x, 0.0), 0.0)
    return TimedHistories(x, t_x, T, log_gaps, rng.integers(1, 5, n).astype(float))


def one(x: float, t_x: float, T: float, log_gaps: float) -> TimedHistories:
    return TimedHistories(*(np.array([float(v)]) for v in (x, t_x, T, log_gaps, 1.0)))


@pytest.mark.parametrize("name", CASES)
def test_gradient_and_hessian_agree_with_finite_differences(name):
    likelihood, parameters = CASES[name]
    table, theta, step = histories(), np.log(parameters), 1e-5
    found = likelihood.moments(theta, table)

    units = step * np.eye(len(theta))
    up = [likelihood.moments(theta + unit, table) for unit in units]
    down = [likelihood.moments(theta - unit, table) for unit in units]
    gradient = [float(a.value - b.value) / (2 * step) for a, b in zip(up, down, strict=True)]
    hessian = [(a.gradient - b.gradient) / (2 * step) for a, b in zip(up, down, strict=True)]
    scale = np.abs(found.hessian).max()
    assert found.gradient == pytest.approx(np.array(gradient), abs=2e-8 * scale)
    assert found.hessian == pytest.approx(np.array(hessian), abs=1e-7 * scale)


@pytest.mark.parametrize("name", CASES)
def test_rows_have_their_own_parameters_and_sum_to_the_table(name):
    likelihood, parameters = CASES[name]
    table, theta = histories(), np.log(parameters)
    own = theta + 0.3 * np.random.default_rng(3).standard_normal((len(table), len(theta)))
    rows = likelihood.row_moments(own, table)

    assert likelihood.log_likelihood(own, table) == pytest.approx(rows.value, rel=1e-10)
    for row in (0, 10, 50, len(table) - 1):
        alone = likelihood.moments(own[row], table.take(slice(row, row + 1) if row else slice(1)))
        assert table.weight[row] * rows.value[row] == pytest.approx(float(alone.value), abs=1e-9)
        assert table.weight[row] * rows.gradient[row] == pytest.approx(alone.gradient, abs=1e-8)
    same = likelihood.row_moments(np.tile(theta, (len(table), 1)), table)
    found = likelihood.moments(theta, table)
    assert found.value == pytest.approx(table.weight @ same.value, rel=1e-12)
    assert found.gradient == pytest.approx(table.weight @ same.gradient, abs=1e-8)


@pytest.mark.parametrize(
    ("modified", "plain"), [(False, BGNBDLikelihood()), (True, MBGNBDLikelihood())]
)
def test_with_one_event_per_purchase_the_cnbd_models_are_bg_and_mbg_nbd(modified, plain):
    table, theta = histories(), np.log([0.5, 6.0, 0.9, 1.6])
    likelihood = BetaGeometricErlangLikelihood(1, modified)
    found, expected = likelihood.moments(theta, table), plain.moments(theta, table.plain)

    assert found.value == pytest.approx(expected.value, rel=1e-13)
    assert found.gradient == pytest.approx(expected.gradient, abs=1e-9)
    assert found.hessian == pytest.approx(expected.hessian, abs=1e-9)
    rows = likelihood.log_likelihood(theta, table)
    assert rows == pytest.approx(plain.log_likelihood(theta, table.plain), abs=1e-10)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    k=st.integers(1, 7),
    modified=st.booleans(),
    r=st.floats(0.3, 4),
    alpha=st.floats(0.5, 30),
    a=st.floats(0.3, 4),
    b=st.floats(0.3, 6),
    x=st.integers(0, 12),
    T=st.floats(0.5, 60),
    share=st.floats(0.05, 1),
    uneven=st.floats(0, 2),
)
def test_cnbd_k_agrees_with_adaptive_integration(k, modified, r, alpha, a, b, x, T, share, uneven):
    t_x = T * share if x else 0.0
    log_gaps = x * np.log(t_x / x) - uneven * (x - 1) if x else 0.0
    chances = x + modified
    # ∫ over p of staying at every chance, and of leaving at the last.
    stay, _ = quad(lambda p: (1 - p) ** chances * beta_law.pdf(p, a, b), 0, 1, epsabs=0)
    leave = 0.0
    if chances:
        leave, _ = quad(
            lambda p: p * (1 - p) ** (chances - 1) * beta_law.pdf(p, a, b), 0, 1, epsabs=0
        )
    peak = (r + k * x) / (alpha + t_x)

    def over_rates(u: float) -> float:
        rate = peak * np.exp(u)
        silent = gammaincc(k, rate * (T - t_x)) * stay + leave
        level = (r + k * x) * np.log(rate) - (alpha + t_x) * rate
        return float(np.exp(level - (r + k * x) * (np.log(peak) - 1)) * silent)

    wide = 40 / min(r, 1.0)
    integral, _ = quad(over_rates, -wide, 6, points=[-3, -1, 0, 1], epsabs=0, limit=800)
    expected = np.log(integral) + (r + k * x) * (np.log(peak) - 1)
    expected += r * np.log(alpha) - gammaln(r) + (k - 1) * log_gaps - x * gammaln(k)

    theta = np.log([r, alpha, a, b])
    found = BetaGeometricErlangLikelihood(k, modified).log_likelihood(
        theta, one(x, t_x, T, log_gaps)
    )
    assert found == pytest.approx([expected], rel=1e-7, abs=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("x", "t_x", "T", "uneven"),
    [(0, 0, 12, 0), (1, 5, 9, 0), (3, 8, 30, 0.4), (6, 20, 21, 0.1)],
)
@pytest.mark.parametrize(
    "parameters", [(1.7, 0.4, 0.95, 5.2, 0.43, 4.3), (6.0, 5.0, 2.0, 20.0, 1.5, 30.0)]
)
def test_pareto_ggg_agrees_with_integration_over_its_definition(parameters, x, t_x, T, uneven):
    """Over k and the time of death, with the rate integrated by a grid: none of our formulas."""
    t, gamma, r, alpha, s, beta = parameters
    log_gaps = x * np.log(t_x / x) - uneven * (x - 1) if x else 0.0
    peak = (r + x) / (alpha + t_x)
    u = np.linspace(-45, 4, 700)
    rate = peak * np.exp(u)

    def given_shape(k: float) -> float:
        log_gaps_density = x * k * np.log(k * rate) - x * gammaln(k) + (k - 1) * log_gaps
        prior = gamma_law.logpdf(rate, r, scale=1 / alpha) + np.log(rate)
        bought = np.exp(log_gaps_density - k * rate * t_x + prior)
        y, w = np.polynomial.legendre.leggauss(30)
        y = t_x + (T - t_x) * ((y + 1) / 2) ** 2
        w = w * (T - t_x) * np.sqrt((y - t_x) / max(T - t_x, 1e-300))
        density = s / beta * (beta / (beta + y)) ** (s + 1)
        silent = (beta / (beta + T)) ** s * gammaincc(k, k * rate * (T - t_x))
        silent += (w * density) @ gammaincc(k, k * rate * (y - t_x)[:, None])
        return float(np.trapezoid(bought * silent, u))

    def over_shapes(v: float) -> float:
        k = np.exp(v)
        return given_shape(k) * k * float(gamma_law.pdf(k, t, scale=1 / gamma))

    v, w = np.polynomial.legendre.leggauss(70)
    integral = 6.25 * w @ np.array([over_shapes(-1.75 + 6.25 * node) for node in v])
    found = GGG.log_likelihood(np.log(parameters), one(x, t_x, T, log_gaps))
    assert found == pytest.approx([np.log(integral)], abs=2e-8)


@pytest.mark.parametrize("parameters", [CASES[name][1] for name in CASES if "ggg" in name])
def test_pareto_ggg_does_not_depend_on_the_number_of_nodes(parameters, monkeypatch):
    table, theta = histories(), np.log(parameters)
    few = GGG.log_likelihood(theta, table)
    monkeypatch.setattr(pareto_ggg, "N_SHAPES", 150)
    monkeypatch.setattr(pareto_ggg.seen_gap, "__defaults__", (150,))

    assert few == pytest.approx(GGG.log_likelihood(theta, table), abs=1e-8)


@pytest.mark.parametrize("parameters", [CASES[name][1] for name in CASES if "ggg" in name])
def test_the_rough_form_of_pareto_ggg_is_near_enough_to_climb(parameters):
    table, theta = histories(), np.log(parameters)
    rough, exact = GGG.rough, GGG

    assert isinstance(exact, Roughened)
    found = rough.log_likelihood(theta, table)
    assert found == pytest.approx(exact.log_likelihood(theta, table), abs=2e-3)
    slopes, expected = rough.moments(theta, table), exact.moments(theta, table)
    assert slopes.gradient == pytest.approx(expected.gradient, abs=1e-2, rel=1e-3)


def test_where_everybody_has_a_shape_of_one_pareto_ggg_is_pareto_nbd():
    table, theta = histories(), np.log([0.5, 10.0, 0.6, 12.0])
    for size, error in ((1e4, 2e-2), (1e6, 2e-4)):
        found = GGG.log_likelihood(np.r_[np.log([size, size]), theta], table)
        expected = ParetoNBDLikelihood().log_likelihood(theta, table.plain)
        # The heavy buyer tells shapes of 1 and 1.001 apart; others see nothing of it.
        light = table.x < 100
        assert found[light] == pytest.approx(expected[light], abs=error)


@pytest.mark.parametrize("name", CASES)
def test_a_density_in_other_units_is_as_high_as_it_should_be(name):
    likelihood, parameters = CASES[name]
    table, theta = histories(), np.log(parameters)
    scaled = theta - np.log(7.0) * np.array(likelihood.unit_bearing)

    found = likelihood.log_likelihood(scaled, table.rescaled(7.0))
    expected = likelihood.log_likelihood(theta, table) + table.x * np.log(7.0)
    assert found == pytest.approx(expected, abs=1e-7)


def test_what_is_seen_for_no_time_is_certain():
    """At a t of 0.2 the prior of k is too steep at 0 for any nodes."""
    theta = np.log([0.2, 0.4, 0.95, 5.2, 0.43, 4.3])

    assert GGG.log_likelihood(theta, one(0, 0, 0, 0)) == pytest.approx([0.0], abs=1e-12)
    assert np.abs(GGG.moments(theta, one(0, 0, 0, 0)).gradient).max() < 1e-12


def test_the_window_of_a_gap_holds_all_but_its_tails():
    a, n = np.array([0.3, 1.0, 40.0, 3000.0]), np.array([0.5, 30.0, 5.0, 2000.0])
    low, high = pareto_ggg_nodes.gap_window(a, n, None, np.full(4, 700.0))

    share = 1 / (1 + np.exp(-np.stack([low, high])))
    assert beta_law.cdf(share[0], a, n).max() < 1e-4
    assert beta_law.sf(share[1], a, n).max() < 1e-10


def test_the_shares_of_gaps_tell_their_shape():
    rng = np.random.default_rng(5)
    for truth in (0.5, 1.0, 3.0):
        gaps = rng.gamma(truth, 1.0, (4000, 6)) * rng.gamma(1.0, 10.0, (4000, 1))
        t_x, full = gaps.sum(axis=1), np.full(4000, 6.0)
        table = TimedHistories(full, t_x, t_x, np.log(gaps).sum(axis=1), np.ones(4000))
        k, error = fit_shape(table)

        assert abs(k - truth) < 4 * error
        assert error < 0.03 * truth + 0.01
        around = [shape_log_likelihood(k * step, table) for step in (0.99, 1.0, 1.01)]
        assert around[1] == max(around)


def test_logarithms_below_zero_do_not_confuse_compaction():
    """Whole and negative: packed into bits, they would spill over into their neighbours."""
    x, t = np.tile([1.0, 2.0], 40), np.tile([1.0, 2.0], 40)
    table = TimedHistories(x, t, t, -np.arange(80.0) % 5 - 4, np.ones(80))
    found = compact(table)

    for column, mine in zip(table.columns, found.table.columns, strict=True):
        assert (found.expand(mine) == column).all()
