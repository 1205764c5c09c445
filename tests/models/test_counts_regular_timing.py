"""Forecasts of the models of regular timing: limits, laws, and futures drawn from the processes."""

import itertools

import numpy as np
import pytest

from patronage.models.btyd.bg_cnbd_k import BetaGeometricErlangProcess
from patronage.models.btyd.counts_beta_geometric import BetaGeometricCounts
from patronage.models.btyd.counts_beta_geometric_erlang import BetaGeometricErlangCounts
from patronage.models.btyd.counts_pareto_ggg import ParetoGGGCounts
from patronage.models.btyd.counts_pareto_nbd import ParetoNBDCounts
from patronage.models.btyd.pareto_ggg import ParetoGGGProcess
from patronage.models.btyd.simulation import erlang_times, first_chances, timed_histories_until
from patronage.models.likelihoods.timed_histories import TimedHistories

EDGES = np.array([0.0, 30.0, 90.0, 200.0])
ERLANG = (0.6, 8.0, 0.8, 2.5)
GGG = (2.0, 0.6, 0.8, 30.0, 0.6, 90.0)


def some(n: int = 60, seed: int = 2) -> TimedHistories:
    rng = np.random.default_rng(seed)
    T = np.rint(rng.uniform(20, 300, n))
    x = rng.poisson(rng.gamma(0.7, 6, n)).astype(float)
    t_x = np.where(x > 0, np.maximum(np.rint(T * rng.beta(5, 1, n)), 1.0), 0.0)
    even = x * np.log(np.maximum(t_x, 1) / np.maximum(x, 1))
    log_gaps = np.where(x > 1, even - rng.gamma(2, 0.1, n) * x, np.where(x > 0, even, 0.0))
    return TimedHistories(x, t_x, T, log_gaps, np.ones(n))


def erlang(k: int, modified: bool, table: TimedHistories) -> BetaGeometricErlangCounts:
    return BetaGeometricErlangProcess(k, modified).counts(ERLANG, table)


@pytest.mark.parametrize("modified", [False, True])
def test_with_one_event_per_purchase_forecasts_are_those_of_bg_and_mbg(modified):
    table = some()
    found = erlang(1, modified, table)
    expected = BetaGeometricCounts(*ERLANG, *table.plain.columns, modified)

    assert found.p_alive == pytest.approx(expected.p_alive, rel=1e-12)
    assert found.mean(EDGES) == pytest.approx(expected.mean(EDGES), rel=1e-9, abs=1e-12)
    assert found.pmf(90.0, 40) == pytest.approx(expected.pmf(90.0, 40), abs=1e-12)
    assert found.survival(EDGES) == pytest.approx(expected.survival(EDGES), abs=1e-10)


def test_where_everybody_has_a_shape_of_one_forecasts_are_those_of_pareto_nbd():
    table = some()
    found = ParetoGGGCounts(1e6, 1e6, *GGG[2:], table)
    expected = ParetoNBDCounts(*GGG[2:], *table.plain.columns)

    assert found.p_alive == pytest.approx(expected.p_alive, abs=1e-4)
    assert found.mean(EDGES) == pytest.approx(expected.mean(EDGES), rel=2e-3, abs=1e-6)
    assert found.survival(EDGES) == pytest.approx(expected.survival(EDGES), abs=1e-4)
    assert found.pmf(90.0, 40) == pytest.approx(expected.pmf(90.0, 40), abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    "counts",
    [
        pytest.param(erlang(3, True, some()), id="mbg_cnbd_3"),
        pytest.param(erlang(7, False, some()), id="bg_cnbd_7"),
        pytest.param(ParetoGGGCounts(*GGG, some()), id="pareto_ggg"),
    ],
)
def test_means_probabilities_and_draws_agree(counts):
    mean = counts.mean(EDGES)
    assert mean.sum(axis=1) == pytest.approx(counts.mean(EDGES[[0, -1]])[:, 0], rel=2e-3, abs=1e-4)
    pmf = counts.pmf(EDGES[-1], 400)
    assert pmf.min() >= 0
    assert pmf.sum(axis=1) == pytest.approx(np.ones(len(mean)), abs=1e-6)
    assert pmf @ np.arange(401) == pytest.approx(mean.sum(axis=1), rel=2e-3, abs=1e-4)
    assert counts.pmf(EDGES[-1], 10) == pytest.approx(pmf[:, :11], abs=1e-9)

    drawn = counts.sample(EDGES, 4000, np.random.default_rng(8))
    error = drawn.std(axis=0) / np.sqrt(4000) + 1e-3
    assert (np.abs(drawn.mean(axis=0) - mean) / error).max() < 5
    none = (drawn.sum(axis=2) == 0).mean(axis=0)
    assert none == pytest.approx(pmf[:, 0], abs=0.04)

    alive = counts.survival(np.array([0.0, 50.0, 200.0]))
    assert alive[:, 0] == pytest.approx(counts.p_alive, abs=1e-9)
    assert (np.diff(alive, axis=1) <= 1e-12).all()
    part = counts.take(np.array([3, 1]))
    assert part.mean(EDGES) == pytest.approx(mean[[3, 1]], rel=1e-11)


