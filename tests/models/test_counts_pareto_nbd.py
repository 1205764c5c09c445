"""ParetoNBDCounts against limits and laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patronage.models.btyd.counts_pareto_nbd import ParetoNBDCounts

WEEKS = np.array([0.0, 52.0])
# The maximum likelihood of the R package BTYD on CDNOW, in weeks.
CDNOW = (0.5533, 10.5802, 0.6060, 11.6562)


def counts(parameters, x, t_x, T):
    x, t_x, T = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, float)) for v in (x, t_x, T)))
    return ParetoNBDCounts(*parameters, x, t_x, T)


def test_extreme_histories_stay_finite():
    parameters = (0.5143, 2.8845, 0.2856, 14.1087)
    x = [221, 254, 161, 204, 5000, 0, 0, 5000]
    t_x = [103.42857, 97.14286, 94.71429, 98.57143, 1e7, 0, 0, 1.0]
    T = [103.57143, 97.28571, 98, 99.42857, 1e7, 1e7, 0, 1e7]
    some = counts(parameters, x, t_x, T)
    overflow = counts((10.465, 0.00798565181, 3.0516, 2.820), [400, 500, 500], [5, 1, 4], [6, 7, 8])

    for each in (some, overflow):
        assert np.all((each.p_alive >= 0) & (each.p_alive <= 1))
        assert np.all(np.isfinite(each.mean(WEEKS)) & (each.mean(WEEKS) >= 0))
        pmf = each.pmf(52.0, 50)
        assert np.all(np.isfinite(pmf) & (pmf >= 0))
    assert some.p_alive[[0, 6]] == pytest.approx([1.0, 1.0], abs=0.05)


def test_s_of_one_is_the_limit_of_its_neighbours():
    below, at, above = (
        counts((0.5, 10.0, s, 12.0), 3, 20, 30).mean(WEEKS) for s in (1 - 1e-6, 1.0, 1 + 1e-6)
    )

    assert at == pytest.approx((below + above) / 2, rel=1e-10)


def test_parameters_may_differ_by_customer():
    both = ParetoNBDCounts(
        np.array([0.5, 0.6]),
        np.array([10.0, 5.0]),
        np.array([0.6, 1.2]),
        np.array([12.0, 20.0]),
        np.array([2.0, 5.0]),
        np.array([20.0, 15.0]),
        np.array([30.0, 39.0]),
    )
    second = counts((0.6, 5.0, 1.2, 20.0), 5, 15, 39)

    assert both.mean(WEEKS)[1:] == pytest.approx(second.mean(WEEKS))
    assert both.take(slice(1, 2)).pmf(52.0, 9) == pytest.approx(second.pmf(52.0, 9))


def test_counts_of_thousands_have_their_mean():
    heavy = counts(CDNOW, 5000, 38.9, 39)
    pmf = heavy.pmf(52.0, 8000)

    assert pmf.sum() == pytest.approx(1.0, abs=1e-9)
    assert pmf @ np.arange(8001) == pytest.approx(heavy.mean(WEEKS)[:, 0], rel=1e-8)


positive = st.floats(0.05, 20.0)


@settings(max_examples=60, deadline=None)
@given(positive, positive, positive, positive, st.integers(0, 40), st.floats(0, 1), positive)
def test_probabilities_and_expectation_agree(r, alpha, s, beta, x, share, days):
    T = 30.0
    one = counts((r, alpha + 5, s, beta), x, share * T if x else 0, T)
    n_max = 600
    pmf = one.pmf(days, n_max)

    assert pmf.min() >= 0
    assert pmf.sum() == pytest.approx(1.0, abs=1e-8)
    mean = one.mean(np.array([0.0, days]))
    assert pmf @ np.arange(n_max + 1) == pytest.approx(mean[:, 0], rel=1e-6, abs=1e-10)


@settings(max_examples=60, deadline=None)
@given(positive, positive, positive, positive, st.integers(1, 40), st.floats(1.0, 500.0))
def test_a_later_last_purchase_makes_life_likelier(r, alpha, s, beta, x, T):
    several = counts((r, alpha, s, beta), x, np.linspace(0, T, 7), T)

    assert np.all(np.diff(several.p_alive) >= -1e-12)


@settings(max_examples=40, deadline=None)
@given(positive, positive, st.integers(0, 9), st.floats(1.0, 60.0), st.floats(1.0, 60.0))
def test_expectations_add_up_over_neighbouring_horizons(r, s, x, first, second):
    one = counts((r, 10.0, s, 12.0), x, 9.0 if x else 0.0, 39.0)

    parts = one.mean(np.array([0.0, first, first + second])).sum(axis=1)

    assert parts == pytest.approx(one.mean(np.array([0.0, first + second]))[:, 0], rel=1e-12)


def test_survival_falls_from_p_alive_as_the_lifetimes_do():
    one = counts(CDNOW, [0, 5], [0, 30], 39)
    found = one.survival(np.array([0.0, 20.0]))

    assert found[:, 0] == pytest.approx(one.p_alive)
    lost = (11.6562 + 39) / (11.6562 + 59)
    assert found[:, 1] == pytest.approx(one.p_alive * lost**0.6060)


def test_draws_follow_the_probabilities():
    several = counts(CDNOW, [0, 3, 26], [0, 20, 30.85714], [39, 39, 31])
    edges = np.array([0.0, 20.0, 52.0])
    draws = several.sample(edges, 100_000, np.random.default_rng(1))

    assert draws.mean(axis=0) == pytest.approx(several.mean(edges), rel=0.03)
    none = (draws.sum(axis=2) == 0).mean(axis=0)
    assert none == pytest.approx(several.pmf(52.0, 0)[:, 0], abs=0.006)
    five = (draws.sum(axis=2) == 5).mean(axis=0)
    assert five == pytest.approx(several.pmf(52.0, 5)[:, 5], abs=0.004)
