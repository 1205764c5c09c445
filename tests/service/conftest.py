"""A small shop that is served: a real store, a real model, real keys."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("fastapi", reason="for want of fastapi, of the extra live")

from patronage.datasets import SimulationSettings, simulate
from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.live.history import bring_history
from patronage.live.live_model import LiveModel, load_live_model
from patronage.live.online_store import InProcessStore
from patronage.live.scorer import Scorer
from patronage.live.sql_event_store import SqlEventStore
from patronage.live.sqlite import SQLite
from patronage.live.system import LiveSystem
from patronage.live.workspace import Workspace, write_workspace
from patronage.models.catalog import make_model
from patronage.registry import Artifact, load_artifact, save_artifact
from patronage.scoring import score, scoring_of
from patronage.service import KeyStore, ServiceSettings, make_app
from patronage.service.gate import Gate
from patronage.service.logs import json_log
from patronage.snapshots import take_snapshot
from patronage.value import Economics

AS_OF, NOW = date(2026, 1, 1), datetime(2025, 12, 31, 12)


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A run's folder with two models."""
    folder = tmp_path_factory.mktemp("run")
    shop = SimulationSettings(n_customers=120, start=date(2025, 1, 1), end=AS_OF)
    events = simulate(shop, seed=4).events.filter(kind="purchase")
    log = EventLog.from_frame(events, currency="EUR")
    snapshot, horizon = take_snapshot(log.compact(), as_of=AS_OF), Horizon(26, "week")
    for name in ("everyone_average", "bg_nbd"):
        fitted = make_model(name).fit(snapshot, horizon)
        artifact = Artifact(name, fitted, horizon, AS_OF, "EUR")
        save_artifact(artifact, folder / "models" / name)
    chosen = load_artifact(folder / "models" / "bg_nbd")
    ready = snapshot.with_features(chosen.fitted.features)
    scores = score(ready, scoring_of(chosen, Economics()))
    return write_workspace(folder, folder / "models" / "bg_nbd", snapshot, Economics(), scores)


@pytest.fixture(scope="session")
def model(workspace: Workspace) -> LiveModel:
    """The run's model, at work in every test; it never changes."""
    return load_live_model(workspace)


@pytest.fixture(scope="session")
def brought(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that holds the history; copied for each test."""
    path = tmp_path_factory.mktemp("brought") / "live.db"
    store = SqlEventStore(SQLite(path), workspace.spelling)
    bring_history(store, workspace)
    store.close()
    return path


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A file of keys, and a key for each scope, for all and for none that is known."""
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    store = KeyStore(path)
    made = {scope: store.create(scope, [scope])[0] for scope in ("read", "write", "admin")}
    return path, made | {"all": store.create("all", ["read", "write", "admin"])[0]}


@dataclass
class Served:
    """A service under test; `ask` sends one request to it."""

    app: Gate
    system: LiveSystem
    keys: dict[str, str]
    clock: list[datetime]
    logs: StringIO = field(repr=False)

    @property
    def customer(self) -> Any:
        """Somebody of the shop."""
        return next(self.system.store.all_held())[0].customer_id

    def client(self, key: str | None = "all") -> httpx.AsyncClient:
        """A client with one of the keys, within this process."""
        headers = {} if key is None else {"Authorization": f"Bearer {self.keys.get(key, key)}"}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://shop", headers=headers)

    def ask(
        self, method: str, path: str, *, key: str | None = "all", **more: Any
    ) -> httpx.Response:
        """One request."""

        async def go(client: httpx.AsyncClient) -> httpx.Response:
            return await client.request(method, path, **more)

        return self.run(go, key=key)

    def run(
        self, work: Callable[[httpx.AsyncClient], Awaitable[Any]], *, key: str | None = "all"
    ) -> Any:
        """Some requests in one event loop."""

        async def go() -> Any:
            async with self.client(key) as client:
                return await work(client)

        return asyncio.run(go())

    def event(self, event_id: str, customer_id: Any = None, **more: Any) -> dict[str, Any]:
        """A purchase of this morning."""
        who = self.customer if customer_id is None else customer_id
        usual = {"event_time": "2025-12-31T10:00:00Z", "kind": "purchase", "amount": "25.00"}
        return {"event_id": event_id, "customer_id": who, **usual, **more}


@pytest.fixture
def serve(
    workspace: Workspace,
    model: LiveModel,
    brought: Path,
    keys: tuple[Path, dict[str, str]],
    tmp_path: Path,
) -> Iterator[Callable[..., Served]]:
    """Make a service; settings and parts may be other ones."""
    begun: list[Served] = []

    def make(
        *,
        background: bool = False,
        online: Any = None,
        folder: Path = tmp_path,
        **settings: Any,
    ) -> Served:
        path = folder / f"live{len(begun)}.db"
        path.write_bytes(brought.read_bytes())
        store = SqlEventStore(SQLite(path), workspace.spelling)
        clock = [NOW]
        online = online or InProcessStore()
        scorer = Scorer(store, online, model, now=lambda: clock[0])
        system = LiveSystem(store, online, scorer, workspace, now=lambda: clock[0])
        logs = StringIO()
        told = ServiceSettings(keys_file=keys[0], **settings)
        app = make_app(system, told, log=json_log("info", logs))
        served = Served(app, system, keys[1], clock, logs)
        begun.append(served)
        if background:
            scorer.start()
        return served

    yield make
    for served in begun:
        served.system.scorer.stop()
        asyncio.run(served.app.parts.close())
        served.app.close()
        served.system.store.close()
    (workspace.folder / "models" / "active-model").unlink(missing_ok=True)


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    """The usual service; its scorer is asked to score by the tests themselves."""
    return serve()
