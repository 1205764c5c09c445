"""GGompertz/NBD: its integral against brute force, its ridge to Pareto/NBD, and its forecasts."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln

from patronage.models.btyd.counts_ggompertz_nbd import GGompertzNBDCounts
from patronage.models.btyd.counts_pareto_nbd import ParetoNBDCounts
from patronage.models.btyd.ggompertz_nbd import GGompertzNBD
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.models.fitting.compaction import compact
from patronage.models.fitting.maximum_likelihood import maximum_likelihood
from patronage.models.likelihoods import pareto_nbd
from patronage.models.likelihoods.ggompertz_nbd import GGompertzNBDLikelihood, log_likelihood
from patronage.models.likelihoods.histories import Histories

WEEKS = np.array([0.0, 52.0])
CDNOW = (0.5533, 10.5802, 0.6060, 11.6562)


def counts(parameters: Any, x: Any, t_x: Any, T: Any) -> GGompertzNBDCounts:
    x, t_x, T = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, float)) for v in (x, t_x, T)))
    return GGompertzNBDCounts(*parameters, x, t_x, T)


def log_survival(b: float, s: float, beta: float, y: np.ndarray) -> np.ndarray:
    """ln S(y) as it is written in the paper, with e^{by} taken out where it would overflow."""
    small = np.minimum(b * y, 30.0)
    near = np.log1p(np.expm1(small) / beta)
    far = b * y - np.log(beta) + np.log1p((beta - 1) * np.exp(-np.maximum(b * y, 30.0)))
    return np.asarray(-s * np.where(b * y < 30.0, near, far))


def brute_log_likelihood(
    r: float, alpha: float, b: float, s: float, beta: float, x: float, t_x: float, T: float
) -> float:
    """The integral over the time of death in hundreds of pieces, none of which asks for cunning."""
    n, width = r + x, T - t_x
    cuts = [t_x + width * 2.0 ** -np.arange(46.0), t_x + width * np.linspace(0, 1, 61)]
    # Where purchases missed tell, and around the age at which most have died.
    cuts.append(t_x + (alpha + t_x) * np.expm1(np.minimum(np.linspace(0.01, 80, 60) / n, 300)))
    cuts.append(np.log(beta) / b + np.arange(-12, 80, 0.5) / b)
    # Where the hazard has ended its growth, and lifetimes are exponential at rate s b.
    cuts.extend([start + np.linspace(0, 60, 200) / (s * b) for start in (t_x, np.log(beta) / b)])
    edges = np.unique(np.clip(np.concatenate([*cuts, [t_x, T]]), t_x, T))
    nodes, weights = np.polynomial.legendre.leggauss(20)
    y = edges[:-1, None] + np.diff(edges)[:, None] * (nodes + 1) / 2
    aged = b * y
    hazard = np.log(s * b) - np.log(beta * np.exp(-aged) - np.expm1(-aged))
    terms = hazard + log_survival(b, s, beta, y) - n * np.log((alpha + y) / (alpha + t_x))
    terms = terms + np.log(np.diff(edges)[:, None] * weights / 2)
    alive = log_survival(b, s, beta, np.array([T]))[0] - n * np.log((alpha + T) / (alpha + t_x))
    total = np.logaddexp.reduce([*terms.ravel(), alive])
    return float(gammaln(n) - gammaln(r) + r * np.log(alpha) + total - n * np.log(alpha + t_x))


def test_the_integral_is_exact_however_fast_the_dropout_rate_grows() -> None:
    """b T from 1e-8 to 10,000, x to 10,000, and beta around all of e^{bT}."""
    rng = np.random.default_rng(1)
    for _ in range(250):
        T, growth = 10.0, 10 ** rng.uniform(-8, 4)
        alpha, s, r = 10 ** rng.uniform([-1.5, -1.3, -1], [2.5, 1, 0.7])
        beta = rng.choice([10 ** rng.uniform(-6, 6), np.exp(min(growth, 25) * rng.uniform(0, 1.2))])
        if growth < 1:
            beta = rng.choice([beta, growth * 10 ** rng.uniform(-1, 2)])
        x = float(rng.choice([0, 0, 1, 2, 5, 20, 100, 1000, 10_000]))
        t_x = T * rng.random() if x else 0.0
        parameters = (r, alpha, growth / T, s, beta)

        found = log_likelihood(*parameters, np.array([x]), np.array([t_x]), np.array([T]))

        # Relative to the numbers that are summed, of which x ln x is the largest.
        expected = brute_log_likelihood(*parameters, x, t_x, T)
        assert found == pytest.approx([expected], rel=1e-10, abs=1e-10), parameters


def test_with_little_growth_it_is_pareto_nbd() -> None:
    rng = np.random.default_rng(2)
    x = rng.poisson(2.0, 300).astype(float)
    T = rng.uniform(0, 40, 300)
    t_x = np.where(x > 0, T * rng.random(300), 0.0)
    r, alpha, s, beta = CDNOW

    for b in (1e-7, 1e-9, 1e-12):
        found = log_likelihood(r, alpha, b, s, b * beta, x, t_x, T)
        limit = pareto_nbd.log_likelihood(*CDNOW, x, t_x, T)
        # The first order in b; then rounding.
        assert np.abs(found - limit).max() < 300 * b + 1e-12


def test_no_parameters_or_history_leave_the_numbers() -> None:
    x, t_x, T = (
        np.array(column, dtype=float)
        for column in ([0, 0, 0, 5000, 3, 1], [0, 0, 0, 40, 9, 5], [0, 1e7, 9, 41, 9, 1e7])
    )
    table = Histories(x, t_x, T, np.ones(6))
    likelihood = GGompertzNBDLikelihood()
    for b in (1e-14, 1e-4, 1.0, 1e5):
        for s in (1e-5, 1.0, 1e5):
            for beta in (1e-14, 1e-3, 1.0, 1e5, 1e16):
                theta = np.log([0.5, 10.0, b, s, beta])
                assert all(np.isfinite(part).all() for part in likelihood.moments(theta, table))
                assert np.isfinite(likelihood.log_likelihood(theta, table)).all()


def test_the_ridge_of_the_sample_of_the_papers_is_found_and_named(cdnow_sample) -> None:
    """LL -9594.976 at any b near 0; b tells nothing, beta / b is Pareto/NBD's beta."""
    report = GGompertzNBD(spend=None).fit_rfm(cdnow_sample).report.in_unit(7.0)

    found = report.parameters
    assert report.log_likelihood == pytest.approx(-9594.97618, abs=1e-4)
    assert [found["r"], found["alpha"], found["s"], found["beta"] / found["b"]] == pytest.approx(
        [0.553277, 10.577683, 0.606240, 11.668740], rel=1e-4
    )
    assert report.nested == "pareto_nbd"
    assert report.converged
    assert report.penalised
    assert "does not change with age" in report.warnings[0]
    errors = [report.standard_errors[name] for name in ("r", "alpha", "s")]
    assert errors == pytest.approx([0.0476264, 0.8427222, 0.1872594], rel=1e-3)
    # Nothing is known of b, and that is what its standard error says.
    assert report.standard_errors["b"] > found["b"]


