"""run(): every file of the public face, and numbers that agree with each other."""

import json
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from patronage.errors import SettingsError
from patronage.evaluate import LEADERBOARD_COLUMNS
from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.jobs import RunResult, RunSettings, run, score_log
from patronage.jobs.report import gather_report
from patronage.registry import load_artifact
from patronage.reports import ReportInputs

SCORES = [
    *("customer_id", "p_alive", "expected_purchases", "clv", "clv_p10", "clv_p90"),
    *("clv_mean_low", "clv_mean_high", "segment", "as_of", "horizon_days", "currency"),
    *("model", "version"),
]
LEADERBOARD = [
    *("model", "origin", "horizon_days", "segment", "metric", "value", "low", "high"),
    "n_customers",
]


def test_every_file_of_the_public_face_is_written(shop_run: RunResult) -> None:
    names = {path.name for path in shop_run.out.iterdir()}

    assert names == {
        *("scores.parquet", "predictions.csv", "leaderboard.csv", "summary.json"),
        *("quarantine.parquet", "report.html", "models", "serving"),
    }
    assert pl.read_parquet(shop_run.out / "scores.parquet").columns == SCORES
    assert pl.read_csv(shop_run.out / "predictions.csv").columns == SCORES
    assert pl.read_csv(shop_run.out / "leaderboard.csv").columns == LEADERBOARD
    assert list(LEADERBOARD_COLUMNS) == LEADERBOARD
    report = (shop_run.out / "report.html").read_text()
    assert report.lstrip().lower().startswith("<!doctype html")
    assert "A shop" in report


def test_every_customer_of_the_log_is_scored_once(shop_run: RunResult) -> None:
    scores = pl.read_parquet(shop_run.out / "scores.parquet")

    assert scores["customer_id"].to_list() == shop_run.snapshot.customers["customer_id"].to_list()
    assert scores["customer_id"].is_unique().all()
    numbers = scores.select(pl.selectors.float()).drop_nulls()
    assert np.isfinite(numbers.to_numpy()).all()
    assert (scores["clv_p10"] <= scores["clv_p90"]).all()
    assert (scores["clv_mean_low"] <= scores["clv"]).all()
    assert (scores["clv"] <= scores["clv_mean_high"]).all()
    assert set(scores["segment"]) <= {"high", "medium", "low"}


def test_the_predictions_are_the_scores(shop_run: RunResult) -> None:
    scores = pl.read_parquet(shop_run.out / "scores.parquet")
    sheet = pl.read_csv(shop_run.out / "predictions.csv", try_parse_dates=True)

    assert sheet["clv"].to_numpy() == pytest.approx(scores["clv"].to_numpy())
    assert sheet["as_of"].to_list() == scores["as_of"].to_list()


def test_the_summary_agrees_with_the_scores_and_the_log(shop_run: RunResult) -> None:
    told = json.loads((shop_run.out / "summary.json").read_text())
    scores = pl.read_parquet(shop_run.out / "scores.parquet")

    assert told["clv_total"] == pytest.approx(scores["clv"].sum())
    assert told["clv_total_low"] < told["clv_total"] < told["clv_total_high"]
    assert told["n_customers"] == len(scores)
    assert sum(part["n_customers"] for part in told["segments"].values()) == len(scores)
    assert sum(part["clv"] for part in told["segments"].values()) == pytest.approx(
        told["clv_total"]
    )
    assert told["rows_read"] == told["rows_used"] + told["rows_quarantined"]
    assert told["rows_quarantined"] == sum(told["quarantine_reasons"].values())
    assert told["acquisition_cost"] == 5.0 * len(scores)
    assert (told["run_id"], told["horizon"], told["horizon_days"]) == ("abc", "8 weeks", 56.0)
    assert told["model"] == scores["model"][0]
    assert told["version"] == scores["version"][0]


def test_the_table_behind_the_number_sums_to_it(shop_run: RunResult) -> None:
    inputs = gather_report(shop_run, title="t", run_id="r")

    assert isinstance(inputs, ReportInputs)
    assert inputs.value_table["present_value"].sum() == pytest.approx(shop_run.total.expected)
    assert inputs.value_table["expected_purchases"].sum() == pytest.approx(
        shop_run.scores["expected_purchases"].sum()
    )


