"""Files of every dialect, and files that are none."""

import gzip
import json
from pathlib import Path

import polars as pl
import pytest

from patronage.engines import default_engine
from patronage.errors import EventSchemaError, EventSourceError, PatronageError
from patronage.events import EventLog, intake, read_events

CSV = "customer_id,date,amount\n1,2024-01-01,1.5\n2,2024-01-02,2.5\n"


def total(log: EventLog) -> float:
    (found,) = default_engine().row(f"SELECT sum(amount)::DOUBLE FROM ({log.sql()})")
    return float(found)


def written(folder: Path, content: str | bytes, name: str = "events.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        CSV,
        CSV.replace(",", ";"),
        CSV.replace(",", "\t"),
        CSV.replace(",", "|"),
        CSV.replace(",", "   "),
        CSV.replace("\n", "\r\n"),
        CSV.rstrip(),
        "\n\n" + CSV + "\n\n",
        "\ufeff" + CSV,
        CSV.replace("1.5", '"1.5"').replace("customer_id", '"customer_id"'),
        CSV.encode("utf-16"),
        gzip.compress(CSV.encode(), mtime=0),
        "customer_id;date;amount\n1;2024-01-01;1,5\n2;2024-01-02;2,5\n",
        CSV.replace("amount\n", "amount,note\n")
        .replace("1.5", '1.5,"said ""a, b""\nand c"')
        .replace("2.5", "2.5,x"),
    ],
)
def test_every_dialect_of_delimited_text_gives_the_same_log(
    tmp_path: Path, content: str | bytes
) -> None:
    log = read_events(written(tmp_path, content))

    assert log.quality.n_rows_used == 2
    assert total(log) == 4.0


def test_json_ndjson_and_parquet_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {"customer_id": 1, "date": "2024-01-01", "amount": 1.5},
        {"customer_id": 2, "date": "2024-01-02", "amount": 2.5, "basket": {"n": 1}},
    ]
    array = written(tmp_path, json.dumps(rows), "events.json")
    lines = written(tmp_path, "\n".join(map(json.dumps, rows)), "events.ndjson")
    parquet = tmp_path / "events.parquet"
    table = pl.DataFrame(rows, strict=False).drop("basket")
    table.with_columns(pl.col("date").str.to_date()).write_parquet(parquet)

    assert [total(read_events(path)) for path in (array, lines, parquet)] == [4.0, 4.0, 4.0]
    # A large table is read in place, a small one is written down in short.
    assert str(parquet) not in read_events(parquet).relation
    monkeypatch.setattr(intake, "_FEW", 1)
    assert str(parquet) in read_events(parquet).relation


def test_a_folder_or_a_glob_is_one_table_and_mixed_kinds_are_refused(tmp_path: Path) -> None:
    written(tmp_path, CSV, "a.csv")
    written(
        tmp_path,
        CSV.replace("customer_id,date", "date,customer_id")
        .replace("1,2024-01-01", "2024-01-01,1")
        .replace("2,2024-01-02", "2024-01-02,2"),
        "b.csv",
    )
    written(tmp_path, b"", "_SUCCESS")

    assert total(read_events(tmp_path)) == 8.0
    assert total(read_events(str(tmp_path / "*.csv"))) == 8.0
    pl.DataFrame({"customer_id": [1]}).write_parquet(tmp_path / "c.parquet")
    with pytest.raises(EventSourceError, match="several kinds"):
        read_events(tmp_path)


def test_latin_1_is_read_and_said(tmp_path: Path) -> None:
    path = written(tmp_path, "Käufer,date,amount\nJosé,2024-01-01,4\n".encode("latin-1"))

    log = read_events(path, columns={"customer_id": "Käufer"})

    assert any("Latin-1" in note for note in log.quality.notes)
    assert default_engine().row(f"SELECT customer_id FROM ({log.sql()})") == ("José",)


def test_a_late_byte_that_is_not_utf8_spoils_one_field_only(tmp_path: Path) -> None:
    body = "".join(f"{i},2024-01-01,1,plain text to fill the line\n" for i in range(8_000))
    content = ("customer_id,date,amount,note\n" + body).encode() + b"7,2024-01-02,1,caf\xe9\n"

    log = read_events(written(tmp_path, content))

    assert log.quality.n_rows_used == 8_001


def test_lines_that_cannot_be_split_are_set_aside_and_counted(tmp_path: Path) -> None:
    content = CSV + "3,2024-01-03\n4,2024-01-04,1,000.5\n"

    log = read_events(written(tmp_path, content))

    assert log.quality.n_rows_used == 2
    assert log.quality.quarantined == {"line that cannot be split into columns": 2}
    assert log.quality.quarantine is not None
    assert pl.read_parquet(log.quality.quarantine)["row"].to_list() == [3, 4]