@pytest.mark.slow
def test_on_the_ridge_the_forecasts_are_those_of_pareto_nbd(cdnow_master) -> None:
    simple = ParetoNBD(spend=None).fit_rfm(cdnow_master)
    general = GGompertzNBD(spend=None).fit_rfm(cdnow_master)

    assert general.report.nested == "pareto_nbd"
    difference = general.report.log_likelihood - simple.report.log_likelihood
    assert difference == pytest.approx(0.0, abs=1e-4)
    edges = np.array([0.0, 100.0, 273.0])
    expected = simple.counts(cdnow_master).mean(edges)
    assert general.counts(cdnow_master).mean(edges) == pytest.approx(expected, rel=1e-3, abs=1e-6)


def test_growth_is_found_where_there_is_some_and_scales_with_time() -> None:
    """In weeks b is seven times what it is in days; beta has no unit."""
    truth = (0.8, 30.0, 0.02, 0.9, 5.0)
    rng = np.random.default_rng(3)
    table = GGompertzNBD().process.simulate(truth, np.rint(rng.uniform(100, 400, 4000)), rng)
    days = maximum_likelihood(GGompertzNBDLikelihood(), compact(table).table)
    other = Histories(table.x, table.t_x / 7, table.T / 7, table.weight)
    weeks = maximum_likelihood(GGompertzNBDLikelihood(), other)

    assert days.nested is None
    assert not days.penalised
    converted = days.in_unit(7.0)
    assert list(weeks.parameters.values()) == pytest.approx(
        list(converted.parameters.values()), rel=1e-5
    )
    assert converted.parameters["b"] == pytest.approx(7 * days.parameters["b"])
    assert converted.standard_errors["b"] == pytest.approx(7 * days.standard_errors["b"])
    assert converted.parameters["beta"] == days.parameters["beta"]
    assert weeks.log_likelihood == pytest.approx(converted.log_likelihood, abs=1e-5)


