import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patronage.models.blending import blend, blend_weights
from patronage.models.folds import Summary

positive = st.floats(1e-3, 1e3)


def member(expected: np.ndarray) -> Summary:
    """Purchases worth 10 each, at Poisson times."""
    return Summary(10 * expected, expected, -np.expm1(-expected))


def simulated(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two independent halves of each customer's log rate, and what was bought."""
    rng = np.random.default_rng(5)
    first, second = rng.gamma(1.0, 1.0, (2, n))
    return first, second, rng.poisson(0.7 * first + 0.3 * second).astype(float)


def test_weights_are_recovered_from_what_the_blend_brought():
    first, second, bought = simulated(40_000)

    weights = blend_weights((member(first), member(second)), 10 * bought, bought)

    assert weights == pytest.approx([0.7, 0.3], abs=0.03)


def test_a_member_that_knows_nothing_has_no_weight():
    first, _, _ = simulated(5_000)
    bought = np.random.default_rng(6).poisson(first).astype(float)
    everyone = member(np.full(5_000, first.mean()))

    weights = blend_weights((member(first), everyone), 10 * bought, bought)

    assert weights[1] < 0.03


def test_members_that_forecast_alike_share_what_they_earn():
    first, _, bought = simulated(2_000)

    weights = blend_weights((member(first), member(first)), 10 * bought, bought, pull=0.02)

    assert weights == pytest.approx([0.5, 0.5])


def test_without_any_outcome_all_weigh_the_same():
    nothing = np.zeros(3)

    weights = blend_weights((member(np.ones(3)), member(2 * np.ones(3))), nothing, nothing)

    assert weights == pytest.approx([0.5, 0.5])


def test_the_level_of_the_outcome_has_no_say():
    first, second, bought = simulated(4_000)
    members = (member(first), member(second))

    low = blend_weights(members, 10 * bought, bought)
    high = blend_weights(members, 30 * bought, 3 * bought)

    assert low == pytest.approx(high, abs=1e-3)


@given(st.lists(st.tuples(positive, positive), min_size=1, max_size=5), st.floats(0, 1))
def test_a_blend_lies_between_its_members(rows: list[tuple[float, float]], weight: float):
    first, second = np.array(rows).T

    told = blend((member(first), member(second)), np.array([weight, 1 - weight]))

    for found, a, b in (
        (told.purchases, first, second),
        (told.p_positive, -np.expm1(-first), -np.expm1(-second)),
    ):
        assert np.all(found >= np.minimum(a, b) - 1e-9)
        assert np.all(found <= np.maximum(a, b) + 1e-9)
