"""Every database and every store that the live path can stand on."""

import uuid
from collections.abc import Callable, Iterator

import pytest

from live.arriving import SPELLING
from live.servers import own_cluster
from patronage.live.database import Database
from patronage.live.online_store import InProcessStore, OnlineStore
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


@pytest.fixture(scope="session")
def redis_cluster_url(tmp_path_factory) -> Iterator[str]:
    """The address of a Redis Cluster of three servers."""
    pytest.importorskip("redis", reason="for want of redis, of the extra live")
    with own_cluster(tmp_path_factory.mktemp("cluster")) as url:
        yield url


REDIS = [
    pytest.param("Redis", marks=pytest.mark.service),
    pytest.param("Redis Cluster", marks=pytest.mark.service),
]


@pytest.fixture(params=REDIS)
def redis_address(request) -> str:
    """One server, and a cluster."""
    return request.getfixturevalue("redis_url" if request.param == "Redis" else "redis_cluster_url")


@pytest.fixture(params=["in process", *REDIS])
def online(request) -> Iterator[OnlineStore]:
    """An empty online store, of every kind in turn."""
    if request.param == "in process":
        yield InProcessStore()
        return
    from patronage.live.redis_store import RedisStore

    one = request.param == "Redis"
    address = request.getfixturevalue("redis_url" if one else "redis_cluster_url")
    # Why longer than in use: test machines are shared.
    store = RedisStore(address, prefix=f"test*[{uuid.uuid4().hex}]:", seconds=5.0)
    yield store
    store.clear()
    store.close()