def test_the_saved_model_gives_the_scores_again(shop_run: RunResult, shop_log: EventLog) -> None:
    (folder,) = (shop_run.out / "models").iterdir()
    artifact = load_artifact(folder)

    again = score_log(shop_log, artifact, margin=0.4, cac=5.0)

    for column in ("clv", "clv_p10", "clv_p90", "clv_mean_low", "clv_mean_high", "p_alive"):
        assert again[column].to_numpy() == pytest.approx(
            shop_run.scores[column].to_numpy(), rel=1e-9
        ), column
    assert again["version"].to_list() == shop_run.scores["version"].to_list()


@pytest.mark.slow
def test_a_second_run_gives_the_same_numbers(
    shop_run: RunResult, shop_log: EventLog, tmp_path: Path
) -> None:
    settings = RunSettings(
        horizon=Horizon(8, "week"), models=tuple(shop_run.leaderboard["model"].unique()), margin=0.4
    )

    again = run(shop_log, tmp_path, settings)

    assert again.scores["clv"].to_list() == shop_run.scores["clv"].to_list()
    assert again.scoring.version == shop_run.scoring.version
    assert again.total.low == shop_run.total.low


def test_rows_set_aside_are_written_with_their_reasons(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "customer_id": ["a", "b", None, "a", "c"] * 3,
            "date": ["2025-01-01", "never", "2025-02-01", "2025-03-01", "2025-03-05"] * 3,
            "amount": [1.0, 2.0, 3.0, float("nan"), 5.0] * 3,
        }
    )

    found = run(
        EventLog.from_frame(frame, currency="USD"), tmp_path, RunSettings(models=("nothing",))
    )

    aside = pl.read_parquet(tmp_path / "quarantine.parquet")
    assert found.summary["rows_read"] == 15
    assert found.summary["rows_used"] + len(aside) == 15
    assert aside["reason"].n_unique() == 3


def test_a_history_too_short_to_judge_is_said_and_scored(tmp_path: Path) -> None:
    days = [f"2025-01-{day:02}" for day in range(1, 21)]
    frame = pl.DataFrame(
        {"customer_id": [day % 7 for day in range(20)], "date": days, "amount": [9.5] * 20}
    )

    found = run(
        EventLog.from_frame(frame, currency="USD"),
        tmp_path,
        RunSettings(models=("nothing", "same_again", "pareto_nbd")),
    )

    assert found.judgement.model == "pareto_nbd"
    assert "too few to learn from outcomes" in found.judgement.judged
    assert "trust it less" in found.judgement.reasons[0]
    assert pl.read_csv(tmp_path / "leaderboard.csv").columns == LEADERBOARD
    page = (tmp_path / "report.html").read_text()
    assert "trust it less" in page
    assert "No forecast could be judged on this history" in page


@pytest.mark.slow
def test_a_horizon_longer_than_can_be_judged_is_warned_of(
    shop_run: RunResult, shop_log: EventLog, tmp_path: Path
) -> None:
    settings = RunSettings(horizon=Horizon(52, "week"), models=("same_again", "pareto_nbd"))

    found = run(shop_log, tmp_path, settings)

    assert found.judgement.rewound is not None
    judged = found.judgement.rewound.horizon
    said = f"52 weeks are asked; on this history forecasts could be judged over {judged} only."
    assert said in found.summary["warnings"][-1]
    assert said in (tmp_path / "report.html").read_text()
    assert shop_run.summary["warnings"] == []
    assert "forecasts could be judged over" not in (shop_run.out / "report.html").read_text()


def test_what_a_model_says_of_how_it_learned_is_shown(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "customer_id": [day % 7 for day in range(20)],
            "date": [f"2025-01-{day:02}" for day in range(1, 21)],
            "amount": [9.5] * 20,
        }
    )

    found = run(
        EventLog.from_frame(frame, currency="USD"),
        tmp_path,
        RunSettings(models=("newcomer_blend",)),
    )

    (told,) = found.summary["learned"]
    assert told.startswith("the regular model answers alone")
    assert told in unescape((tmp_path / "report.html").read_text())
    facts = load_artifact(tmp_path / "models" / "newcomer_blend").facts
    assert facts is not None
    assert facts["learned"] == [told]


