"""From an address to an event log: what was fetched is read with its types and exact money."""

import sqlite3
from decimal import Decimal

import pytest

from patronage.engines import default_engine
from patronage.events import read_events

ROWS = [(1, "2024-01-01", "10.10"), (2, "2024-01-02", "0.05"), (1, "2024-02-29", "-10.10")]


def events_of(log):
    columns = "customer_id, event_time::DATE::VARCHAR AS day, amount"
    return sorted(default_engine().rows(f"SELECT {columns} FROM ({log.sql()})"))


def expected():
    return sorted((customer, day, Decimal(amount)) for customer, day, amount in ROWS)


def test_a_sqlite_query_becomes_a_log(tmp_path):
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("CREATE TABLE sales (customer_id INTEGER, time TEXT, amount NUMERIC)")
        connection.executemany("INSERT INTO sales VALUES (?, ?, ?)", ROWS)
    connection.close()

    log = read_events(f"sqlite:///{tmp_path}/shop.db?query=SELECT * FROM sales")

    assert events_of(log) == expected()


@pytest.mark.service
def test_a_postgres_query_becomes_a_log(postgres_url):
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE sales (customer_id int, time timestamptz, amount numeric)")
        connection.cursor().executemany(
            "INSERT INTO sales VALUES (%s, %s::timestamp AT TIME ZONE 'UTC', %s)", ROWS
        )

    log = read_events(f"{postgres_url}?query=SELECT * FROM sales")

    assert events_of(log) == expected()


def test_json_pages_become_a_log(serve, answer, parameter, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    rows = [{"customer_id": c, "time": day, "amount": float(amount)} for c, day, amount in ROWS]

    def respond(path, _headers):
        start = int(parameter(path, "cursor") or 0)
        return answer({"data": rows[start : start + 2], "next_cursor": 2 if start == 0 else None})

    log = read_events(f"{serve(respond).url}/sales")

    assert events_of(log) == expected()
