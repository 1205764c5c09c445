"""Decisions under asymmetric losses: each is the minimum of its loss, and known at its edges."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patronage.decide import (
    budget_decision,
    expectile_decision,
    linex_decision,
    newsvendor_decision,
)
from patronage.errors import SettingsError
from patronage.forecast import SampleForecast
from patronage.horizon import Horizon

outcomes = st.lists(st.sampled_from([0.0, 0.0, 3.0]) | st.floats(0, 50), min_size=2, max_size=12)
costs = st.floats(0.1, 10.0)


def drawn(values) -> SampleForecast:
    """One customer whose outcomes are these, each as likely."""
    draws = np.asarray(values, dtype=float).reshape(-1, 1, 1)
    return SampleForecast(np.array(["a"]), date(2026, 1, 1), Horizon(1, "year"), draws)


def sampled(values) -> np.ndarray:
    """What the decisions from draws look at."""
    return drawn(values).sample_total(2000, np.random.default_rng([0, 0]))[:, 0]


@settings(deadline=None)
@given(outcomes, costs, costs)
def test_no_other_number_has_a_lower_pinball_loss(values, low, high):
    seen = np.asarray(values)

    decided = newsvendor_decision(drawn(values), cost_too_low=low, cost_too_high=high)[0]

    def loss(d: float) -> float:
        return float((low * np.maximum(seen - d, 0) + high * np.maximum(d - seen, 0)).mean())

    # Quantiles are taken between draws, so that a neighbour may be as much as a step better.
    step = np.diff(np.sort(seen)).max() * max(low, high) / len(seen)
    assert loss(decided) <= min(loss(d) for d in seen) + step + 1e-9
    level = low / (low + high)
    assert decided == pytest.approx(drawn(values).quantile([level])[0, 0])


@settings(deadline=None, max_examples=50)
@given(outcomes, costs, costs, st.floats(-5, 55))
def test_no_other_number_has_a_lower_asymmetric_squared_loss(values, low, high, other):
    seen = sampled(values)

    decided = expectile_decision(drawn(values), cost_too_low=low, cost_too_high=high)[0]

    def loss(d: float) -> float:
        return float((np.where(seen > d, low, high) * (seen - d) ** 2).mean())

    assert loss(decided) <= loss(other) + 1e-9


@settings(deadline=None, max_examples=50)
@given(outcomes, st.floats(-0.4, 0.4).filter(lambda a: abs(a) > 0.01), st.floats(-5, 55))
def test_no_other_number_has_a_lower_linex_loss(values, a, other):
    seen = sampled(values)

    decided = linex_decision(drawn(values), a=a)[0]

    def loss(d: float) -> float:
        return float((np.exp(a * (d - seen)) - a * (d - seen) - 1).mean())

    assert loss(decided) <= loss(other) * (1 + 1e-9) + 1e-9


@settings(deadline=None, max_examples=50)
@given(outcomes, costs)
def test_where_both_sides_cost_the_same_the_mean_is_decided(values, cost):
    mean = sampled(values).mean()

    assert expectile_decision(drawn(values), cost_too_low=cost, cost_too_high=cost)[
        0
    ] == pytest.approx(mean)
    for a in (0.0, 1e-9, -1e-9):
        assert linex_decision(drawn(values), a=a)[0] == pytest.approx(mean, rel=1e-5, abs=1e-5)


@settings(deadline=None, max_examples=50)
@given(outcomes, st.floats(0.01, 50.0))
def test_linex_decides_between_the_least_and_the_mean_however_steep(values, a):
    seen = sampled(values)

    cautious = linex_decision(drawn(values), a=a)[0]
    bold = linex_decision(drawn(values), a=-a)[0]

    assert seen.min() - 1e-9 <= cautious <= seen.mean() + 1e-9
    assert seen.mean() - 1e-9 <= bold <= seen.max() + 1e-9


def test_a_budget_goes_to_the_most_worth_up_to_the_cap():
    worth = np.array([100.0, -5.0, 30.0, 50.0])

    free = budget_decision(worth, cac_cap=40.0, share=0.5)
    tight = budget_decision(worth, cac_cap=40.0, share=0.5, budget=60.0)

    assert free.tolist() == [40.0, 0.0, 15.0, 25.0]
    assert tight.tolist() == [40.0, 0.0, 0.0, 20.0]


def test_costs_that_make_no_sense_are_refused():
    with pytest.raises(SettingsError, match="cost_too_low"):
        newsvendor_decision(drawn([1.0, 2.0]), cost_too_low=0.0, cost_too_high=1.0)
