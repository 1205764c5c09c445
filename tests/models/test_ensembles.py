"""Pools and cohorts: weights by hand, by law, and on a shop."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from patronage.datasets import SimulationSettings, simulate
from patronage.errors import NotEnoughDataError, SettingsError
from patronage.events import EventLog
from patronage.forecast.samples import SampleForecast
from patronage.horizon import Horizon
from patronage.models.baselines import EveryoneAverage, Nothing, SameAgain
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.models.ensembles.bayesian_average import BayesianAverage, model_probabilities
from patronage.models.ensembles.blend import Blend, mixture_weights
from patronage.models.ensembles.by_cohort import ByCohort
from patronage.models.ensembles.pool import FoldChances
from patronage.models.ensembles.vote import Vote
from patronage.registry.codec import decode, encode
from patronage.snapshots import Snapshot, take_snapshot

HORIZON = Horizon(8, "week")
AS_OF = date(2026, 1, 1)


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    shop = SimulationSettings(n_customers=500, start=date(2025, 1, 1), end=AS_OF)
    simulation = simulate(shop, seed=4)
    log = EventLog.from_frame(
        simulation.events, currency="EUR", customers=simulation.tables.customers
    )
    return take_snapshot(log.compact(), as_of=AS_OF)


def test_the_weights_of_two_members_by_hand():
    """Member 1 holds likely (0.8 against 0.2) what came three times in four: w = 11/12.

    d/dw [3 log(0.2 + 0.6 w) + log(0.8 - 0.6 w)] = 0: 3 (0.8 - 0.6 w) = 0.2 + 0.6 w.
    """
    chances = np.array([[0.8, 0.2]] * 3 + [[0.2, 0.8]])

    assert mixture_weights(chances, np.ones(4)) == pytest.approx([11 / 12, 1 / 12], abs=1e-4)


@given(arrays(np.float64, (12, 3), elements=st.floats(0.01, 1.0)))
@example(np.vstack([[0.953, 0.961, 0.953], np.full((11, 3), 0.953)]))  # where plain EM creeps
def test_no_other_weights_have_a_better_score(chances: np.ndarray):
    counts = np.ones(12)
    found = mixture_weights(chances, counts)

    def score(weights: np.ndarray) -> float:
        return float(counts @ np.log(chances @ weights))

    others = np.random.default_rng(1).dirichlet(np.ones(3), 50)
    assert found.sum() == pytest.approx(1.0)
    assert all(score(found) >= score(other) - 1e-4 for other in others)


def test_weights_follow_the_latest_fold_where_half_life_is_short():
    chances = np.array([[0.9, 0.1]] * 10 + [[0.1, 0.9]] * 10)
    seen = FoldChances(("old", "new"), chances, np.repeat([0, 1], 10), np.zeros(20))

    assert Blend({})._weights(seen) == pytest.approx([0.5, 0.5])
    assert Blend({}, half_life=0.2)._weights(seen)[1] > 0.95


def test_a_member_far_likelier_has_all_the_probability():
    chances = np.array([[0.8, 0.1]] * 200)
    seen = FoldChances(("right", "wrong"), chances, np.zeros(200, dtype=np.int64), np.zeros(200))

    assert model_probabilities(seen, n_resamples=50, seed=1) == pytest.approx([1.0, 0.0], abs=1e-6)


def test_members_that_said_the_same_share():
    chances = np.full((200, 2), 0.3)
    seen = FoldChances(("a", "b"), chances, np.zeros(200, dtype=np.int64), np.zeros(200))

    assert model_probabilities(seen, n_resamples=50, seed=1) == pytest.approx([0.5, 0.5])


def test_a_vote_is_the_mean_of_its_members(snapshot: Snapshot):
    members = {"average": EveryoneAverage(), "nothing": Nothing()}

    voted = Vote(members).fit(snapshot, HORIZON).predict(snapshot, HORIZON)

    alone = EveryoneAverage().fit(snapshot, HORIZON).predict(snapshot, HORIZON)
    np.testing.assert_allclose(voted.mean(), alone.mean() / 2)


@dataclass(frozen=True)
class Refuses:
    """A member that always has too little history."""

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> SampleForecast:
        raise NotEnoughDataError("too little.")


@pytest.mark.parametrize("kind", [Vote, Blend, BayesianAverage])
def test_a_member_without_enough_history_is_left_out(kind, snapshot: Snapshot):
    fitted = kind({"young": Refuses(), "nothing": Nothing()}).fit(snapshot, HORIZON)

    assert list(fitted.members) == ["nothing"]
    with pytest.raises(NotEnoughDataError):
        kind({"young": Refuses()}).fit(snapshot, HORIZON)


def test_a_vote_of_nobody_is_refused(snapshot: Snapshot):
    with pytest.raises(SettingsError, match="at least one"):
        Vote({}).fit(snapshot, HORIZON)


@pytest.mark.parametrize("kind", [Blend, BayesianAverage])
def test_the_member_that_knows_most_weighs_most(kind, snapshot: Snapshot):
    members = {"nothing": Nothing(), "pareto": ParetoNBD(), "again": SameAgain()}

    fitted = kind(members).fit(snapshot, HORIZON)

    weights = dict(zip(fitted.members, fitted.weights, strict=True))
    assert max(weights, key=weights.__getitem__) == "pareto"
    assert fitted.weights.sum() == pytest.approx(1.0)


def test_cohorts_are_forecast_by_their_own_model(snapshot: Snapshot):
    fitted = ByCohort(EveryoneAverage(), cohort="quarter", n_least=80).fit(snapshot, HORIZON)

    forecast = fitted.predict(snapshot, HORIZON)

    quarter = snapshot.customers["first_day"].dt.truncate("1q").cast(pl.String)
    per_day = forecast.mean().sum(axis=1) / HORIZON.days
    assert len(fitted.cohorts) >= 2
    assert forecast.customer_id.tolist() == snapshot.customers["customer_id"].to_list()
    for name, model in fitted.cohorts.items():
        assert per_day[(quarter == name).to_numpy()] == pytest.approx(model.cash_per_day)
    others = ~quarter.is_in(list(fitted.cohorts)).to_numpy()
    assert per_day[others] == pytest.approx(fitted.everybody.cash_per_day)


def test_cohorts_may_be_parted_by_an_attribute_and_survive_the_disk(snapshot: Snapshot):
    people = snapshot.events.tables.customers
    assert people is not None
    name = next(c for c in people.columns if people[c].dtype == pl.String and c != "customer_id")
    fitted = ByCohort(EveryoneAverage(), cohort=f"customers.{name}", n_least=50).fit(
        snapshot, HORIZON
    )
    arrays_: dict[str, np.ndarray] = {}

    again = decode(encode(fitted, arrays_), arrays_)

    np.testing.assert_array_equal(
        again.predict(snapshot, HORIZON).mean(), fitted.predict(snapshot, HORIZON).mean()
    )


def test_cohorts_by_what_does_not_exist_are_refused(snapshot: Snapshot):
    with pytest.raises(SettingsError, match="no cohorts by"):
        ByCohort(Nothing(), cohort="mood").fit(snapshot, HORIZON)
