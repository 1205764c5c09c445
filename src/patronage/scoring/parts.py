"""Scores of a part of the customers, made where the part lies."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

import polars as pl

from patronage.engines import NO_ENGINE
from patronage.errors import ArtifactError
from patronage.events import EventLog
from patronage.events.quality import QualityReport
from patronage.horizon import Horizon
from patronage.registry import Artifact, load_artifact
from patronage.scoring.score import SCORE_COLUMNS, Scoring, score
from patronage.snapshots import Snapshot
from patronage.value import Economics

__all__ = ["PartScoring", "score_parts", "scores_schema", "scoring_of"]

_TYPES: Final = {
    "segment": pl.String,
    "as_of": pl.Date,
    "currency": pl.String,
    "model": pl.String,
    "version": pl.String,
}


@dataclass(frozen=True)
class PartScoring:
    """All that a worker must be told: plain values, and where the saved model lies.

    Attributes
    ----------
    folder : the saved model, in a place that every worker can read
    version : what it must be there
    horizon : number of periods, and their length
    margin, annual_discount_rate, cac : one for all customers
    as_of, currency, has_clock, kinds, rated_kinds : of the log (see `EventLog`)
    """

    folder: str
    version: str
    horizon: tuple[int, str]
    margin: float
    annual_discount_rate: float
    cac: float
    as_of: date
    currency: str
    has_clock: bool
    kinds: tuple[str, ...]
    rated_kinds: tuple[str, ...]


def score_parts(frames: Iterator[pl.DataFrame], told: PartScoring) -> Iterator[pl.DataFrame]:
    """The scores of each frame of customers (see `Snapshot`), by the one `score`.

    Segments are those of the part; only who has all customers can set them. model_spread is null
    where `score` leaves it out.
    """
    scoring = _scoring(told)
    events = EventLog(
        relation="",
        columns=(),
        currency=told.currency,
        has_clock=told.has_clock,
        has_known_time=False,
        quality=QualityReport(0, 0),
        kinds=told.kinds,
        rated_kinds=told.rated_kinds,
        cut=told.as_of,
        elsewhere=NO_ENGINE,
    )
    for customers in frames:
        if len(customers):
            snapshot = Snapshot(events, customers, told.as_of, scoring.fitted.features)
            scored = score(snapshot, scoring)
            if "model_spread" not in scored.columns:
                scored = scored.with_columns(pl.lit(None, pl.Float64).alias("model_spread"))
            yield scored


def scores_schema(customer_id: Any) -> dict[str, Any]:
    """Column → Polars type of the scores of customers with this type of id."""
    types = {name: _TYPES.get(name, pl.Float64) for name in (*SCORE_COLUMNS, "model_spread")}
    return types | {"customer_id": customer_id}


def scoring_of(
    artifact: Artifact, economics: Economics, *, horizon: Horizon | None = None
) -> Scoring:
    """How a saved model scores; the horizon is its own unless another is asked for."""
    facts = artifact.facts or {}
    return Scoring(
        artifact.fitted,
        horizon or artifact.horizon,
        economics,
        artifact.name,
        artifact.version,
        float(facts.get("level_sd", 0.0)),
    )


@cache
def _scoring(told: PartScoring) -> Scoring:
    """Loaded once in every worker; who sent it has checked the signature."""
    artifact = load_artifact(Path(told.folder))
    if artifact.version != told.version:
        raise ArtifactError(
            f"{told.folder} holds version {artifact.version} here, and {told.version} where the "
            "scoring began.\nTo mend: keep models in a folder that all workers share."
        )
    economics = Economics(told.margin, told.annual_discount_rate, told.cac)
    return scoring_of(artifact, economics, horizon=Horizon(*told.horizon))
