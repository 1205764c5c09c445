"""What the user got wrong ends with exit code 2 and says how to mend it; what we did with 1."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

GOOD = "customer_id,date,amount\n" + "".join(
    f"{k % 5},2025-{1 + k // 28:02}-{1 + k % 28:02},{k}.50\n" for k in range(60)
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "good.csv").write_text(GOOD)
    (tmp_path / "odd.csv").write_text("kunde;wann;wieviel\n1;2025-01-01;3\n")
    (tmp_path / "broken.csv").write_bytes(b"\x00\x01\x02,\xff\xfe\n\x00")
    (tmp_path / "fake.parquet").write_text(GOOD)
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "header.csv").write_text("customer_id,date,amount\n")
    (tmp_path / "no_dates.csv").write_text("customer_id,date,amount\n1,soon,2\n")
    (tmp_path / "few.csv").write_text("customer_id,date,amount\n1,2025-01-01,2\n2,soon,2\n")
    (tmp_path / "margins.csv").write_text("planet,margin\nmars,0.3\n")
    return tmp_path


FAULTS: dict[str, tuple[str, str]] = {
    "a missing file": ("run none.csv", "none.csv"),
    "a broken file": ("run broken.csv", "broken.csv"),
    "a file that is not what its name says": ("run fake.parquet", "fake.parquet"),
    "an empty file": ("run empty.csv", "empty.csv"),
    "no rows": ("run header.csv", "no rows"),
    "no readable date": ("run no_dates.csv", "unparsable time"),
    "too few readable dates": ("run few.csv", "1 set aside: unparsable time"),
    "columns that cannot be matched": ("run odd.csv", "--columns customer_id="),
    "a column that is not there": ("run good.csv --columns customer_id=nobody", "nobody"),
    "columns without a sign": ("run good.csv --columns customer_id", "--columns"),
    "an as-of that is no date": ("run good.csv --as-of yesterday", "YYYY-MM-DD"),
    "an as-of before the first event": ("run good.csv --as-of 1999-01-01", "as_of"),
    "an as-of at the end of time": ("run good.csv --models nothing --as-of 9999-12-31", "as_of"),
    "a horizon without a unit": ("run good.csv --horizon 52", "39 weeks"),
    "a horizon of an unknown unit": ("run good.csv --horizon 5_moons", "no unit of time"),
    "a horizon of nothing": ("run good.csv --horizon 0_weeks", "at least one period"),
    "a horizon beyond all sense": ("run good.csv --horizon 9999999_years", "100 years"),
    "an unknown model": ("run good.csv --models pareto_mbd", "Did you mean pareto_nbd"),
    "an unknown model to fit": ("fit good.csv --model bgnbd", "Did you mean bg_nbd"),
    "no model": ("run good.csv --models ,", "--models is empty"),
    "a model that forecasts no cash": ("run good.csv --models gamma_gamma", "no cash"),
    "an unknown metric": ("run good.csv --choose-by luck", "normalized_gini"),
    "an unknown metric of a backtest": ("backtest good.csv --choose-by luck", "normalized_gini"),
    "a margin that is neither number nor file": ("run good.csv --margin lots", "--margin 0.35"),
    "a margin that is no number": ("run good.csv --models nothing --margin nan", "margin"),
    "a margin in percent": ("run good.csv --models nothing --margin 35", "0.35"),
    "a table of margins by planet": (
        "run good.csv --models nothing --margin margins.csv",
        "margin",
    ),
    "a cost below zero": ("run good.csv --models nothing --cac=-3", "cac"),
    "a discount rate below -1": ("run good.csv --models nothing --discount-rate=-2", "rate"),
    "an unknown currency": ("run good.csv --currency dollars", "currency"),
    "a folder that is a file": ("run good.csv --out good.csv", "cannot make the folder"),
    "an unknown unit": ("fit good.csv --model bg_nbd --unit moon", "no unit of time"),
    "an origin whose future is not known": (
        "backtest good.csv --models nothing --horizon 4_weeks --origins 2025-03-01",
        "choose origins up to",
    ),
    "an origin that is no date": ("backtest good.csv --origins 2025-13-01", "YYYY-MM-DD"),
    "too little history to judge": ("backtest good.csv --models nothing", "too few"),
    "no model in the folder": ("score good.csv --model .", "no model of Patronage"),
    "an unknown log": ("--log loud doctor good.csv", "--log"),
    "an unknown format": ("simulate --customers 3 --format xlsx --out made", "xlsx"),
    "an rfm table for a model without": ("fit rfm.csv --model same_again", "RFM"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_user_ends_with_two_and_says_how_to_mend(
    fault: str, patronage: Any, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    (place / "rfm.csv").write_text("frequency,recency,T\n1,2,3\n")
    words, told = FAULTS[fault]

    said = patronage(
        *(word.replace("_", " ") if word[0].isdigit() else word for word in words.split())
    )

    assert said.code == 2, said.err + said.out
    assert told in said.err
    assert "To mend" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    "words",
    [("nonsense",), ("run",), ("run", "good.csv", "--sed", "3"), ("fit", "good.csv", "--seed=-1")],
)
def test_words_that_are_no_command_end_with_two_and_the_usage(
    words: tuple[str, ...], patronage: Any, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)

    said = patronage(*words)

    assert said.code == 2
    assert "Usage: patronage" in said.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("fit good.csv --customer client", "--columns customer_id=client"),
        ("run good.csv --customer-id=client", "--columns customer_id=client"),
        ("score good.csv --date day --model x", "--columns event_time=day"),
        ("doctor good.csv --amount", "--columns amount=NAME"),
    ],
)
def test_a_column_in_place_of_an_option_says_how_columns_are_named(
    words: str, told: str, patronage: Any, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)

    said = patronage(*words.split())

    assert said.code == 2
    assert f"No such option: {words.split()[2].partition('=')[0]}" in said.err
    assert told in said.err


def test_a_fault_of_ours_ends_with_one_and_asks_for_a_report(
    patronage: Any, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("our fault")

    # Why by import: the room exports a function of the module's name.
    monkeypatch.setattr(import_module("patronage.jobs.examine"), "take_snapshot", broken)

    said = patronage("doctor", place / "good.csv")
    monkeypatch.setenv("PATRONAGE_DEBUG", "1")
    shown = patronage("doctor", place / "good.csv")

    assert said.code == shown.code == 1
    assert "This is our fault" in said.err
    assert "Traceback" not in said.err
    assert "Traceback" in shown.err


def test_warnings_stand_with_the_answer_and_lines_of_the_log_stay_json(
    patronage: Any, place: Path
) -> None:
    said = patronage("--log", "json", "doctor", place / "few.csv")

    assert said.code == 0, said.err
    assert "Warning: 1 of 2 rows (50%) were set aside" in said.out
    assert [json.loads(line)["command"] for line in said.err.splitlines()] == ["doctor"]
