"""The weight of a newcomer's answer: its laws, and what it learns of chances."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patronage.models.ensembles.tenure_weight import TenureWeight, learn_tenure_weight

DAYS = np.arange(0.0, 200.0, 0.5)


def lawful(weight: TenureWeight) -> bool:
    """From 0 to 1, never rising, and nothing from the limit on."""
    at, beyond = weight.at(DAYS), weight.limit <= DAYS
    inside = bool(((at >= 0) & (at <= 1)).all())
    return inside and bool((np.diff(at) <= 0).all()) and not at[beyond].any()


@given(st.floats(-20, 20), st.floats(0, 10), st.floats(0.5, 150))
def test_any_weight_is_lawful(level: float, slope: float, limit: float):
    assert lawful(TenureWeight(level, slope, limit))


@given(
    st.lists(
        st.tuples(st.floats(0.001, 1.0), st.floats(0.001, 1.0), st.floats(0.0, 150.0)),
        max_size=30,
    )
)
def test_whatever_was_seen_a_learned_weight_is_lawful(seen: list[tuple[float, float, float]]):
    regular, newcomer, tenure = np.array(seen).reshape(-1, 3).T

    assert lawful(learn_tenure_weight(regular, newcomer, tenure, limit=90.0))


def test_of_nobody_nothing_is_learned():
    none = np.empty(0)

    assert learn_tenure_weight(none, none, none, limit=90.0).is_nothing


def test_an_answer_that_was_no_better_has_no_weight():
    chance, tenure = np.full(300, 0.2), np.linspace(0, 89, 300)

    assert learn_tenure_weight(chance, 0.9 * chance, tenure, limit=90.0).is_nothing
    assert learn_tenure_weight(chance, chance, tenure, limit=90.0).is_nothing


def test_three_customers_are_no_evidence():
    three = np.ones(3)

    assert learn_tenure_weight(0.2 * three, 0.4 * three, 9 * three, limit=90.0).is_nothing
    many = np.ones(300)
    assert not learn_tenure_weight(0.2 * many, 0.4 * many, 9 * many, limit=90.0).is_nothing


def test_older_customers_change_nothing():
    rng = np.random.default_rng(3)
    regular, newcomer = rng.uniform(0.1, 0.5, (2, 400))
    tenure = np.linspace(0, 180, 400)
    young = tenure < 90

    assert learn_tenure_weight(regular, newcomer, tenure, limit=90.0) == learn_tenure_weight(
        regular[young], newcomer[young], tenure[young], limit=90.0
    )


def test_an_advantage_that_ends_early_makes_the_weight_fall():
    """Twice as likely in the first ten days, half as likely later."""
    tenure = np.linspace(0, 80, 2000)
    newcomer = np.where(tenure < 10, 0.4, 0.1)

    weight = learn_tenure_weight(np.full(2000, 0.2), newcomer, tenure, limit=90.0)

    first, later = weight.at(np.array([0.0, 40.0]))
    assert weight.slope > 1
    assert first > 0.8
    assert later < 0.1


def test_the_share_of_two_worlds_is_recovered():
    """Half of the outcomes come of each model: the mixture that is right has the weight 1/2."""
    rng = np.random.default_rng(8)
    n = 20_000
    of_newcomer = rng.random(n) < 0.5
    # Each model holds its own world's outcome likely with 0.9, the other's with 0.1.
    right = rng.random(n) < 0.9
    outcome = of_newcomer == right
    newcomer, regular = np.where(outcome, 0.9, 0.1), np.where(outcome, 0.1, 0.9)

    weight = learn_tenure_weight(regular, newcomer, np.zeros(n), limit=90.0)

    assert weight.at(np.zeros(1))[0] == pytest.approx(0.5, abs=0.03)
