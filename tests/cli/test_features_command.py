"""patronage features, from events to the files that are taken away."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

DATES = "2025-06-01,2025-08-01,2025-10-01,2025-12-01"


def test_the_table_its_dictionary_and_its_account(
    patronage: Any, shop: Path, tmp_path: Path
) -> None:
    said = patronage(
        *("--log", "off", "features", shop / "events.csv"),
        *("--customers", shop / "customers.csv", "--as-of", DATES, "--horizon", "8 weeks"),
        *("--groups", "rhythm,money,lags,customers.region", "--split", "time", "--select"),
        *("--components", "0.9", "--out", tmp_path),
    )

    assert said.code == 0, said.err
    assert "rows read =" in said.out
    assert "learned on" in said.out
    table = pl.read_parquet(tmp_path / "table.parquet")
    dictionary = pl.read_csv(tmp_path / "dictionary.csv")
    assert dictionary.columns == ["column", "group", "type", "meaning"]
    assert dictionary["column"].to_list() == table.columns
    told = json.loads((tmp_path / "summary.json").read_text())
    events = told["events"]
    assert events["rows_read"] == events["rows_used"] + events["rows_set_aside"]
    assert told["rows"] == len(table) == told["rows_observed"] + told["rows_not_observed"]
    assert [block["first_as_of"] for block in told["blocks"]] == DATES.split(",")
    assert told["split"]["rows"]["train"] == told["selection"]["learned_on"]
    report = pl.read_csv(tmp_path / "selection.csv")
    kept = report.filter("kept")["column"].to_list()
    assert "component_1" in table.columns
    assert set(kept) <= set(table.columns)
    assert not set(report.filter(~pl.col("kept"))["column"]) & set(table.columns)


def test_a_csv_by_age_opens_in_pandas(patronage: Any, events: Path, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")

    said = patronage(
        *("--log", "off", "features", events, "--targets", "age", "--ages", "30,7"),
        *("--age-end", "90", "--format", "csv", "--out", tmp_path),
    )

    assert said.code == 0, said.err
    table = pandas.read_csv(tmp_path / "table.csv", parse_dates=["as_of", "first_day"])
    assert table["observed"].dtype == bool
    assert set(table.loc[~table["is_today"], "age"]) == {7, 30}
    assert table.loc[~table["observed"], "target_cash"].isna().all()
    assert table.loc[table["observed"], "target_cash"].notna().all()
    days = (table["as_of"] - table["first_day"]).dt.days
    assert (days == table["age"]).all()


def test_a_random_split_is_labelled_wherever_it_is_told(
    patronage: Any, events: Path, tmp_path: Path
) -> None:
    said = patronage(
        *("--log", "off", "features", events, "--as-of", "2025-09-01", "--horizon", "8 weeks"),
        *("--split", "random", "--out", tmp_path),
    )

    assert said.code == 0, said.err
    assert "RANDOM SPLIT" in said.out
    assert "RANDOM SPLIT" in json.loads((tmp_path / "summary.json").read_text())["warnings"][-1]
    assert set(pl.read_parquet(tmp_path / "table.parquet")["split"]) == {"random"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--as-of", "2031-01-01"), "nobody can be seen as of 2031-01-01"),
        (("--as-of", ""), "0 as-of dates"),
        (("--as-of", "2019-01-01"), "nothing is known before as_of 2019-01-01"),
        (("--as-of", "2025-02-30"), "cannot read the date"),
        (("--horizon", "9 years"), "name the dates yourself"),
        (("--groups", "rfmm"), "no feature groups"),
        (("--groups", ","), "--groups is empty"),
        (("--targets", "ltv"), "no targets 'ltv'"),
        (("--targets", "age", "--as-of", DATES), "by age there is one as_of"),
        (("--targets", "age", "--ages", "a"), "cannot read the ages"),
        (("--targets", "none", "--select"), "without targets"),
        (("--split", "randomly"), "no split 'randomly'"),
        (("--format", "xlsx"), "no format 'xlsx'"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_message(
    patronage: Any, events: Path, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    said = patronage("--log", "off", "features", events, "--out", tmp_path, *words)

    assert said.code == 2
    assert told in said.err
    assert "Traceback" not in said.err


@pytest.mark.slow
def test_cdnow(patronage: Any, data_dir: Path, tmp_path: Path) -> None:
    """23,570 customers at two dates; the known 39 weeks after 1 October 1997 are their outcome."""
    said = patronage(
        *("--log", "off", "features", data_dir / "cdnow" / "cdnow_master.parquet"),
        *("--as-of", "1997-10-01,1998-07-01"),
        *("--horizon", "39 weeks", "--out", tmp_path / "out", "--select"),
    )

    assert said.code == 0, said.err
    told = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert told["customers"] == 23_570
    assert told["rows_observed"] == told["rows_not_observed"] == 23_570
    table = pl.read_parquet(tmp_path / "out" / "table.parquet")
    assert table["weight"].sum() == pytest.approx(23_570)
