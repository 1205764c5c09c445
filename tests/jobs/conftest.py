"""A small simulated shop, and one cheap run of it."""

from datetime import date

import pytest

from patronage.datasets import SimulationSettings, simulate
from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.jobs import RunResult, RunSettings, run

CHEAP = ("nothing", "everyone_average", "pareto_nbd")


@pytest.fixture(scope="session")
def shop_log() -> EventLog:
    settings = SimulationSettings(n_customers=260, start=date(2025, 1, 1), end=date(2026, 1, 1))
    drawn = simulate(settings, seed=1)
    return EventLog.from_frame(drawn.events, currency="USD", customers=drawn.tables.customers)


@pytest.fixture(scope="session")
def shop_run(shop_log: EventLog, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    settings = RunSettings(horizon=Horizon(8, "week"), models=CHEAP, margin=0.4, cac=5.0)
    return run(shop_log, tmp_path_factory.mktemp("run"), settings, run_id="abc", title="A shop")
