"""Explain the scores of a log's customers with a saved model."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.registry import Artifact
from patronage.scoring import Explanation, Scoring, explain, importance
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
    """Of customers named, what their CLV is made of; of none, which reasons matter most."""
    snapshot = take_snapshot(log, as_of=as_of, features=artifact.fitted.features)
    economics, _ = economics_of(
        snapshot, margin=margin, annual_discount_rate=annual_discount_rate, cac=0.0
    )
    scoring = Scoring(
        artifact.fitted,
        horizon or artifact.horizon,
        economics,
        artifact.name,
        artifact.version,
    )
    if not customer_id:
        return None, importance(snapshot, scoring)
    return explain(snapshot, scoring, customer_id=customer_id), None
