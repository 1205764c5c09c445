"""Remembering changes no number, and fits once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pytest

from patronage.datasets import SimulationSettings, simulate
from patronage.errors import NotEnoughDataError
from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.models.base import FittedModel
from patronage.models.catalog import make_model
from patronage.models.memory import Remembered
from patronage.snapshots import Snapshot, take_snapshot
from patronage.snapshots.memory import SnapshotMemory

HORIZON = Horizon(8, "week")


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return take_snapshot(simulate(SimulationSettings(n_customers=300), seed=3).log().compact())


@dataclass(frozen=True)
class Counting:
    """Pareto/NBD that counts its fits."""

    fits: list[date] = field(default_factory=list)

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedModel:
        self.fits.append(snapshot.as_of)
        return make_model("pareto_nbd").fit(snapshot, horizon, seed=seed)


def test_equal_arguments_are_fitted_once_by_any_number_of_threads(snapshot: Snapshot) -> None:
    counting = Counting()
    model = Remembered(counting)

    with ThreadPoolExecutor(4) as pool:
        fitted = list(pool.map(lambda _: model.fit(snapshot, HORIZON), range(8)))

    assert counting.fits == [snapshot.as_of]
    assert all(one is fitted[0] for one in fitted)


def test_other_arguments_are_other_fits(snapshot: Snapshot) -> None:
    counting = Counting()
    model = Remembered(counting)
    earlier = snapshot.rewind(date(2026, 1, 1))

    for known, horizon in ((snapshot, HORIZON), (earlier, HORIZON), (earlier, Horizon(4, "week"))):
        model.fit(known, horizon)

    assert counting.fits == [snapshot.as_of, earlier.as_of, earlier.as_of]


def test_a_remembered_model_forecasts_as_the_model_itself(snapshot: Snapshot) -> None:
    plain = make_model("mbg_nbd")

    told = Remembered(plain).fit(snapshot, HORIZON).predict(snapshot, HORIZON).mean()

    np.testing.assert_array_equal(
        told, plain.fit(snapshot, HORIZON).predict(snapshot, HORIZON).mean()
    )


def test_a_refusal_is_remembered_too(snapshot: Snapshot) -> None:
    @dataclass(frozen=True)
    class Refusing:
        def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedModel:
            raise NotEnoughDataError("too few.\nTo mend: bring more.")

    model = Remembered(Refusing())

    for _ in range(2):
        with pytest.raises(NotEnoughDataError, match="too few"):
            model.fit(snapshot, HORIZON)


def test_rewound_days_are_kept_and_equal(snapshot: Snapshot) -> None:
    keeping = snapshot.remembering()
    day = date(2025, 10, 1)

    first, second = keeping.rewind(day), keeping.rewind(day)

    assert first is second
    assert first.customers.equals(snapshot.rewind(day).customers)


@pytest.mark.slow
def test_boosting_models_that_share_a_lesson_forecast_as_each_alone() -> None:
    drawn = simulate(SimulationSettings(n_customers=500), seed=5).events
    plain = drawn.select("customer_id", "event_time", "known_time", "kind", "amount")
    apart = take_snapshot(EventLog.from_frame(plain, currency="USD").compact())
    together = apart.remembering()
    horizon = Horizon(4, "week")

    for name in ("hurdle_lightgbm", "tweedie_lightgbm"):
        alone, shared = (
            make_model(name).fit(known, horizon, seed=3).predict(known, horizon)
            for known in (apart, together)
        )
        np.testing.assert_array_equal(alone.mean(), shared.mean())
        np.testing.assert_array_equal(alone.n_purchases, shared.n_purchases)


def test_what_is_recalled_is_made_once_per_day_and_key(snapshot: Snapshot) -> None:
    keeping = snapshot.remembering()
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return name

    with ThreadPoolExecutor(4) as pool:
        names = ["a", "b"] * 8
        found = list(
            pool.map(lambda name: keeping.recall(name, lambda: make(name), n_rows=len), names)
        )

    assert found == names
    assert sorted(made) == ["a", "b"]
    earlier = keeping.rewind(date(2025, 10, 1))
    assert earlier.recall("a", lambda: "another day", n_rows=len) == "another day"
    assert snapshot.recall("a", lambda: "no memory", n_rows=len) == "no memory"


def test_a_chunk_does_not_recall_what_was_made_of_the_whole(snapshot: Snapshot) -> None:
    keeping = snapshot.remembering()
    keeping.recall("rows", lambda: len(keeping.customers), n_rows=int)

    chunk = keeping.take(slice(0, 10))

    assert chunk.recall("rows", lambda: len(chunk.customers), n_rows=int) == 10


def test_a_memory_forgets_what_was_not_asked_for_longest() -> None:
    memory = SnapshotMemory()

    def recall(key: str) -> list[str]:
        return memory.get(key, lambda: [key], n_rows=lambda _: 900_000)

    first, second = recall("first"), recall("second")
    assert recall("first") is first
    recall("third")

    assert recall("first") is first
    assert recall("second") is not second
