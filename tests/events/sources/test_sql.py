"""Rows of a query from SQLite and from a real PostgreSQL, with the types that they had."""

import sqlite3
from datetime import UTC, date, datetime

import polars as pl
import pytest

from patronage.errors import EventSourceError
from patronage.events.sources import fetch


def read(paths):
    (path,) = paths
    return pl.read_parquet(path)


@pytest.fixture
def shop(tmp_path):
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute(
            'CREATE TABLE sales (customer INTEGER, "the day" TEXT, amount NUMERIC, code, note TEXT)'
        )
        connection.executemany(
            "INSERT INTO sales VALUES (?, ?, ?, ?, ?)",
            [
                (1, "2024-01-01", 10, "007", None),
                (2, "2024-01-02 10:00:00", 12.25, 8, None),
                (2, "2024-02-29", None, b"\x01\xff", None),
            ],
        )
    connection.close()
    return path


def test_sqlite_rows_keep_what_is_stored(shop, tmp_path):
    frame = read(fetch(f"sqlite:///{shop}?query=SELECT * FROM sales ORDER BY rowid;", tmp_path))

    assert frame.schema == {
        "customer": pl.Int64,
        "the day": pl.String,
        "amount": pl.Float64,
        "code": pl.String,
        "note": pl.String,
    }
    assert frame["amount"].to_list() == [10.0, 12.25, None]
    assert frame["code"].to_list() == ["007", "8", "01ff"]


def test_a_query_of_its_own_wins_over_the_address(shop, tmp_path):
    source = f"sqlite:///{shop}?query=SELECT 1 AS one"

    frame = read(
        fetch(source, tmp_path, query="WITH s AS (SELECT * FROM sales) SELECT code FROM s")
    )

    assert frame.columns == ["code"]


def test_a_relative_path_is_relative_to_the_working_folder(shop, tmp_path, monkeypatch):
    monkeypatch.chdir(shop.parent)

    assert len(read(fetch("sqlite:///shop.db?query=SELECT%20*%20FROM%20sales", tmp_path))) == 3


def test_no_rows_are_still_a_table(shop, tmp_path):
    frame = read(fetch(f"sqlite:///{shop}?query=SELECT code FROM sales WHERE 1 = 0", tmp_path))

    assert frame.shape == (0, 1)


def test_more_rows_than_a_batch_arrive_whole(shop, tmp_path):
    n = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 150000)"

    frame = read(fetch(f"sqlite:///{shop}", tmp_path, query=f"{n} SELECT i FROM n -- all"))

    assert frame["i"].sum() == 150_000 * 150_001 // 2


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "names a database, but no query"),
        ("SELECT nix FROM sales", "no such column: nix"),
        ("DELETE FROM sales", "attempt to write a readonly database"),
        ("SELECT code, customer AS code FROM sales", r"yields columns \['code'\] more than once"),
    ],
)
def test_a_query_that_cannot_be_read_says_why(shop, tmp_path, query, said):
    with pytest.raises(EventSourceError, match=said) as caught:
        fetch(f"sqlite:///{shop}?query={query}" if query else f"sqlite:///{shop}", tmp_path)

    assert "To mend:" in str(caught.value)


def test_a_missing_or_foreign_sqlite_file_says_so(tmp_path):
    (tmp_path / "note.txt").write_text("not a database, but long enough to look like one" * 20)

    with pytest.raises(EventSourceError, match="there is no SQLite file"):
        fetch(f"sqlite:///{tmp_path}/none.db?query=SELECT 1", tmp_path)
    with pytest.raises(EventSourceError, match="file is not a database"):
        fetch(f"sqlite:///{tmp_path}/note.txt?query=SELECT * FROM sales", tmp_path)
    assert not (tmp_path / "none.db").exists()


@pytest.mark.service
def test_postgres_rows_keep_their_types(postgres_url, tmp_path):
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(postgres_url) as connection:
        connection.execute(
            """
            CREATE TABLE sales (id bigint, who uuid, at timestamptz, local timestamp, day date,
                                amount numeric(18, 4), wild numeric, ratio real, paid boolean,
                                tags jsonb);
            INSERT INTO sales VALUES
              (1, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2024-03-10 23:30:00-05',
               '2024-03-10 12:00:00.000001', '2024-02-29', 12345678901234.5678, 'NaN', 0.5, true,
               '{"a": [1]}'),
              (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
            """
        )

    frame = read(fetch(f"{postgres_url}?query=SELECT * FROM sales ORDER BY id", tmp_path))

    assert frame.schema == {
        "id": pl.Int64,
        "who": pl.String,
        "at": pl.Datetime("us", "UTC"),
        "local": pl.Datetime("us"),
        "day": pl.Date,
        "amount": pl.String,
        "wild": pl.String,
        "ratio": pl.Float64,
        "paid": pl.Boolean,
        "tags": pl.String,
    }
    assert frame.row(0) == (
        1,
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        datetime(2024, 3, 11, 4, 30, tzinfo=UTC),
        datetime(2024, 3, 10, 12, 0, 0, 1),
        date(2024, 2, 29),
        "12345678901234.5678",
        "NaN",
        0.5,
        True,
        '{"a": [1]}',
    )
    assert frame.row(1) == (None,) * 10


@pytest.mark.service
def test_postgres_streams_more_rows_than_a_batch(postgres_url, tmp_path):
    query = "SELECT i, (i % 100) / 4.0 AS amount FROM generate_series(1, 200000) AS t(i)"

    frame = read(fetch(postgres_url, tmp_path, query=query))

    assert frame["i"].sum() == 200_000 * 200_001 // 2
    assert frame["amount"].cast(pl.Decimal(18, 4)).sum() == 2000 * sum(range(100)) / 4


@pytest.mark.service
@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT * FROM nowhere", 'relation "nowhere" does not exist'),
        ("CREATE TABLE mine (i int)", "syntax error"),
        ("SELECT 'infinity'::timestamp AS at", "infinity"),
        ("SELECT 1 AS a, 2 AS a", "more than once"),
    ],
)
def test_postgres_says_why_a_query_cannot_be_read(postgres_url, tmp_path, query, said):
    with pytest.raises(EventSourceError, match=said) as caught:
        fetch(f"{postgres_url}?query={query}", tmp_path)

    password = postgres_url.partition("@")[0].rpartition(":")[2]
    assert "To mend:" in str(caught.value)
    assert password not in str(caught.value)


@pytest.mark.service
def test_a_wrong_password_is_not_printed(postgres_url, tmp_path):
    head, _, place = postgres_url.partition("@")
    wrong = f"{head.rpartition(':')[0]}:hunter2@{place}"

    with pytest.raises(EventSourceError, match="password authentication failed") as caught:
        fetch(f"{wrong}?query=SELECT 1 AS one", tmp_path)

    assert "hunter2" not in str(caught.value)


def test_a_postgres_that_is_not_there_says_so(tmp_path):
    pytest.importorskip("psycopg")

    with pytest.raises(EventSourceError, match=r"ann:\*\*\*@127.0.0.1:1/shop cannot be read"):
        fetch("postgresql://ann:hunter2@127.0.0.1:1/shop?query=SELECT 1 AS one", tmp_path)
