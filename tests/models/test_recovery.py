"""Simulated from known parameters, the fits cover them and their standard errors are honest."""

import numpy as np
import pytest

from patronage.models.btyd.bg_bb import BGBBProcess
from patronage.models.btyd.bg_nbd import BGNBD
from patronage.models.btyd.gamma_gamma import GammaGamma
from patronage.models.btyd.ggompertz_nbd import GGompertzNBDProcess
from patronage.models.btyd.mbg_nbd import MBGNBD
from patronage.models.btyd.nbd import NBDProcess
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.models.btyd.process import Process
from patronage.models.fitting.compaction import compact
from patronage.models.fitting.maximum_likelihood import maximum_likelihood
from patronage.models.fitting.report import FitReport
from patronage.snapshots import RFM

N = 20_000


def pareto_histories(r: float, alpha: float, s: float, beta: float, seed: int) -> RFM:
    """Purchases of a Poisson process up to an exponential time of dropping out."""
    rng = np.random.default_rng(seed)
    T = rng.uniform(100, 400, N)
    rate, dropout = rng.gamma(r, 1 / alpha, N), rng.gamma(s, 1 / beta, N)
    active = np.minimum(rng.exponential(size=N) / np.maximum(dropout, 1e-300), T)
    x = rng.poisson(rate * active).astype(float)
    # The last of x uniform times.
    t_x = np.where(x > 0, active * rng.random(N) ** (1 / np.maximum(x, 1)), 0.0)
    return RFM(np.arange(N), x, t_x, T)


def beta_geometric_histories(
    r: float, alpha: float, a: float, b: float, seed: int, *, first_too: bool
) -> RFM:
    """Purchase by purchase, with a coin for leaving after each."""
    rng = np.random.default_rng(seed)
    T = rng.uniform(100, 400, N)
    rate, p = rng.gamma(r, 1 / alpha, N), rng.beta(a, b, N)
    x, t_x, t = np.zeros(N), np.zeros(N), np.zeros(N)
    here = np.flatnonzero(rng.random(N) >= p) if first_too else np.arange(N)
    while len(here):
        t[here] += rng.exponential(size=len(here)) / np.maximum(rate[here], 1e-300)
        here = here[t[here] <= T[here]]
        x[here] += 1
        t_x[here] = t[here]
        here = here[rng.random(len(here)) >= p[here]]
    return RFM(np.arange(N), x, t_x, T)


def assert_covers(report: FitReport, truth: tuple[float, ...]) -> None:
    assert report.converged
    assert not report.penalised
    errors = np.sqrt(np.diag(report.covariance))
    assert (np.abs(report.theta - np.log(truth)) / errors < 3.5).all()
    assert (errors < 0.35).all()


@pytest.mark.parametrize("truth", [(0.55, 70.0, 0.6, 80.0), (2.0, 20.0, 1.5, 300.0)])
def test_pareto_nbd_recovers_the_truth(truth):
    table = pareto_histories(*truth, seed=1)
    assert_covers(ParetoNBD(spend=None).fit_rfm(table).report, truth)


@pytest.mark.parametrize("truth", [(0.25, 31.0, 0.8, 2.4), (2.0, 20.0, 0.5, 6.0)])
def test_bg_nbd_recovers_the_truth(truth):
    table = beta_geometric_histories(*truth, seed=2, first_too=False)
    assert_covers(BGNBD(spend=None).fit_rfm(table).report, truth)


@pytest.mark.parametrize("truth", [(0.5, 43.0, 0.9, 1.6), (2.0, 20.0, 0.5, 6.0)])
def test_mbg_nbd_recovers_the_truth(truth):
    table = beta_geometric_histories(*truth, seed=3, first_too=True)
    assert_covers(MBGNBD(spend=None).fit_rfm(table).report, truth)


@pytest.mark.parametrize(
    ("process", "truth"),
    [
        (NBDProcess(), (0.6, 40.0)),
        (NBDProcess(), (3.0, 15.0)),
        (GGompertzNBDProcess(), (0.8, 30.0, 0.02, 0.9, 5.0)),
        (GGompertzNBDProcess(), (2.0, 20.0, 0.01, 0.4, 0.3)),
        (BGBBProcess("week"), (1.2, 0.75, 0.66, 2.8)),
        (BGBBProcess(30.0), (0.5, 2.0, 1.5, 12.0)),
    ],
)
def test_what_a_process_simulates_its_likelihood_recovers(
    process: Process, truth: tuple[float, ...]
):
    rng = np.random.default_rng(6)
    table = process.simulate(truth, rng.uniform(100, 400, N), rng)
    report = maximum_likelihood(process.likelihood, compact(table).table)

    assert report.converged
    assert not report.penalised
    errors = np.sqrt(np.diag(report.covariance))
    assert (np.abs(report.theta - np.log(truth)) / errors < 3.5).all()
    assert (errors < 0.8).all()


@pytest.mark.parametrize("use_first", [False, True, None])
def test_gamma_gamma_recovers_the_truth_with_and_without_first_amounts(use_first):
    p, q, gamma = 4.0, 5.0, 30.0
    rng = np.random.default_rng(4)
    level = rng.gamma(q, 1 / gamma, N)
    x = rng.poisson(1.2, N).astype(float)
    mean = np.where(x > 0, rng.gamma(p * np.maximum(x, 1)) / np.maximum(x, 1) / level, np.nan)
    first = rng.gamma(p, size=N) / level
    table = RFM(np.arange(N), x, np.where(x > 0, 5.0, 0.0), np.full(N, 9.0), mean, first)
    fitted = GammaGamma(use_first=use_first).fit_rfm(table)

    assert fitted.use_first is (use_first is not False)
    assert_covers(fitted.report, (p, q, gamma))
    # The expected spend is right on average, and for the high and the low spenders apart.
    truth, found = p / level, fitted.spend(table).mean()
    for group in (slice(None), found > np.median(found), found <= np.median(found)):
        assert found[group].mean() == pytest.approx(truth[group].mean(), rel=0.02)


def test_first_amounts_that_tell_nothing_are_left_out():
    rng = np.random.default_rng(5)
    n = 3000
    x = 1.0 + rng.poisson(1.2, n)
    mean = rng.gamma(4 * x) / x / rng.gamma(5, 1 / 30, n)
    first = rng.gamma(4, size=n) / rng.gamma(5, 1 / 30, n)
    table = RFM(np.arange(n), x, np.full(n, 5.0), np.full(n, 9.0), mean, first)
    fitted = GammaGamma().fit_rfm(table)

    assert fitted.first_gain is not None
    assert fitted.first_gain[0] < 0
    assert not fitted.use_first
