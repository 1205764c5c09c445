"""Scores as files: what a spreadsheet opens never runs."""

import csv
from pathlib import Path

import polars as pl
import pytest

from patronage.errors import SettingsError
from patronage.scoring import write_predictions_csv, write_scores


@pytest.mark.parametrize("mark", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff20"])
def test_a_text_that_begins_like_a_formula_is_quoted(mark: str, tmp_path: Path) -> None:
    scores = pl.DataFrame({"customer_id": [f"{mark}cmd()", "a=b", ""], "clv": [-1.5, 2.0, 0.0]})

    write_predictions_csv(scores, tmp_path / "p.csv")

    with (tmp_path / "p.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["customer_id", "clv"],
        [f"'{mark}cmd()", "-1.5"],
        ["a=b", "2.0"],
        ["", "0.0"],
    ]


def test_numbers_stay_numbers(tmp_path: Path) -> None:
    scores = pl.DataFrame({"customer_id": [-7, 8], "clv": [1.0, 1 / 3]})

    write_scores(scores, tmp_path / "made" / "s.csv")
    write_scores(scores, tmp_path / "made" / "s.parquet")

    assert pl.read_csv(tmp_path / "made" / "s.csv").equals(scores)
    assert pl.read_parquet(tmp_path / "made" / "s.parquet").equals(scores)


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")

    with pytest.raises(SettingsError, match="cannot write"):
        write_scores(pl.DataFrame({"a": [1]}), tmp_path / "file" / "s.csv")
