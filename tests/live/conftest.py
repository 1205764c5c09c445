"""Every database and every store that the live path can stand on."""

from collections.abc import Callable, Iterator

import pytest

from live.arriving import SPELLING
from patronage.live.database import Database
from patronage.live.sql_event_store import SqlEventStore
from patronage.live.sqlite import SQLite

Opened = Callable[[], SqlEventStore]


@pytest.fixture(params=["SQLite", pytest.param("PostgreSQL", marks=pytest.mark.service)])
def opened(request, tmp_path) -> Iterator[Opened]:
    """Opens the same empty event store again and again, as one process after another would."""
    stores = []

    def database() -> Database:
        if request.param == "SQLite":
            return SQLite(tmp_path / "live" / "events.db")
        from patronage.live.postgres import PostgreSQL

        return PostgreSQL(request.getfixturevalue("postgres_url"), connections=3)

    def one() -> SqlEventStore:
        stores.append(SqlEventStore(database(), SPELLING))
        return stores[-1]

    if request.param == "PostgreSQL":
        request.getfixturevalue("postgres_url")
    yield one
    for store in stores:
        store.close()


@pytest.fixture
def store(opened) -> SqlEventStore:
    """An empty event store, over every database in turn."""
    return opened()
