"""Remembering changes no number, and fits once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pytest

from patronage.datasets import SimulationSettings, simulate
from patronage.errors import NotEnoughDataError
from patronage.horizon import Horizon
from patronage.models.base import FittedModel
from patronage.models.catalog import make_model
from patronage.models.memory import Remembered
from patronage.snapshots import Snapshot, take_snapshot

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
