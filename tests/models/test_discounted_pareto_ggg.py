"""Discounted purchases of Pareto/GGG: their bound, against other formulas and simulated futures."""

import numpy as np
import pytest
from scipy.special import betainc, gammaincc, gammaln

from patronage.forecast.discounted import discount_per_day
from patronage.models.btyd.counts_pareto_ggg import ParetoGGGCounts
from patronage.models.btyd.counts_pareto_nbd import ParetoNBDCounts
from patronage.models.btyd.simulation import erlang_times
from patronage.models.likelihoods.pareto_ggg_nodes import log_nodes, shape_nodes, timing
from patronage.models.likelihoods.timed_histories import TimedHistories

NEARLY_POISSON = (78.0, 75.0, 0.57, 74.0, 0.6, 80.0)
MIXED = (1.7, 0.4, 0.9, 37.0, 0.43, 60.0)
BURSTS = (0.5, 0.3, 0.3, 20.0, 1.4, 300.0)
BY_THE_CLOCK = (30.0, 3.0, 1.5, 40.0, 0.8, 100.0)

# Never seen again, seen today, a loyal and a lapsed customer, bursts, and somebody just acquired.
HISTORIES = TimedHistories(
    x=np.array([0.0, 2.0, 9.0, 9.0, 6.0, 0.0]),
    t_x=np.array([0.0, 201.0, 300.0, 120.0, 200.0, 0.0]),
    T=np.array([250.0, 201.0, 310.0, 310.0, 230.0, 0.0]),
    log_gaps=np.array([0.0, 7.64, 9 * np.log(32.0), 9 * np.log(12.0), 10.0, 0.0]),
    weight=np.ones(6),
)

# Of bursts without end (t below 1) somebody just acquired expects infinitely many purchases.
AGED = HISTORIES.take(slice(0, 5))

every = pytest.mark.parametrize("parameters", [NEARLY_POISSON, MIXED, BURSTS, BY_THE_CLOCK])


def by_transforms(parameters, seen: TimedHistories, delta: float) -> np.ndarray:
    """Of a living customer, from the Laplace transforms of gaps at fixed k, λ and μ.

    ĝ / (1 - f̂) with f̂ = (kλ/(kλ+z))^k, z = δ + μ, and ĝ of what is left of the open gap, over a
    fine grid in all three: neither a series of purchases nor a split of 1 / (1 - f̂).
    """
    t, gamma, r, alpha, s, beta = parameters
    shapes = shape_nodes(t, gamma, r, alpha, seen, n_nodes=44, cut=30.0)
    k = np.exp(shapes.v)
    n, c, silence = r + k * seen.x, alpha + k * seen.t_x, seen.T - seen.t_x
    log_weight = shapes.log_weight + t * shapes.v - gamma * k + timing(k, r, alpha, seen)
    weight = np.exp(log_weight - log_weight.max(axis=0))
    alive = (weight * betainc(n, k, c / (c + k * silence))).sum(axis=0)

    low = np.log(n / (c + k * silence)) - 30 / np.minimum(n, 1 + k) - 8 / np.sqrt(n)
    rates = log_nodes(low, np.log(n / c) + np.log1p(30 / n + np.sqrt(60 / n)), 110, power=10.0)
    rate = k * np.exp(rates.v)
    p_rate = np.exp(rates.log_weight + n * (rates.v + np.log(c)) - c * rate / k - gammaln(n))
    since = beta + seen.t_x
    ends = log_nodes(np.log(s / since) - 40 / s, np.log((s + 45) / since), 90, power=12.0)
    mu = np.exp(ends.v)
    log_mu = s * (ends.v + np.log(beta + seen.T)) - since * mu - gammaln(s)
    p_mu = np.exp(ends.log_weight + log_mu + delta * silence)
    total = np.zeros(len(seen))
    for z, p in zip(delta + mu, p_mu, strict=True):
        tail = gammaincc(np.broadcast_to(k, rate.shape), (rate + z) * silence)
        with np.errstate(over="ignore"):
            whole = (p_rate * tail / np.expm1(k * np.log1p(z / rate))).sum(axis=0)
        total += p * (weight * whole).sum(axis=0)
    return total / alive


