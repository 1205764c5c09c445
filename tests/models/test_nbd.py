"""NBD: a rate for ever; brute force, and what Pareto/NBD becomes without dropout."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import gamma

from patronage.models.btyd.counts_nbd import NBDCounts
from patronage.models.btyd.nbd import NBD
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.models.likelihoods import pareto_nbd
from patronage.models.likelihoods.histories import Histories
from patronage.models.likelihoods.nbd import NBDLikelihood

LIKELIHOOD = NBDLikelihood()


def log_likelihood(r: float, alpha: float, x: np.ndarray, T: np.ndarray) -> np.ndarray:
    rows = Histories(x, np.zeros(len(x)), T, np.ones(len(x)))
    return LIKELIHOOD.log_likelihood(np.log([r, alpha]), rows)


@given(st.floats(0.2, 8), st.floats(1, 50), st.integers(0, 20), st.floats(0, 60))
def test_it_is_poisson_purchasing_mixed_over_the_rates(r, alpha, x, T) -> None:
    """∫ λ^x e^{-λT} over Gamma(r, alpha)."""
    mode = (r + x) / (alpha + T)
    total, _ = quad(
        lambda rate: rate**x * np.exp(-rate * T) * gamma.pdf(rate, r, scale=1 / alpha),
        0,
        np.inf if T == 0 and x == 0 else 60 * mode + 60 / (alpha + T),
        points=None if T == 0 and x == 0 else [1e-6 * mode, 0.01 * mode, mode, 4 * mode],
        epsabs=0,
        epsrel=1e-9,
        limit=400,
    )

    found = log_likelihood(r, alpha, np.array([float(x)]), np.array([T]))
    assert np.exp(found) == pytest.approx([total], rel=1e-6)


def test_pareto_nbd_without_dropout_is_the_nbd() -> None:
    rng = np.random.default_rng(1)
    x = rng.poisson(2, 200).astype(float)
    T = rng.uniform(1, 40, 200)
    found = log_likelihood(0.6, 10.0, x, T)

    limit = pareto_nbd.log_likelihood(0.6, 10.0, 1e-9, 1e3, x, np.where(x > 0, T / 2, 0.0), T)
    assert found == pytest.approx(limit, abs=1e-6)


def test_the_fit_needs_frequency_and_age_alone(cdnow_master) -> None:
    """979 rows of 23,570 customers; below Pareto/NBD by what dropout explains."""
    found = NBD(spend=None).fit_rfm(cdnow_master)
    without = found.report.in_unit(7.0)
    dropping = ParetoNBD(spend=None).fit_rfm(cdnow_master).report.in_unit(7.0)

    assert without.n_rows_compacted == 979
    assert without.converged
    assert not without.penalised
    assert without.log_likelihood < dropping.log_likelihood - 1000
    table = found.process.table(cdnow_master)
    gradient = LIKELIHOOD.moments(found.report.theta, table).gradient
    assert gradient @ found.report.covariance @ gradient < 1e-8
    # The mean rate, each customer's shrunk to it: purchases of as long again.
    again = NBDCounts(*found.report.parameters.values(), np.zeros(1), np.zeros(1))
    rate = again.mean(np.array([0.0, 1.0]))[0, 0]
    assert rate == pytest.approx(cdnow_master.frequency.sum() / cdnow_master.T.sum(), rel=0.05)


def test_everybody_stays_and_counts_are_negative_binomial() -> None:
    x, T = np.array([0.0, 3, 400]), np.array([0.0, 39, 39])
    some = NBDCounts(0.55, 10.6, x, T)
    edges = np.array([0.0, 20.0, 52.0])
    pmf = some.pmf(52.0, 4000)

    assert some.p_alive.tolist() == [1, 1, 1]
    assert some.survival(edges).min() == 1
    assert pmf.sum(axis=1) == pytest.approx(1.0, abs=1e-10)
    assert pmf @ np.arange(4001.0) == pytest.approx(some.mean(edges).sum(axis=1), rel=1e-9)
    draws = some.sample(edges, 40_000, np.random.default_rng(1))
    noise = 5 * draws.std(axis=0) / np.sqrt(40_000)
    assert (np.abs(draws.mean(axis=0) - some.mean(edges)) < noise).all()
    assert (draws.sum(axis=2) == 0).mean(axis=0) == pytest.approx(pmf[:, 0], abs=0.01)


def test_parameters_may_differ_by_customer() -> None:
    both = NBDCounts(np.array([0.5, 0.8]), np.array([9.0, 4.0]), np.ones(2), np.full(2, 30.0))
    second = NBDCounts(0.8, 4.0, np.ones(1), np.full(1, 30.0))
    edges = np.array([0.0, 20.0])

    assert both.take(slice(1, 2)).mean(edges) == pytest.approx(second.mean(edges))
    assert both.pmf(20.0, 5)[1:] == pytest.approx(second.pmf(20.0, 5))
