"""BetaGeometricCounts: limits, laws, and draws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import hyp2f1

from patronage.models.btyd.counts_beta_geometric import BetaGeometricCounts
from patronage.models.btyd.dropout_mean import expected_until_dropout

ROUNDED = (0.243, 4.414, 0.793, 2.426)
# The maximum likelihood on CDNOW, in weeks.
CDNOW = (0.2425945, 4.4136019, 0.7929199, 2.4258881)


def counts(parameters, x, t_x, T, *, modified=False):
    x, t_x, T = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, float)) for v in (x, t_x, T)))
    return BetaGeometricCounts(*parameters, x, t_x, T, modified)


def test_without_a_repeat_purchase_bg_is_alive_and_mbg_may_not_be():
    assert counts(CDNOW, 0, 0, 39).p_alive == 1.0
    assert counts(CDNOW, 0, 0, 39, modified=True).p_alive < 0.9


@pytest.mark.parametrize("w", [0.01, 0.4, 1.1, 2.4, 4.9, 30.0])
@pytest.mark.parametrize("r", [0.24, 3.2, 40.0])
def test_expectation_is_the_textbook_form_where_that_is_sound(r, w):
    a, b = 0.793, np.array([2.426, 5.4, 42.4])
    sizes = np.full(3, r)
    textbook = (a + b - 1) / (a - 1) * (1 - (1 + w) ** -r * hyp2f1(r, b, a + b - 1, w / (1 + w)))

    found = expected_until_dropout(sizes, np.full((3, 1), w), a=a, b=b)[:, 0]

    assert found == pytest.approx(textbook, rel=1e-9)


def test_nodes_and_trapezoid_agree_beside_each_bound():
    """Rules change with w: on both sides of each change the value is the same."""
    r, b = np.array([0.3, 6.0, 40.0]), np.array([2.0, 8.0, 41.0])
    for bound in (0.25, 0.6, 1.2, 2.5, 5.0):
        w = np.full((3, 1), bound)
        below, above = (
            expected_until_dropout(r, w * side, a=0.8, b=b) for side in (1 - 1e-13, 1 + 1e-13)
        )
        assert below == pytest.approx(above, rel=1e-11)


@pytest.mark.parametrize(
    ("a", "b"), [(1.0, 2.4), (0.3, 0.7), (0.01, 0.05), (1e-6, 1e3), (1e5, 1e6), (20.0, 0.02)]
)
@pytest.mark.parametrize("w", [1e-9, 0.5, 1e3, 1e7])
def test_expectation_is_finite_for_every_dropout(a, b, w):
    found = expected_until_dropout(np.array([5000.2]), np.array([[w]]), a=a, b=np.array([b]))

    assert np.isfinite(found).all()
    assert 0 <= found[0, 0] <= 5000.2 * w * (1 + 1e-9)
    assert found[0, 0] >= -np.expm1(-5000.2 * np.log1p(w)) * (1 - 1e-9)


def test_a_of_one_is_the_limit_of_its_neighbours():
    r, w, b = np.array([2.2]), np.array([[0.8]]), np.array([3.0])
    below, at, above = (expected_until_dropout(r, w, a=a, b=b) for a in (1 - 1e-6, 1.0, 1 + 1e-6))

    assert at == pytest.approx((below + above) / 2, rel=1e-10)


def test_many_customers_get_what_each_gets_alone():
    rng = np.random.default_rng(3)
    x = rng.integers(0, 30, 3000).astype(float)
    T = rng.uniform(0, 300, 3000)
    t_x = np.where(x > 0, T * rng.random(3000), 0.0)
    edges = np.array([0.0, 30.0, 365.0])
    many = counts((0.25, 30.0, 0.8, 2.4), x, t_x, T)
    by_row = BetaGeometricCounts(
        np.full(3000, 0.25), np.full(3000, 30.0), np.full(3000, 0.8), np.full(3000, 2.4), x, t_x, T
    )

    assert many.mean(edges) == pytest.approx(by_row.mean(edges), rel=1e-9, abs=1e-13)
    some = np.arange(0, 3000, 97)
    alone = np.concatenate([many.take(slice(i, i + 1)).mean(edges) for i in some])
    assert many.mean(edges)[some] == pytest.approx(alone, rel=1e-10, abs=1e-14)


def test_extreme_histories_stay_finite():
    x = [5000, 0, 0, 5000, 1]
    t_x, T = [1e7, 0, 0, 1, 0], [1e7, 1e7, 0, 1e7, 0]
    for modified in (False, True):
        some = counts((0.24, 31.0, 0.8, 2.4), x, t_x, T, modified=modified)
        mean, pmf = some.mean(np.array([0.0, 7.0, 3650.0])), some.pmf(3650.0, 100)

        assert np.all((some.p_alive >= 0) & (some.p_alive <= 1))
        assert np.all(np.isfinite(mean) & (mean >= 0))
        assert np.all(np.isfinite(pmf) & (pmf >= 0))


positive = st.floats(0.05, 20.0)


@settings(max_examples=80, deadline=None)
@given(
    positive,
    positive,
    positive,
    positive,
    st.integers(0, 40),
    st.floats(0, 1),
    positive,
    st.booleans(),
)
def test_probabilities_and_expectation_agree(r, alpha, a, b, x, share, days, modified):
    T = 30.0
    one = counts((r, alpha + 5, a, b), x, share * T if x else 0, T, modified=modified)
    n_max = 600
    pmf = one.pmf(days, n_max)

    assert pmf.min() >= 0
    assert pmf.sum() == pytest.approx(1.0, abs=1e-8)
    mean = one.mean(np.array([0.0, days]))
    assert pmf @ np.arange(n_max + 1) == pytest.approx(mean[:, 0], rel=1e-7, abs=1e-11)


@settings(max_examples=60, deadline=None)
@given(positive, positive, positive, positive, st.integers(1, 40), st.floats(1.0, 500.0))
def test_a_later_last_purchase_makes_life_likelier(r, alpha, a, b, x, T):
    for modified in (False, True):
        several = counts((r, alpha, a, b), x, np.linspace(0, T, 7), T, modified=modified)

        assert np.all(np.diff(several.p_alive) >= -1e-12)


@settings(max_examples=40, deadline=None)
@given(positive, positive, st.integers(0, 9), st.floats(1.0, 60.0), st.floats(1.0, 60.0))
def test_expectations_add_up_over_neighbouring_horizons(r, a, x, first, second):
    one = counts((r, 10.0, a, 2.0), x, 9.0 if x else 0.0, 39.0)

    parts = one.mean(np.array([0.0, first, first + second])).sum(axis=1)

    assert parts == pytest.approx(one.mean(np.array([0.0, first + second]))[:, 0], rel=1e-10)


def test_survival_is_the_chance_of_no_dropout_in_the_draws():
    """Alive after u: dropped out at none of a Poisson number of purchases."""
    one = counts(CDNOW, [0, 5], [0, 30], 39, modified=True)
    found = one.survival(np.array([0.0, 200.0]))
    rng = np.random.default_rng(0)
    rate = rng.gamma(0.2425945 + np.array([0, 5]), 1 / (4.4136019 + 39), (200_000, 2))
    p = rng.beta(0.7929199, 2.4258881 + np.array([1, 6]), (200_000, 2))

    assert found[:, 0] == pytest.approx(one.p_alive)
    assert found[:, 1] == pytest.approx(
        one.p_alive * np.exp(-rate * p * 200.0).mean(axis=0), abs=3e-3
    )


@pytest.mark.parametrize("modified", [False, True])
def test_draws_follow_the_probabilities(modified):
    several = counts(ROUNDED, [0, 3, 26], [0, 20, 30.85714], [39, 39, 31], modified=modified)
    edges = np.array([0.0, 20.0, 52.0])
    draws = several.sample(edges, 100_000, np.random.default_rng(1))

    assert draws.mean(axis=0) == pytest.approx(several.mean(edges), rel=0.03)
    pmf = several.pmf(52.0, 5)
    for n in (0, 1, 5):
        seen = (draws.sum(axis=2) == n).mean(axis=0)
        assert seen == pytest.approx(pmf[:, n], abs=0.006)
