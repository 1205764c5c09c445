"""Each command from end to end."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from patronage.models.catalog import MODELS
from patronage.models.likelihoods.bg_bb import log_likelihood
from patronage.scoring import SCORE_COLUMNS

CHEAP = "nothing,everyone_average,pareto_nbd"
FIT_KEYS = {
    *("model", "parameters", "standard_errors", "log_likelihood", "n_customers"),
    *("n_rows_compacted", "unit", "as_of", "converged", "warnings"),
}


def test_run_says_the_answer_and_writes_it(patronage: Any, shop: Path, tmp_path: Path) -> None:
    said = patronage(
        *("run", shop / "events.csv", "--customers", shop / "customers.csv"),
        *("--products", shop / "products.csv", "--out", tmp_path / "out", "--horizon", "8 weeks"),
        *("--models", CHEAP, "--margin", "0.35", "--cac", "12", "--as-of", "2025-12-01"),
    )

    assert said.code == 0, said.err
    assert "rows read =" in said.out
    assert "customers are worth" in said.out
    assert "from 2025-12-01" in said.out
    assert str(tmp_path / "out" / "report.html") in said.out
    assert pl.read_parquet(tmp_path / "out" / "scores.parquet").columns == list(SCORE_COLUMNS)


@pytest.mark.slow
def test_run_prints_its_summary_as_json(patronage: Any, events: Path, tmp_path: Path) -> None:
    said = patronage(
        "--log", "off", "run", events, "--out", tmp_path, "--models", "nothing", "--json"
    )

    told = json.loads(said.out)
    assert told == json.loads((tmp_path / "summary.json").read_text())
    assert said.err == ""


@pytest.mark.slow
def test_the_log_is_one_json_line_per_event(patronage: Any, events: Path, tmp_path: Path) -> None:
    said = patronage("--log", "json", "run", events, "--out", tmp_path, "--models", "nothing")

    lines = [json.loads(line) for line in said.err.splitlines() if line.startswith("{")]
    assert len(lines) == len(said.err.splitlines())
    assert len({line["run_id"] for line in lines}) == 1
    last = lines[-1]
    assert last["command"] == "run"
    assert last["rows"] == len(pl.read_csv(events, infer_schema_length=None))
    assert last["seconds"] >= 0
    assert last["peak_mib"] > 50
    assert json.loads((tmp_path / "summary.json").read_text())["run_id"] == last["run_id"]


@pytest.mark.parametrize(
    "words",
    [
        ("doctor", "EVENTS"),
        ("fit", "EVENTS", "--model", "bg_nbd"),
        ("backtest", "EVENTS", "--models", "nothing", "--horizon", "4 weeks"),
        ("simulate", "--customers", "5", "--out", "OUT"),
    ],
)
def test_every_command_logs_its_rows_seconds_and_memory(
    words: tuple[str, ...], patronage: Any, events: Path, tmp_path: Path
) -> None:
    places = {"EVENTS": events, "OUT": tmp_path}

    said = patronage("--log", "json", *(places.get(word, word) for word in words))

    last = json.loads([line for line in said.err.splitlines() if line.startswith("{")][-1])
    assert {"run_id", "rows", "seconds", "peak_mib"} <= set(last)
    assert last["rows"] > 0


def test_a_command_that_fails_is_logged_too(patronage: Any, tmp_path: Path) -> None:
    said = patronage("--log", "json", "doctor", tmp_path / "absent.csv")

    assert '"failed": "EventSourceError"' in said.err


def test_fit_prints_what_the_design_promises(patronage: Any, events: Path) -> None:
    week, day = (
        json.loads(patronage("fit", events, "--model", "pareto_nbd", "--unit", unit, "--json").out)
        for unit in ("week", "day")
    )

    assert set(week) >= FIT_KEYS
    assert (week["model"], week["unit"], day["unit"]) == ("pareto_nbd", "week", "day")
    assert set(week["parameters"]) == {"r", "alpha", "s", "beta"} == set(week["standard_errors"])
    for name in ("alpha", "beta"):
        assert day["parameters"][name] == pytest.approx(7 * week["parameters"][name])
        assert day["standard_errors"][name] == pytest.approx(7 * week["standard_errors"][name])
    for name in ("r", "s"):
        assert day["parameters"][name] == pytest.approx(week["parameters"][name])
    assert week["spend"]["model"] == "gamma_gamma"
    assert week["converged"] is True
    assert week["n_rows_compacted"] <= week["n_customers"]


@pytest.mark.slow
def test_fit_writes_a_page_about_itself(patronage: Any, events: Path, tmp_path: Path) -> None:
    said = patronage("fit", events, "--model", "pareto_nbd", "--report", tmp_path / "page")

    assert said.code == 0, said.err
    assert f"Report: {tmp_path / 'page' / 'fit.html'}" in said.out
    assert (tmp_path / "page" / "fit.html").read_text().count("<svg") >= 6
    assert (tmp_path / "page" / "tracking.csv").exists()


@pytest.mark.parametrize("model", ["nothing", "gamma_gamma"])
def test_fit_has_no_page_of_what_foretells_no_purchases(
    model: str, patronage: Any, events: Path, tmp_path: Path
) -> None:
    said = patronage("fit", events, "--model", model, "--report", tmp_path / "page")

    assert said.code == 2
    assert "leave --report out" in said.err


def test_fit_names_a_unit_of_time_only_where_there_is_time(patronage: Any, events: Path) -> None:
    spend = patronage("fit", events, "--model", "gamma_gamma").out
    both = patronage("fit", events, "--model", "mbg_nbd").out

    assert "log-likelihood" in spend
    assert "unit" not in spend
    assert both.count("log-likelihood") == 2
    assert both.count("unit week") == 1


# The boosted are slow to fit, and as silent as a baseline; a few stand for all in the fast tests.
QUICK = [name for name, entry in MODELS.items() if entry.family in ("baseline", "btyd")]
FEW = ["nothing", "bg_nbd", "gamma_gamma"]
OTHERS = [pytest.param(name, marks=pytest.mark.slow) for name in QUICK if name not in FEW]


@pytest.mark.parametrize("model", [*FEW, *OTHERS])
def test_fit_has_the_same_keys_for_every_model(model: str, patronage: Any, events: Path) -> None:
    said = patronage("--log", "off", "fit", events, "--model", model, "--json")

    assert said.code == 0, said.err
    assert set(json.loads(said.out)) >= FIT_KEYS


@pytest.fixture
def rfm_table(shop: Path, tmp_path: Path) -> Path:
    from patronage.events import read_events
    from patronage.snapshots import take_snapshot

    rfm = take_snapshot(read_events(shop / "events.csv")).rfm()
    path = tmp_path / "rfm.csv"
    pl.DataFrame(
        {
            "x": rfm.frequency,
            "t_x": rfm.recency / 7,
            "T": rfm.T / 7,
            "monetary_value": pl.Series(rfm.monetary_value, nan_to_null=True),
        }
    ).write_csv(path)
    return path


def test_fit_to_an_rfm_table_equals_fit_to_its_events(
    patronage: Any, events: Path, rfm_table: Path
) -> None:
    table, log = (
        json.loads(patronage("--log", "off", "fit", source, "--model", "bg_nbd", "--json").out)
        for source in (rfm_table, events)
    )

    assert set(table) >= FIT_KEYS
    assert table["parameters"] == pytest.approx(log["parameters"], rel=1e-4)
    assert table["spend"]["model"] == "gamma_gamma"


@pytest.mark.parametrize("unit", ["week", "year"])
def test_a_weighted_table_of_opportunities_is_fitted_in_opportunities(
    unit: str, patronage: Any, tmp_path: Path
) -> None:
    """The unit of time does not touch what is counted, and parameters have none."""
    path = tmp_path / "donors.csv"
    rows = [(0, 0, 6, 3464), (1, 1, 6, 1091), (2, 3, 6, 500), (4, 5, 6, 450), (6, 6, 6, 1203)]
    columns = ["frequency", "recency", "T", "weight"]
    pl.DataFrame(rows, schema=columns, orient="row").write_csv(path)

    said = patronage("--log", "off", "fit", path, "--model", "bg_bb", "--unit", unit, "--json")
    found = json.loads(said.out)

    assert said.code == 0, said.err
    assert found["n_customers"] == 6708
    assert found["unit"] == "opportunity"
    weights = np.array([row[3] for row in rows], dtype=float)
    x, t_x, n = np.array([row[:3] for row in rows], dtype=float).T
    value = weights @ log_likelihood(*found["parameters"].values(), x, t_x, n)
    assert found["log_likelihood"] == pytest.approx(value)


def test_fit_for_people_shows_estimates_and_warnings(patronage: Any, rfm_table: Path) -> None:
    said = patronage("fit", rfm_table, "--model", "bg_nbd")

    assert said.code == 0
    assert "std. error" in said.out
    assert "log-likelihood" in said.out


@pytest.mark.slow
def test_backtest_shows_the_board_and_writes_it(
    patronage: Any, events: Path, tmp_path: Path
) -> None:
    words = ("backtest", events, "--models", "nothing,same_again", "--horizon", "6 weeks")

    said = patronage(*words, "--origins", "2025-09-01,2025-11-01", "--out", tmp_path / "board")
    board = json.loads(patronage("--log", "off", *words, "--json").out)

    assert said.code == 0, said.err
    assert "same_again" in said.out
    assert "2025-09-01" in said.out
    assert (tmp_path / "board" / "leaderboard.csv").is_file()
    assert {row["model"] for row in board["leaderboard"]} == {"nothing", "same_again"}
    assert board["model"] in ("nothing", "same_again")


def test_backtest_names_the_models_that_failed(patronage: Any, events: Path) -> None:
    """A model that learns from outcomes has none before the first months are over."""
    said = patronage(
        *("backtest", events, "--models", "nothing,hurdle_lightgbm", "--horizon", "4 weeks"),
        *("--origins", "2025-03-01"),
    )

    assert said.code == 0, said.err
    assert "hurdle_lightgbm" in said.out
    assert "nan" not in said.out


def test_simulate_writes_what_run_reads(patronage: Any, tmp_path: Path) -> None:
    said = patronage("simulate", "--customers", "40", "--format", "parquet", "--out", tmp_path)
    doctor = patronage("doctor", tmp_path / "events.parquet", "--json")

    assert said.code == 0, said.err
    assert "40 customers" in said.out
    assert json.loads(doctor.out)["rows_quarantined"] == 0


def test_models_lists_the_catalogue(patronage: Any) -> None:
    listed = json.loads(patronage("models", "--json").out)

    assert [entry["name"] for entry in listed] == list(MODELS)
    for entry in listed:
        assert list(entry) == ["name", "family", "kind", "setting", "when_to_use"]
    assert "pareto_nbd" in patronage("models").out


def test_doctor_tells_columns_rows_and_advice(patronage: Any, events: Path) -> None:
    told = json.loads(patronage("--log", "off", "doctor", events, "--json").out)
    said = patronage("doctor", events)

    assert told["matched"]["customer_id"] == "customer_id"
    assert told["rows_read"] == told["rows_used"] + told["rows_quarantined"]
    assert told["facts"]["customers"] > 150
    assert said.code == 0
    assert "rows read =" in said.out
    assert "Facts" in said.out
    assert "Advice: " in said.out


ODD = """Kunde;Datum;Betrag
00017;31.01.2025;1.234,50
00017;28.02.2025;17,90
00023;01.02.2025;5,00
00023;15.02.2025;-5,00
"""


def test_odd_headers_and_decimal_commas_are_read(patronage: Any, tmp_path: Path) -> None:
    path = tmp_path / "bestellungen.csv"
    path.write_text(ODD)

    said = patronage(
        *("run", path, "--columns", "customer_id=Kunde,time=Datum,amount=Betrag"),
        *("--models", "everyone_average", "--currency", "EUR", "--out", tmp_path / "out"),
    )

    assert said.code == 0, said.err
    assert "4 rows read = 4 used" in said.out
    scores = pl.read_parquet(tmp_path / "out" / "scores.parquet")
    assert scores["customer_id"].to_list() == ["00017", "00023"]
    assert scores["currency"][0] == "EUR"
    # 1,252.40 net over 29 + 28 days known of the two customers.
    assert scores["clv"].sum() == pytest.approx(2 * 1252.40 / 57 * 364, rel=0.06)


def test_help_has_an_example_for_every_command(patronage: Any) -> None:
    whole = patronage("--help")
    names = ["run", "fit", "backtest", "score", "simulate", "models", "doctor", "demo"]

    assert whole.code == 0
    assert all(name in whole.out for name in names)
    for name in names:
        said = patronage(name, "--help")
        assert said.code == 0
        assert f"Example: patronage {name}" in " ".join(said.out.split())


def test_the_version_is_told(patronage: Any) -> None:
    from patronage import __version__

    assert patronage("--version").out == f"patronage {__version__}\n"


@pytest.mark.slow
def test_the_shell_gets_the_exit_codes(tmp_path: Path) -> None:
    """The program itself, once: the rest of these tests call its entry point."""
    script = "from patronage.cli import main; main()"
    words = [sys.executable, "-c", script, "--log", "off", "doctor", str(tmp_path / "none.csv")]

    done = subprocess.run(words, capture_output=True, text=True, env=os.environ, check=False)

    assert done.returncode == 2
    assert "EventSourceError" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_demo_ends_with_a_report(patronage: Any, tmp_path: Path) -> None:
    said = patronage("demo", "--out", tmp_path)

    assert said.code == 0, said.err
    assert (tmp_path / "report.html").is_file()
    assert (tmp_path / "sample" / "events.csv").is_file()
    assert f"patronage run {tmp_path / 'sample' / 'events.csv'}" in said.out
