"""What PostgreSQL does that SQLite does not: partitions, a pool, and a server that goes away."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import psycopg
import pytest

from live.arriving import NOW, SPELLING, event, folded, ledger_of
from live.servers import own_postgres
from patronage.errors import StoreError
from patronage.live.postgres import PostgreSQL
from patronage.live.rows import micros
from patronage.live.sql_event_store import SqlEventStore
from patronage.live.store_format import FORMAT

pytestmark = pytest.mark.service


def partitions(url):
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits "
            "WHERE inhparent = 'events'::regclass ORDER BY 1"
        )
        return [name for (name,) in found]


def test_tables_are_made_once_by_many_at_once(postgres_url):
    with ThreadPoolExecutor(4) as threads:
        opened = list(
            threads.map(lambda _: SqlEventStore(PostgreSQL(postgres_url), SPELLING), range(4))
        )

    for store in opened:
        with store.database.reading() as tx:
            assert tx.rows("SELECT text FROM notes WHERE name = ?", ("tables",)) == [(FORMAT,)]
        store.close()


def test_events_lie_in_partitions_by_month(postgres_url):
    store = SqlEventStore(PostgreSQL(postgres_url), SPELLING)
    times = [
        "1900-01-01T00:00:00",
        "2023-12-31T23:59:59.999999",
        "2024-01-01T00:00:00",
        "2024-02-29T12:00:00",
    ]

    store.take_in([event(time, event_time=time) for time in times], now=NOW)

    assert partitions(postgres_url) == [
        "events_1900_01",
        "events_2023_12",
        "events_2024_01",
        "events_2024_02",
    ]
    with psycopg.connect(postgres_url) as connection:
        found = connection.execute("SELECT event_id FROM events_2023_12").fetchall()
    assert found == [(times[1],)]
    store.close()


def test_months_are_made_by_many_at_once_while_events_are_read(postgres_url):
    databases = [PostgreSQL(postgres_url) for _ in range(4)]
    months = [micros(datetime(2000 + n // 12, n % 12 + 1, 1)) for n in range(24)]

    with databases[0].reading() as tx:
        assert tx.rows("SELECT count(*) FROM events") == [(0,)]
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda one: one.make_months(months), databases))

    assert len(partitions(postgres_url)) == 24
    for database in databases:
        database.close()


def test_who_finds_all_connections_busy_is_told(postgres_url):
    database = PostgreSQL(postgres_url, connections=1, seconds=0.01)

    def read():
        with database.reading() as tx:
            return tx.rows("SELECT 1")

    with database.reading(), pytest.raises(StoreError, match="all 1 connections were busy"):
        read()

    assert read() == [(1,)]
    database.close()


def test_a_statement_that_fails_leaves_the_connection_well(postgres_url):
    database = PostgreSQL(postgres_url, connections=1)

    def fail():
        with database.writing() as tx:
            tx.run("INSERT INTO notes VALUES (?, ?)", ("name", "text"))
            tx.rows("SELECT nothing")

    for _ in range(2):
        with pytest.raises(StoreError, match='column "nothing" does not exist'):
            fail()

    with database.reading() as tx:
        assert tx.rows("SELECT count(*) FROM notes WHERE name = 'name'") == [(0,)]
    database.close()


def test_the_same_ids_in_other_orders_never_wait_in_a_circle(postgres_url):
    database = PostgreSQL(postgres_url)
    ids = [(f"{n}", b"x") for n in range(4_000)]

    def insert(seed):
        with database.writing() as tx:
            return tx.insert_ids(random.Random(seed).sample(ids, len(ids)))

    with ThreadPoolExecutor(4) as threads:
        fresh = list(threads.map(insert, range(4)))

    assert sorted(len(names) for names in fresh) == [0, 0, 0, 4_000]
    database.close()


def test_a_writer_that_hangs_lets_go_of_its_customers(postgres_url, monkeypatch):
    monkeypatch.setattr("patronage.live.postgres._LONGEST_PAUSE", 50)
    database = PostgreSQL(postgres_url)

    def hang():
        with database.writing() as tx:
            tx.lock(["ann"])
            other.submit(take).result(timeout=30)
            tx.rows("SELECT 1")

    def take():
        with database.writing() as tx:
            tx.lock(["ann"])
        return True

    with ThreadPoolExecutor(1) as other:
        with pytest.raises(StoreError, match="idle-in-transaction timeout"):
            hang()

        assert other.submit(take).result(timeout=30)
    database.close()


def test_reading_sees_one_moment_and_writes_nothing(postgres_url):
    reader, writer = PostgreSQL(postgres_url), PostgreSQL(postgres_url)

    with reader.reading() as tx:
        before = tx.rows("SELECT count(*) FROM notes")
        with writer.writing() as other:
            other.run("INSERT INTO notes VALUES (?, ?)", ("name", "text"))
        assert tx.rows("SELECT count(*) FROM notes") == before

    def write():
        with reader.reading() as tx:
            tx.run("DELETE FROM notes")

    with pytest.raises(StoreError, match="read-only transaction"):
        write()
    reader.close()
    writer.close()


def test_a_wrong_password_is_told_without_the_password(postgres_url):
    head, _, place = postgres_url.partition("@")

    with pytest.raises(StoreError, match="password authentication failed") as caught:
        PostgreSQL(f"{head.rpartition(':')[0]}:hunter2@{place}")

    assert "hunter2" not in str(caught.value)
    assert "To mend:" in str(caught.value)


def test_a_server_that_was_started_anew_is_used_again():
    with own_postgres() as server:
        store = SqlEventStore(PostgreSQL(server.url), SPELLING)
        store.take_in([event("1")], now=NOW)

        # Between two calls: nobody notices.
        server.stop()
        server.start()
        assert store.take_in([event("2")], now=NOW).accepted == ("2",)

        # In the middle of one: it fails, and leaves nothing.
        def lose():
            with store.database.writing() as tx:
                assert tx.insert_ids([("3", b"x")]) == {"3"}
                server.stop("immediate")
                tx.rows("SELECT 1")

        with pytest.raises(StoreError, match="To mend:"):
            lose()
        with pytest.raises(StoreError, match="Connection refused"):
            store.held(["ann"])

        server.start()
        assert store.take_in([event("3")], now=NOW).accepted == ("3",)
        assert ledger_of(store) == folded([event("1"), event("2"), event("3")])
        store.close()
