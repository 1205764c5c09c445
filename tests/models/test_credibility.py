"""Credibility: a hand-made example, the laws of its weights, and a truth recovered."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from patronage.models.credibility import Credibility, learn_credibility


def of(cohort: list[str | None], expected: np.ndarray, actual: np.ndarray) -> Credibility:
    """Learned of customers with one row each."""
    return learn_credibility(pl.Series(range(len(cohort))), pl.Series(cohort), expected, actual)


def test_two_cohorts_by_hand():
    """A brings 0 and 2, B 4 and 6, 1 is expected of each; everybody's level is 3.

    In that level A stands at 1/3 and B at 5/3. Within: 4 (1/3)² / 2 = 2/9. Between:
    (2 · 2 (2/3)² − 2/9) / (4 − 8/4) = 7/9. So k = 2/7, and 2 / (2 + 2/7) = 7/8 is believed.
    """
    found = of(["A", "A", "B", "B"], np.ones(4), np.array([0.0, 2.0, 4.0, 6.0]))

    assert found.k == pytest.approx(2 / 7)
    assert found.weights == pytest.approx([7 / 8, 7 / 8])
    assert found.levels == pytest.approx([1 - 7 / 12, 1 + 7 / 12])


def test_a_cohort_without_outcomes_has_everybodys_level():
    found = of(["A", "A", "B", "B"], np.ones(4), np.array([0.0, 2.0, 4.0, 6.0]))

    drawn = found.drawn(np.array([1.0, 1.0]), pl.Series(["not seen", None]))

    assert drawn == pytest.approx([1.0, 1.0])


@given(
    st.lists(st.sampled_from(["A", "B", "C", None]), min_size=12, max_size=12),
    arrays(np.float64, 12, elements=st.floats(0.01, 100.0)),
    arrays(np.float64, 12, elements=st.floats(0.0, 1e4)),
)
def test_weights_lie_between_nothing_and_everything(cohort, expected, actual):
    found = of(cohort, expected, actual)

    assert ((found.weights >= 0) & (found.weights <= 1)).all()
    assert 0 <= found.trust <= 1
    # A level lies between everybody's and the cohort's own.
    own = {
        name: sum(a for c, a in zip(cohort, actual, strict=True) if c == name)
        / sum(e for c, e in zip(cohort, expected, strict=True) if c == name)
        for name in found.names
    }
    known = [c is not None for c in cohort]
    whole = actual[known].sum() / expected[known].sum() if any(known) else 0.0
    for name, level in zip(found.names, found.levels, strict=True):
        if whole > 0:
            low, high = sorted([1.0, own[name] / whole])
            assert low - 1e-9 <= level <= high + 1e-9
        else:
            assert level == 1.0
    assert (found.drawn(expected, pl.Series(cohort, dtype=pl.String)) >= 0).all()


def test_the_ratio_of_variances_is_recovered():
    """Levels about 1 with variance 0.04, outcomes with 2 for each expected unit: k = 50."""
    rng = np.random.default_rng(5)
    level = rng.gamma(25.0, 1 / 25.0, 500)
    cohort = np.repeat(np.arange(500), 60)
    expected = rng.gamma(2.0, 0.5, len(cohort))
    # A gamma of shape m/2 and scale 2 has mean m and variance 2 m.
    actual = rng.gamma(level[cohort] * expected / 2.0, 2.0)

    found = of([str(c) for c in cohort], expected, actual)

    assert found.k == pytest.approx(50.0, rel=0.25)
    assert found.trust == pytest.approx(1.0, abs=0.05)
    mine = dict(zip(found.names, found.levels, strict=True))
    shrunk = np.array([mine[str(c)] for c in range(500)])
    raw = np.bincount(cohort, actual) / np.bincount(cohort, expected)
    assert ((shrunk - level) ** 2).mean() < 0.75 * ((raw - level) ** 2).mean()


def test_expectations_that_say_nothing_are_not_believed():
    rng = np.random.default_rng(6)
    expected = rng.gamma(2.0, 0.5, 4000)
    actual = rng.gamma(1.0, 1.0, 4000)

    found = of(["A", "B"] * 2000, expected, actual)

    assert found.trust < 0.1
    assert np.ptp(found.drawn(expected, pl.Series(["A"] * 4000))) < 0.1 * np.ptp(expected)
