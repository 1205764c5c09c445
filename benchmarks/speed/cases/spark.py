"""Features and scores of two million events: Spark on two cores beside DuckDB, the same job."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from case import Case, Side, Sides, Target, seconds
from clock import Clock
from places import data_file

__all__ = ["CASES"]

FILE = "events_2m.parquet"


def _saved(log: Any, folder: Path) -> Any:
    """A model of a part of the customers, saved."""
    import polars as pl

    from patronage.horizon import Horizon
    from patronage.models.catalog import make_model
    from patronage.registry import Artifact, load_artifact, save_artifact
    from patronage.snapshots import take_snapshot

    snapshot, horizon = take_snapshot(log.among(pl.Series(range(5_000)))), Horizon(26, "week")
    fitted = make_model("pareto_nbd").fit(snapshot, horizon)
    save_artifact(Artifact("pareto_nbd", fitted, horizon, snapshot.as_of, "USD"), folder)
    return load_artifact(folder)


def _work(clock: Clock, *, spark: bool) -> dict[str, float]:
    from patronage.engines import SparkEngine
    from patronage.events import read_events
    from patronage.jobs import score_log, score_log_on_spark
    from patronage.snapshots import RUN_FEATURES, take_snapshot

    log = read_events(data_file(FILE), currency="USD")
    with TemporaryDirectory() as folder, SparkEngine() as engine:
        artifact = _saved(log, Path(folder))
        with clock("start"):
            if spark:
                engine.rows("SELECT 1 AS one")
        with clock("features"):
            there = log.on(engine) if spark else log
            customers = take_snapshot(there, features=RUN_FEATURES).customers
        with clock("score"):
            if spark:
                scores = score_log_on_spark(log, artifact, Path(folder), engine=engine)
            else:
                scores = score_log(log, artifact)
    return {
        "customers": len(customers),
        "spend": float(customers["spend"].sum()),
        "gaps": float(customers["mean_gap"].sum()),
        "clv": float(scores["clv"].sum()),
    }


def _agree(sides: Sides) -> list[str]:
    ours, theirs = sides["patronage"].answer, sides["spark"].answer
    return [
        f"{name} is {theirs[name]} on Spark, {ours[name]} on DuckDB"
        for name in ours
        if not abs(theirs[name] / ours[name] - 1) < 1e-9
    ]


def _times_slower(sides: Sides) -> float:
    return sides["spark"].wall["total"] / sides["patronage"].wall["total"]


CASES = {
    "spark-2m": Case(
        title="features and scores of 2 M events, Spark on two cores",
        needs=(FILE,),
        sides={
            "patronage": Side(lambda clock: _work(clock, spark=False), parts=("features", "score")),
            "spark": Side(lambda clock: _work(clock, spark=True), parts=("features", "score")),
        },
        targets=(
            Target("× the seconds of DuckDB", _times_slower, at_most=4),
            Target("seconds to start Spark", seconds("spark", "start")),
            Target("seconds on Spark", seconds("spark")),
        ),
        agree=_agree,
        asked_only=True,
    ),
}