def test_with_little_growth_forecasts_are_those_of_pareto_nbd() -> None:
    histories = (
        np.array([0.0, 3, 26, 400, 0, 5]),
        np.array([0, 20, 30.857, 38, 0, 39.0]),
        np.array([39.0, 39, 31, 39, 0, 39]),
    )
    r, alpha, s, beta = CDNOW
    limit = ParetoNBDCounts(*CDNOW, *histories)
    edges = np.array([0.0, 10, 20, 52])
    for b in (1e-8, 1e-11):
        near = GGompertzNBDCounts(r, alpha, b, s, b * beta, *histories)
        assert near.p_alive == pytest.approx(limit.p_alive, rel=1e-6)
        assert near.mean(edges) == pytest.approx(limit.mean(edges), rel=2e-6)
        assert near.pmf(52.0, 60) == pytest.approx(limit.pmf(52.0, 60), abs=1e-6)
        assert near.survival(edges) == pytest.approx(limit.survival(edges), rel=1e-6)


# r, alpha, b, s, beta: growing and falling dropout rates, like lifetimes, and rates at their end.
SHAPES = [
    (0.5, 10.0, 0.05, 0.6, 0.3),
    (0.8, 10.0, 0.3, 0.6, 50.0),
    (0.8, 200.0, 0.03, 4.0, 1e3),
    (0.8, 2.0, 0.03, 1e4, 1e8),
    (0.8, 2.0, 1.5, 0.01, 1e-4),
    (0.8, 10.0, 3.0, 0.02, 50.0),
    (0.8, 10.0, 0.05, 2e4, 1e3),
]


@pytest.mark.parametrize("parameters", SHAPES)
def test_probabilities_expectation_and_survival_agree(parameters) -> None:
    some = counts(
        parameters, [0, 3, 26, 0, 5, 40], [0, 20, 30.9, 0, 39, 5], [39, 39, 31, 0, 39, 39]
    )
    edges = np.array([0.0, 7.0, 20.0, 52.0])
    pmf, mean = some.pmf(52.0, 2500), some.mean(edges)

    assert pmf.min() >= 0
    assert pmf.sum(axis=1) == pytest.approx(1.0, abs=1e-10)
    assert pmf @ np.arange(2501.0) == pytest.approx(mean.sum(axis=1), rel=1e-9, abs=1e-300)
    assert mean.sum(axis=1) == pytest.approx(some.mean(WEEKS)[:, 0], rel=1e-10, abs=1e-300)
    # Expected purchases are the rate times the days that are survived.
    fine = np.linspace(0, 52, 20_001)
    survived = some.survival(fine)
    days = np.trapezoid(survived, fine, axis=1)
    rate = (parameters[0] + some.x) / (parameters[1] + some.T)
    assert mean.sum(axis=1) == pytest.approx(rate * days, rel=1e-4, abs=1e-12)
    assert (np.diff(survived, axis=1) <= 1e-14).all()
    assert survived[:, 0] == pytest.approx(some.p_alive)


