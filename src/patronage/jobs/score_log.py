"""Score a log with a saved model."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from patronage.errors import SettingsError
from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.jobs.progress import Progress, silent
from patronage.registry import Artifact
from patronage.scoring import score, scoring_of
from patronage.snapshots import take_snapshot
from patronage.value import economics_of

__all__ = ["check_currency", "score_log"]


def score_log(
    log: EventLog,
    artifact: Artifact,
    *,
    as_of: date | None = None,
    horizon: Horizon | None = None,
    margin: float | Path | Any = 1.0,
    cac: float | Path | Any = 0.0,
    annual_discount_rate: float = 0.10,
    progress: Progress = silent,
) -> pl.DataFrame:
    """One row per customer; the horizon is the model's own unless another is asked for.

    Raises
    ------
    HorizonError : the model learned one horizon and cannot serve another
    SettingsError : the log's money is not the model's
    """
    check_currency(log, artifact)
    features = artifact.fitted.features
    snapshot = take_snapshot(log, as_of=as_of, features=features)
    economics, _ = economics_of(
        snapshot, margin=margin, annual_discount_rate=annual_discount_rate, cac=cac
    )
    scoring = scoring_of(artifact, economics, horizon=horizon)
    n = len(snapshot.customers)
    return score(snapshot, scoring, progress=lambda done: progress("scoring", done / n))


def check_currency(log: EventLog, artifact: Artifact) -> None:
    """Raise SettingsError where the log's money is not the model's."""
    if log.currency != artifact.currency:
        raise SettingsError(
            f"the model forecasts {artifact.currency}, the events are in {log.currency}.\n"
            "To mend: convert the amounts, or fit a model on these events."
        )