def test_without_a_process_model_the_fullest_formula_is_taken(tmp_path: Path) -> None:
    frame = pl.DataFrame({"customer_id": [1, 2], "date": ["2025-01-01"] * 2, "amount": [1, 2]})
    settings = RunSettings(models=("hurdle_lightgbm", "nothing", "everyone_average"))

    found = run(EventLog.from_frame(frame, currency="USD"), tmp_path, settings)

    assert found.judgement.model == "everyone_average"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (RunSettings(choose_by="luck"), "luck"),
        (RunSettings(calibrate="luck"), "luck"),
        (RunSettings(models=("pareto_mbd",)), "Did you mean"),
        (RunSettings(models=("gamma_gamma",)), "forecasts no cash"),
        (RunSettings(models=("nothing",), margin=40.0), "margin"),
        (RunSettings(models=("nothing",), cac=-1.0), "cac"),
        (RunSettings(models=("nothing",), annual_discount_rate=-3.0), "rate"),
    ],
)
def test_settings_out_of_range_say_how_to_mend(
    settings: RunSettings, words: str, shop_log: EventLog, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=words) as refused:
        run(shop_log, tmp_path, settings)

    assert "To mend" in str(refused.value)


def test_a_file_where_the_folder_should_be_is_refused_before_the_work(
    shop_log: EventLog, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("mine")

    with pytest.raises(SettingsError, match="cannot make the folder"):
        run(shop_log, tmp_path / "out", RunSettings())


@pytest.mark.slow
def test_the_default_run_judges_every_model(shop_log: EventLog, tmp_path: Path) -> None:
    found = run(shop_log, tmp_path, RunSettings(horizon=Horizon(12, "week")))

    judged = set(found.leaderboard["model"])
    assert {"nothing", "same_again", "pareto_nbd", "pareto_nbd + recalibration"} <= judged
    assert found.total.low < found.total.expected < found.total.high
    assert np.isfinite(found.scores["clv"].to_numpy()).all()


@pytest.mark.slow
def test_a_run_calibrates_outcomes_where_asked_and_its_saved_model_scores_alike(
    shop_log: EventLog, tmp_path: Path
) -> None:
    """Expected values and the total stay; what one customer may bring is spread anew."""
    settings = RunSettings(
        horizon=Horizon(8, "week"), models=("pareto_nbd",), margin=0.4, calibrate="conformal"
    )
    plain = run(shop_log, tmp_path / "plain", replace(settings, calibrate="none"))

    told = run(shop_log, tmp_path / "conformal", settings)

    assert any("are conformal (asked for)" in note for note in told.summary["notes"])
    assert told.scores["clv"].to_list() == plain.scores["clv"].to_list()
    assert (told.total.low, told.total.high) == (plain.total.low, plain.total.high)
    assert (told.scores["clv_p90"] != plain.scores["clv_p90"]).any()
    artifact = load_artifact(next((told.out / "models").iterdir()))
    assert artifact.version != plain.scoring.version
    again = score_log(shop_log, artifact, margin=0.4)
    assert again["clv_p90"].to_list() == told.scores["clv_p90"].to_list()
    assert again["version"][0] == told.scoring.version


@pytest.mark.slow
def test_auto_calibrates_what_was_off_and_nothing_else(shop_log: EventLog, tmp_path: Path) -> None:
    settings = RunSettings(horizon=Horizon(8, "week"), calibrate="auto")
    off = run(shop_log, tmp_path / "off", replace(settings, models=("same_again",)))
    right = run(shop_log, tmp_path / "right", replace(settings, models=("pareto_nbd",)))

    held = [
        one.judgement.scorecard.value(one.judgement.model, "pit_coverage_80")
        for one in (off, right)
        if one.judgement.scorecard is not None
    ]
    assert abs(held[0] - 0.8) > 0.05
    assert any("conformal" in note for note in off.summary["notes"])
    calibrated = any("conformal" in note for note in right.summary["notes"])
    assert calibrated == (abs(held[1] - 0.8) > 0.05)