@pytest.mark.parametrize("parameters", SHAPES[:4])
def test_p_alive_is_the_share_of_being_alive_in_the_likelihood(parameters) -> None:
    x, t_x, T = np.array([0.0, 3, 20]), np.array([0.0, 20, 30]), np.array([39.0, 39, 31])
    r, alpha, b, s, beta = parameters
    n = r + x
    alive = gammaln(n) - gammaln(r) + r * np.log(alpha) - n * np.log(alpha + T)
    alive += log_survival(b, s, beta, T)
    seen = [brute_log_likelihood(*parameters, *row) for row in zip(x, t_x, T, strict=True)]

    assert counts(parameters, x, t_x, T).p_alive == pytest.approx(np.exp(alive - seen), rel=1e-10)


@pytest.mark.parametrize("parameters", SHAPES[:3])
def test_draws_follow_the_probabilities(parameters) -> None:
    several = counts(parameters, [0, 3, 26], [0, 38, 30.85714], [20, 39, 31])
    edges = np.array([0.0, 20.0, 52.0])
    draws = several.sample(edges, 60_000, np.random.default_rng(1))

    noise = 5 * draws.std(axis=0) / np.sqrt(60_000)
    assert (np.abs(draws.mean(axis=0) - several.mean(edges)) < noise + 1e-6).all()
    none = (draws.sum(axis=2) == 0).mean(axis=0)
    assert none == pytest.approx(several.pmf(52.0, 0)[:, 0], abs=0.01)


def test_a_forecast_does_not_depend_on_who_stands_beside() -> None:
    rng = np.random.default_rng(4)
    x = rng.poisson(3.0, 200).astype(float)
    T = 10 ** rng.uniform(-1, 3, 200)
    many = counts((0.5, 10.0, 0.05, 0.6, 0.3), x, np.where(x > 0, T * rng.random(200), 0), T)
    alone = [many.take(slice(k, k + 1)) for k in range(200)]

    single = np.concatenate([one.mean(WEEKS) for one in alone])
    assert single == pytest.approx(many.mean(WEEKS), rel=2e-15)


def test_parameters_may_differ_by_customer() -> None:
    columns = [np.array(pair) for pair in zip(SHAPES[0], SHAPES[1], strict=True)]
    histories = np.array([2.0, 5.0]), np.array([20.0, 15.0]), np.array([30.0, 39.0])
    both = GGompertzNBDCounts(*columns, *histories)
    second = counts(SHAPES[1], 5, 15, 39)
    rng = np.random.default_rng(5)

    assert both.mean(WEEKS)[1:] == pytest.approx(second.mean(WEEKS), rel=1e-12)
    assert both.take(slice(1, 2)).pmf(52.0, 9) == pytest.approx(second.pmf(52.0, 9), rel=1e-9)
    assert both.survival(WEEKS)[1:] == pytest.approx(second.survival(WEEKS))
    assert both.sample(WEEKS, 7, rng).shape == (7, 2, 1)


positive = st.floats(0.05, 20.0)


@settings(max_examples=60, deadline=None)
@given(positive, positive, st.floats(1e-6, 1.0), positive, st.floats(1e-4, 1e4), st.integers(1, 40))
def test_a_later_last_purchase_makes_life_likelier(r, alpha, b, s, beta, x) -> None:
    several = counts((r, alpha, b, s, beta), x, np.linspace(0, 60.0, 7), 60.0)

    assert ((several.p_alive >= 0) & (several.p_alive <= 1)).all()
    assert (np.diff(several.p_alive) >= -1e-12).all()
