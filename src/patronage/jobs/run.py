"""The main job: a log in; scores, leaderboard, saved model, summary and report out."""

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from patronage.evaluate import LEADERBOARD_COLUMNS
from patronage.events import EventLog
from patronage.jobs.candidates import RECALIBRATED
from patronage.jobs.folders import make_folder
from patronage.jobs.judge import Judgement
from patronage.jobs.learn import Learned, learn
from patronage.jobs.progress import Progress, silent
from patronage.jobs.report import gather_report
from patronage.jobs.settings import RunSettings
from patronage.jobs.summary import assumptions, summarise_run
from patronage.live.workspace import write_workspace
from patronage.models.reasons import reasons_of
from patronage.registry import Artifact, save_artifact
from patronage.reports import write_report
from patronage.scoring import (
    Scoring,
    TotalValue,
    score,
    total_value,
    write_predictions_csv,
    write_scores,
)
from patronage.snapshots import Snapshot

__all__ = ["RunResult", "run"]


@dataclass(frozen=True)
class RunResult:
    """What a run found, and where it lies.

    Attributes
    ----------
    out : the folder
    snapshot : what was known
    judgement : who forecasts, and why
    scoring : the fitted model and the economics
    scores : one row per customer
    total : the value of all customers together
    leaderboard : how every model did at earlier days
    summary : the contents of summary.json
    """

    out: Path
    snapshot: Snapshot
    judgement: Judgement
    scoring: Scoring
    scores: pl.DataFrame
    total: TotalValue
    leaderboard: pl.DataFrame
    summary: dict[str, Any]


def run(
    log: EventLog,
    out: Path,
    settings: RunSettings,
    *,
    run_id: str = "",
    title: str = "Customer lifetime value",
    progress: Progress = silent,
) -> RunResult:
    """Judge the models on the past, forecast with the best, and write everything into `out`.

    Raises
    ------
    PatronageError : the log, the settings or the data do not allow it; the message says how to mend
    """
    start = time.perf_counter()
    make_folder(out)
    learned = learn(log, settings, progress=progress)
    snapshot, judgement = learned.snapshot, learned.judgement
    version, folder = _save(learned, settings, out)
    scoring = Scoring(
        learned.fitted,
        settings.horizon,
        learned.economics,
        judgement.model,
        version,
        judgement.level_sd,
    )
    n = len(snapshot.customers)
    scores = score(snapshot, scoring, progress=lambda done: progress("scoring", done / n))
    total = total_value(snapshot, scoring, seed=settings.seed)
    progress("writing", 0.0)
    board = _leaderboard(judgement)
    write_scores(scores, out / "scores.parquet")
    write_predictions_csv(scores, out / "predictions.csv")
    board.write_csv(out / "leaderboard.csv")
    _quarantine(log, out / "quarantine.parquet")
    write_workspace(out, folder, snapshot, learned.economics, scores)
    summary = summarise_run(
        snapshot,
        judgement,
        scoring,
        scores,
        total,
        assumptions=assumptions(settings, snapshot.events.currency, learned.economics_notes),
        notes=learned.notes,
        run_id=run_id,
    )
    summary["seconds"] = round(time.perf_counter() - start, 1)
    result = RunResult(out, snapshot, judgement, scoring, scores, total, board, summary)
    write_report(gather_report(result, title=title, run_id=run_id), out / "report.html")
    summary["seconds"] = round(time.perf_counter() - start, 1)
    (out / "summary.json").write_text(json.dumps(summary, indent=2, default=str) + "\n")
    progress("writing", 1.0)
    return result


def _save(learned: Learned, settings: RunSettings, out: Path) -> tuple[str, Path]:
    """The version of the saved model, and its folder."""
    judgement = learned.judgement
    folder = out / "models" / judgement.model.replace(RECALIBRATED, "_recalibrated")
    artifact = Artifact(
        judgement.model,
        learned.fitted,
        settings.horizon,
        learned.snapshot.as_of,
        learned.snapshot.events.currency,
        facts={
            "reasons": list(judgement.reasons),
            "judged": judgement.judged,
            "level_sd": judgement.level_sd,
            "calibration": learned.calibration,
            "learned": list(reasons_of(learned.fitted)),
        },
    )
    return save_artifact(artifact, folder, signing_key=settings.signing_key), folder


def _leaderboard(judgement: Judgement) -> pl.DataFrame:
    if judgement.scorecard is not None:
        return judgement.scorecard.frame
    text = {"model", "origin", "segment", "metric"}
    return pl.DataFrame(
        schema={name: pl.String if name in text else pl.Float64 for name in LEADERBOARD_COLUMNS}
    )


def _quarantine(log: EventLog, path: Path) -> None:
    """The rows set aside; an empty table where there are none, so that the file is always there."""
    if log.quality.quarantine is not None:
        shutil.copyfile(log.quality.quarantine, path)
    else:
        pl.DataFrame(schema={"row": pl.Int64, "reason": pl.String}).write_parquet(path)
