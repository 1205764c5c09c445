"""Put a live system together from settings: workspace, stores, model, scorer."""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from patronage.config import ServeSettings
from patronage.errors import StoreError
from patronage.live.database import Database
from patronage.live.history import bring_history
from patronage.live.lanes import LANES, Lane
from patronage.live.live_model import load_live_model
from patronage.live.online_store import InProcessStore, OnDisk, OnlineStore
from patronage.live.scorer import Scorer
from patronage.live.sql_event_store import SqlEventStore
from patronage.live.sqlite import SQLite
from patronage.live.system import LiveSystem
from patronage.live.workspace import Workspace

__all__ = ["catch_up", "open_online", "open_store", "open_system"]

_log = logging.getLogger(__name__)


def open_system(
    settings: ServeSettings,
    *,
    signing_key: bytes | None = None,
    progress: Callable[[str, float], None] = lambda _what, _done: None,
) -> LiveSystem:
    """The system that the settings describe, its history brought; the scorer is not started.

    Raises
    ------
    PatronageError : the workspace, the model or a store does not allow it
    """
    workspace = Workspace.open(settings.workspace)
    store = open_store(settings, workspace)
    bring_history(store, workspace, progress=lambda done: progress("reading the run's log", done))
    model = load_live_model(workspace, store=store, signing_key=signing_key)
    online = _online(settings, store)
    scorer = Scorer(store, online, model, history_days=settings.history_days)
    return LiveSystem(store, online, scorer, workspace, lanes=store.lanes)


def open_store(settings: ServeSettings, workspace: Workspace) -> SqlEventStore:
    """The event store that the settings name."""
    return SqlEventStore(_database(settings), workspace.spelling, _lanes(settings, workspace))


def catch_up(system: LiveSystem) -> threading.Thread:
    """Fill the online store behind the scenes, and make due whose score is not of today's model.

    Answers do not wait for it: who is not there yet is read from the event store.
    """

    def work() -> None:
        due: dict[str, list[Any]] = defaultdict(list)
        for some in system.store.all_held():
            scored = [held for held in some if held.score is not None]
            try:
                system.online.put(scored)
            except StoreError as error:
                system.scorer.owe([held.customer_id for held in scored])
                _log.warning("the online store cannot be filled now: %s", error)
            for held in some:
                if not system.scorer.fresh(held):
                    due[_why(system, held)].append(held.customer_id)
        for trigger, customers in due.items():
            system.store.mark(trigger, now=system.now(), customer_ids=customers)
        system.scorer.wake()

    thread = threading.Thread(target=work, name="catch up", daemon=True)
    thread.start()
    return thread


def _why(system: LiveSystem, held: Any) -> str:
    if held.score is None:
        return "import"
    return "calendar" if held.fingerprint == system.scorer.model.fingerprint else "model"


def _database(settings: ServeSettings) -> Database:
    address = settings.events.get_secret_value()
    if address.startswith(("postgresql://", "postgres://")):
        from patronage.live.postgres import PostgreSQL

        return PostgreSQL(address)
    return SQLite(Path(address) if address else settings.workspace / "live" / "events.db")


def open_online(settings: ServeSettings) -> OnlineStore | None:
    """The online store that the settings name; None: they name none that others could read."""
    address = settings.online.get_secret_value()
    if not address:
        return None
    from patronage.live.redis_store import RedisStore

    return RedisStore(address)


def _online(settings: ServeSettings, store: SqlEventStore) -> OnlineStore:
    if (named := open_online(settings)) is not None:
        return named
    # Why: what one process holds the others do not see.
    return InProcessStore() if settings.workers == 1 else OnDisk(store)


def _lanes(settings: ServeSettings, workspace: Workspace) -> tuple[Lane, ...]:
    if settings.lanes is not None:
        return tuple(Lane(**one.model_dump()) for one in settings.lanes)
    large = settings.high_value or Decimal(str(workspace.large))
    return tuple(
        replace(lane, at_least=large) if lane.name == "high-value purchase" else lane
        for lane in LANES
    )