def test_large_expectations_are_summed_by_an_integral_beyond_thousands():
    """Half of what is expected lies beyond the 4,096 purchases that are summed one by one."""
    x, t_x, T = np.array([4000.0]), np.array([100.0]), np.array([100.0])
    counts = BetaGeometricErlangCounts(2.0, 0.1, 0.02, 9.0, x, t_x, T, 1, True)
    expected = BetaGeometricCounts(2.0, 0.1, 0.02, 9.0, x, t_x, T, True)
    edges = np.array([0.0, 200.0])

    assert counts.mean(edges) == pytest.approx(expected.mean(edges), rel=1e-5)


def futures(name: str, n: int, rng: np.random.Generator):
    """Histories until T, and the purchases and lives after it, from the processes themselves."""
    T = np.rint(rng.uniform(60, 200, n))
    until = T + EDGES[-1]
    if name == "pareto_ggg":
        t, gamma, r, alpha, s, beta = GGG
        k, rate = rng.gamma(t, 1 / gamma, n), rng.gamma(r, 1 / alpha, n)
        death = rng.exponential(size=n) / np.maximum(rng.gamma(s, 1 / beta, n), 1e-300)
        most = np.full(n, np.inf)
        who, when = erlang_times(k, k * rate, np.minimum(until, death), rng, most=most)
        counts = ParetoGGGProcess().counts(GGG, past(who, when, T))
        alive = death > T
    else:
        k, modified = (3, name == "mbg_cnbd_k")
        r, alpha, a, b = ERLANG
        last = first_chances(rng.beta(a, b, n), rng) - modified
        rate, shape = rng.gamma(r, 1 / alpha, n), np.full(n, float(k))
        who, when = erlang_times(shape, rate, until, rng, most=last)
        table = past(who, when, T)
        counts = erlang(k, modified, table)
        alive = table.x < last
    ahead = when - T[who]
    after = np.stack(
        [
            np.bincount(who[(ahead >= low) & (ahead < high)], minlength=n)
            for low, high in itertools.pairwise(EDGES)
        ],
        axis=1,
    )
    return counts, after, alive


def past(who, when, T) -> TimedHistories:
    known = when < T[who]
    return timed_histories_until(who[known], when[known], T)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bg_cnbd_k", "mbg_cnbd_k", "pareto_ggg"])
def test_what_is_expected_is_what_happens_to_simulated_customers(name):
    """In groups by what is known: frequency, and how long the customer has been silent."""
    n = 1_200 if name == "pareto_ggg" else 40_000
    counts, after, alive = futures(name, n, np.random.default_rng(11))
    table = counts.histories if name == "pareto_ggg" else counts
    mean, p_alive = counts.mean(EDGES), counts.p_alive
    none = counts.pmf(EDGES[-1], 2)[:, 0]
    gap = (table.T - table.t_x) / (table.T / (1 + table.x))
    group = 3 * np.minimum(table.x, 3) + np.digitize(gap, [0.7, 2.0])

    for value in np.unique(group):
        mine = group == value
        if mine.sum() < 40:
            continue
        for expected, happened in (
            (mean[mine], after[mine]),
            (p_alive[mine, None], alive[mine, None].astype(float)),
            (none[mine, None], (after[mine].sum(axis=1) == 0)[:, None].astype(float)),
        ):
            surprise = happened.sum(axis=0) - expected.sum(axis=0)
            assert (np.abs(surprise) / (np.sqrt(mine.sum()) * happened.std(axis=0) + 1)).max() < 4.5
