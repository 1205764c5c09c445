"""The same jobs on Spark: snapshots on the cluster, scores by its workers, fits by the driver."""

import uuid
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from patronage.engines import SparkEngine, parquet
from patronage.errors import EventSchemaError, SettingsError
from patronage.events import EventLog
from patronage.events.workspace import Workspace
from patronage.horizon import Horizon
from patronage.jobs.score_log import check_currency
from patronage.models.base import Model
from patronage.models.btyd.model import AbstractBTYD
from patronage.models.btyd.spending import SpendModel, reads_of
from patronage.registry import Artifact
from patronage.scoring import PartScoring, score_parts, scores_schema, with_segments
from patronage.snapshots import (
    FEATURES,
    Snapshot,
    compacted_snapshot,
    customers_query,
    first_unknown_day,
    is_attribute,
    take_snapshot,
)

__all__ = ["compacted_for", "score_log_on_spark"]


def score_log_on_spark(
    log: EventLog,
    artifact: Artifact,
    folder: Path,
    *,
    engine: SparkEngine,
    as_of: date | None = None,
    horizon: Horizon | None = None,
    margin: float | Any = 1.0,
    cac: float | Any = 0.0,
    annual_discount_rate: float = 0.10,
) -> pl.DataFrame:
    """What `score_log` gives, the customers summarised and scored where their events lie.

    folder : where `artifact` was loaded from; every worker loads it from there

    Raises
    ------
    SettingsError : the model or the economics need more than a part of the customers shows
    """
    check_currency(log, artifact)
    features = artifact.fitted.features
    for name, given in {"margin": margin, "cac": cac}.items():
        if not isinstance(given, int | float):
            raise _only_on_duckdb(f"the {name} is a table")
    elsewhere = log.on(engine)
    day = first_unknown_day(elsewhere, as_of)
    known = elsewhere.before(day)
    ahead = horizon or artifact.horizon
    told = PartScoring(
        folder=str(folder.resolve()),
        version=artifact.version,
        horizon=(ahead.n_periods, ahead.period),
        margin=float(margin),
        annual_discount_rate=annual_discount_rate,
        cac=float(cac),
        as_of=day,
        currency=log.currency,
        has_clock=log.has_clock,
        kinds=log.kinds,
        rated_kinds=log.rated_kinds,
    )
    sql = _customers(known, day, features)
    ids = engine.frame(f"SELECT customer_id FROM ({known.relation}) LIMIT 0")
    schema = scores_schema(ids.schema["customer_id"])
    scores = engine.map(sql, partial(score_parts, told=told), schema)
    if scores.is_empty():
        raise EventSchemaError(
            f"nothing is known before as_of {day}.\nTo mend: choose an as_of after the first event."
        )
    if scores["model_spread"].null_count() == len(scores):
        scores = scores.drop("model_spread")
    return with_segments(scores.sort("customer_id"))


def _customers(known: EventLog, day: date, features: tuple[str, ...]) -> str:
    """SQL text of the customers with the features.

    Groups over days are one query, which the workers run as they score; of others Spark makes the
    snapshot, and its rows come by way of the driver.
    """
    if all(not is_attribute(name) and FEATURES[name].grain == "days" for name in features):
        return customers_query(known, day, features)("")
    workspace = known.workspace or Workspace()
    path = workspace.path / f"customers-{uuid.uuid4().hex}.parquet"
    take_snapshot(known, as_of=day, features=features).customers.write_parquet(path)
    return f"SELECT * FROM {parquet([path])}"


def compacted_for(
    settings: Model, name: str, log: EventLog, *, engine: SparkEngine, as_of: date | None
) -> Snapshot:
    """The distinct histories that a buy-till-you-die model learns from, grouped on Spark.

    Raises
    ------
    SettingsError : the model learns from more than these
    """
    if not isinstance(settings, AbstractBTYD | SpendModel) or reads_of(settings):
        raise _only_on_duckdb(
            f"{name} learns from more than the histories of buy-till-you-die models, or with "
            "covariates"
        )
    money = not isinstance(settings, AbstractBTYD) or settings.spend is not None
    elsewhere = log.on(engine)
    return compacted_snapshot(
        elsewhere,
        as_of=first_unknown_day(elsewhere, as_of),
        features=settings.features,
        money=money and log.currency != "purchases",
    )


def _only_on_duckdb(why: str) -> SettingsError:
    return SettingsError(f"this cannot be done on Spark: {why}.\nTo mend: --engine duckdb.")