@pytest.mark.slow
@every
def test_an_endless_sum_is_as_near_as_its_bound_says(parameters):
    delta, seen = discount_per_day(0.15), AGED if parameters is BURSTS else HISTORIES
    counts = ParetoGGGCounts(*parameters, seen)
    expected = counts.p_alive * by_transforms(parameters, seen, delta)

    for tolerance in (3e-2, 1e-3, 1e-4):
        found = counts.dert_bounded(delta, np.inf, tolerance)
        assert np.all(found.error <= tolerance * found.value + 1e-9)
        # The yardstick itself is good to a millionth.
        assert np.all(np.abs(found.value - expected) <= found.error + 1e-6 * expected + 1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("parameters", [NEARLY_POISSON, MIXED, BY_THE_CLOCK])
def test_sums_with_and_without_an_end_meet_far_ahead(parameters):
    """Discounted by half in eleven weeks, nothing is left at the end of twelve years."""
    delta = np.log(2.0) / 80
    counts = ParetoGGGCounts(*parameters, AGED)
    endless = counts.dert_bounded(delta, np.inf, 1e-4)
    until = counts.dert_bounded(delta, 40.0 / delta, 1e-4)

    assert np.all(until.error <= 1e-4 * until.value + 1e-9)
    near = endless.error + until.error + 1e-9
    assert np.all(np.abs(endless.value - until.value) <= near)


@pytest.mark.parametrize("days", [200.0, np.inf])
def test_where_everybody_has_a_shape_of_one_sums_are_those_of_pareto_nbd(days):
    rates = (0.8, 30.0, 0.6, 90.0)
    found = ParetoGGGCounts(1e9, 1e9, *rates, HISTORIES).dert(0.1, days=days)

    expected = ParetoNBDCounts(*rates, *HISTORIES.plain.columns).dert(0.1, days=days)
    assert found == pytest.approx(expected, rel=1e-4)


def test_discounted_purchases_are_those_of_simulated_customers():
    """Just acquired, at a rate so high that a lifetime fits into the simulation."""
    t, gamma, r, alpha, s, beta = parameters = (2.0, 0.6, 0.8, 30.0, 0.6, 90.0)
    n, delta, rng = 40_000, 0.02, np.random.default_rng(4)
    k, rate = rng.gamma(t, 1 / gamma, n), rng.gamma(r, 1 / alpha, n)
    death = rng.exponential(size=n) / np.maximum(rng.gamma(s, 1 / beta, n), 1e-300)
    who, when = erlang_times(
        k, k * rate, np.minimum(death, 20 / delta), rng, most=np.full(n, np.inf)
    )
    new = TimedHistories(*(np.zeros(1) for _ in range(4)), np.ones(1))
    each = np.bincount(who, weights=np.exp(-delta * when), minlength=n)

    found = ParetoGGGCounts(*parameters, new).dert_bounded(delta, np.inf, 1e-4).value[0]
    assert each.mean() == pytest.approx(found, abs=4 * each.std() / np.sqrt(n))


def test_a_burst_that_began_today_is_not_cut_off():
    """Of gaps with shapes near 0, much of the next one's probability is at no time at all."""
    today = HISTORIES.take(np.array([1]))
    counts = ParetoGGGCounts(*BURSTS, today)
    next_day = counts.mean(np.array([0.0, 1e-6, 60.0]))[0]

    drawn = counts.sample(np.array([0.0, 1e-6, 60.0]), 40_000, np.random.default_rng(3))[:, 0]
    error = drawn.std(axis=0) / np.sqrt(len(drawn))
    assert np.all(np.abs(drawn.mean(axis=0) - next_day) < 4 * error)
