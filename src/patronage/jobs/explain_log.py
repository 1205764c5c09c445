"""Explain the scores of a log's customers with a saved model."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.jobs.score_log import check_currency
from patronage.registry import Artifact
from patronage.scoring import Explanation, explain, importance, scoring_of
from patronage.snapshots import take_snapshot
from patronage.value import economics_of

__all__ = ["explain_log"]


def explain_log(
    log: EventLog,
    artifact: Artifact,
    *,
    customer_id: Sequence[Any],
    as_of: date | None = None,
    horizon: Horizon | None = None,
    margin: float | Path | Any = 1.0,
    annual_discount_rate: float = 0.10,
) -> tuple[Explanation | None, pl.DataFrame | None]:
    """Of customers named, what their CLV is made of; of none, which reasons matter most.

    Raises
    ------
    SettingsError : the log's money is not the model's, or a customer is not known
    """
    check_currency(log, artifact)
    snapshot = take_snapshot(log, as_of=as_of, features=artifact.fitted.features)
    economics, _ = economics_of(
        snapshot, margin=margin, annual_discount_rate=annual_discount_rate, cac=0.0
    )
    scoring = scoring_of(artifact, economics, horizon=horizon)
    if not customer_id:
        return None, importance(snapshot, scoring)
    return explain(snapshot, scoring, customer_id=customer_id), None
