"""The main job: a log in; scores, leaderboard, saved model, summary and report out."""

import json
import logging
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from patronage.errors import SettingsError
from patronage.evaluate import LEADERBOARD_COLUMNS, METRICS
from patronage.events import EventLog
from patronage.jobs.candidates import RECALIBRATED, candidates
from patronage.jobs.judge import Judgement, judge
from patronage.jobs.progress import Progress, silent
from patronage.jobs.report import gather_report
from patronage.jobs.settings import RunSettings
from patronage.jobs.summary import assumptions, summarise_run
from patronage.models.base import FittedModel
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
from patronage.snapshots import FEATURES, Snapshot, take_snapshot
from patronage.value import economics_of

__all__ = ["RunResult", "run"]

_log = logging.getLogger(__name__)


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
    if settings.choose_by not in METRICS:
        raise SettingsError(
            f"no metric {settings.choose_by!r} to choose by; known: {', '.join(METRICS)}."
        )
    competing = candidates(settings.models)
    progress("reading the log", 0.0)
    snapshot = take_snapshot(log.compact(), as_of=settings.as_of, features=tuple(FEATURES))
    economics, notes = economics_of(
        snapshot,
        margin=settings.margin,
        annual_discount_rate=settings.annual_discount_rate,
        cac=settings.cac,
    )
    progress("reading the log", 1.0)
    judgement = judge(
        snapshot,
        settings.horizon,
        competing,
        metric=settings.choose_by,
        seed=settings.seed,
        progress=progress,
    )
    _log.info("%s forecasts: %s", judgement.model, judgement.reasons[0])
    progress("fitting the best", 0.0)
    fitted = competing.models[judgement.model].fit(snapshot, settings.horizon, seed=settings.seed)
    progress("fitting the best", 1.0)
    out.mkdir(parents=True, exist_ok=True)
    version = _save(fitted, judgement, snapshot, settings, out)
    scoring = Scoring(
        fitted, settings.horizon, economics, judgement.model, version, judgement.level_sd
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
    summary = summarise_run(
        snapshot,
        judgement,
        scoring,
        scores,
        total,
        assumptions=assumptions(settings, snapshot.events.currency, notes),
        notes=competing.notes,
        run_id=run_id,
    )
    summary["seconds"] = round(time.perf_counter() - start, 1)
    result = RunResult(out, snapshot, judgement, scoring, scores, total, board, summary)
    write_report(gather_report(result, title=title, run_id=run_id), out / "report.html")
    summary["seconds"] = round(time.perf_counter() - start, 1)
    (out / "summary.json").write_text(json.dumps(summary, indent=2, default=str) + "\n")
    progress("writing", 1.0)
    return result


def _save(
    fitted: FittedModel,
    judgement: Judgement,
    snapshot: Snapshot,
    settings: RunSettings,
    out: Path,
) -> str:
    folder = out / "models" / judgement.model.replace(RECALIBRATED, "_recalibrated")
    artifact = Artifact(
        judgement.model,
        fitted,
        settings.horizon,
        snapshot.as_of,
        snapshot.events.currency,
        facts={
            "reasons": list(judgement.reasons),
            "judged": judgement.judged,
            "level_sd": judgement.level_sd,
        },
    )
    return save_artifact(artifact, folder, signing_key=settings.signing_key)


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