@pytest.mark.parametrize("stray", [[300], [300, 500], [0, 1, 2, 999]])
def test_a_stray_quote_costs_its_own_line_only(tmp_path: Path, stray: list[int]) -> None:
    lines = [f"{i},2024-01-01,1\n" for i in range(1_000)]
    for i in stray:
        lines[i] = f'{i},"2024-01-01,1\n'

    log = read_events(written(tmp_path, "customer_id,date,amount\n" + "".join(lines)))

    assert log.quality.n_rows_read == 1_000
    assert log.quality.quarantined == {"line that cannot be split into columns": len(stray)}
    assert log.quality.quarantine is not None
    assert pl.read_parquet(log.quality.quarantine)["row"].to_list() == [i + 1 for i in stray]


def test_a_quoted_field_may_hold_line_breaks_beside_a_broken_line(tmp_path: Path) -> None:
    content = (
        'customer_id,date,amount,note\n1,2024-01-01,1,"one\n\nother, ""third"""\n2\n'
        '3,2024-01-02,2,a 5" pipe\n'
    )

    log = read_events(written(tmp_path, content))

    assert (log.quality.n_rows_read, log.quality.n_rows_used, total(log)) == (3, 2, 3.0)


def test_doubled_headers_are_told_apart_and_said(tmp_path: Path) -> None:
    path = written(tmp_path, "customer_id,date,amount,Amount,\n1,2024-01-01,1,2,3\n")

    log = read_events(path)

    assert total(log) == 1.0
    assert any("Amount_2" in note and "column_5" in note for note in log.quality.notes)


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "events.csv", "is empty"),
        (b"\n\n \n", "events.csv", "is empty"),
        (b"customer_id,date,amount\n", "events.csv", "no rows"),
        (b"\x00\x01\x02\xff\xfe" * 300, "events.csv", "binary"),
        (bytes(range(1, 256)) * 20, "events.csv", "cannot tell which column"),
        (b"PK\x03\x04rest", "events.xlsx", "Excel"),
        (b"PAR1garbage", "events.parquet", "Parquet"),
        (b"no parquet", "events.parquet", "no Parquet file"),
        (b"{broken", "events.json", "as JSON"),
        (b"\x1f\x8bbroken", "events.csv.gz", "cannot read"),
        (b"customer_id:date:amount\n1:2:3\n", "events.csv", "another delimiter"),
        (b"1,2024-01-01,5\n2,2024-01-02,6\n", "events.csv", "'2024-01-01'"),
        (b"customer_id,date,amount\n,x,\n", "events.csv", "none of the 1 rows"),
    ],
)
def test_what_is_no_table_of_events_is_refused_in_words(
    tmp_path: Path, content: bytes, name: str, said: str
) -> None:
    with pytest.raises(PatronageError, match=said):
        read_events(written(tmp_path, content, name))


def test_a_file_that_is_not_there_is_an_error_with_the_nearest_name(tmp_path: Path) -> None:
    written(tmp_path, CSV, "orders.csv")

    with pytest.raises(EventSourceError, match=r"Did you mean 'orders\.csv'"):
        read_events(tmp_path / "order.csv")
    with pytest.raises(EventSourceError, match="holds no files"):
        read_events(str(tmp_path / "*.json"))
    with pytest.raises(EventSourceError, match="not the address of a database"):
        read_events(tmp_path / "orders.csv", query="SELECT 1")


def test_nan_everywhere_leaves_nothing_and_says_so() -> None:
    nan = float("nan")
    with pytest.raises(EventSchemaError, match=r"missing customer id \(2\)"):
        EventLog.from_frame(
            pl.DataFrame({"customer_id": [nan, nan], "date": [nan, nan], "amount": [nan, nan]})
        )


def test_what_was_set_aside_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path, CSV + ",2024-01-01,1\n")

    log = read_events(path, workspace=tmp_path / "out")

    assert log.quality.quarantine == tmp_path / "out" / "quarantine.parquet"
    assert {file.name for file in (tmp_path / "out").glob("*.parquet")} == {
        "events.parquet",
        "quarantine.parquet",
    }
    aside = pl.read_parquet(tmp_path / "out" / "quarantine.parquet")
    assert aside.to_dicts() == [
        {
            "reason": "missing customer id",
            "row": 3,
            "file": 1,
            "customer_id": None,
            "date": "2024-01-01",
            "amount": "1",
        }
    ]
