"""One small shop, and every forecast model of the catalogue fitted to it once."""

from collections.abc import Callable
from datetime import date
from functools import cache

import pytest

from patronage.datasets import SimulationSettings, simulate
from patronage.engines import default_engine
from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.jobs.candidates import EVERY, Candidates, candidates
from patronage.models.base import FittedModel, Model
from patronage.snapshots import Snapshot, take_snapshot
from patronage.snapshots.features import HISTORY

AS_OF = date(2026, 1, 1)
HORIZON = Horizon(8, "week")


@pytest.fixture(scope="session")
def everything() -> Candidates:
    """Every forecast model, buy-till-you-die models also recalibrated."""
    return candidates((EVERY,))


@pytest.fixture(scope="session")
def log() -> EventLog:
    """A shop with returns, late refunds, a club and seasons; it goes on after AS_OF."""
    shop = SimulationSettings(n_customers=450, start=date(2025, 1, 1), end=date(2026, 3, 1))
    return EventLog.from_frame(simulate(shop, seed=3).events, currency="EUR").compact()


@pytest.fixture(scope="session")
def snapshot(log: EventLog) -> Snapshot:
    """Earlier days are kept for the next model that learns from them."""
    return take_snapshot(log, as_of=AS_OF, features=tuple(HISTORY)).remembering()


@pytest.fixture(scope="session")
def alone(log: EventLog, snapshot: Snapshot) -> Snapshot:
    """The same of a log cut at AS_OF by hand, before anything was made of it."""
    known = default_engine().frame(snapshot.events.sql())
    past = EventLog.from_frame(known, currency="EUR")
    assert log.last_day() > snapshot.as_of
    return take_snapshot(past, as_of=AS_OF, features=snapshot.features).remembering()


@pytest.fixture(scope="session")
def model(everything: Candidates) -> Callable[[str], Model]:
    return everything.models.__getitem__


@pytest.fixture(scope="session")
def fitted(everything: Candidates, snapshot: Snapshot) -> Callable[[str], FittedModel]:
    """Every model is fitted once, with seed 5."""

    @cache
    def fit(name: str) -> FittedModel:
        return everything.models[name].fit(snapshot, HORIZON, seed=5)

    return fit
