"""patronage score: score events with a saved model."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from patronage.cli import options
from patronage.cli.options import parse_columns, parse_date

__all__ = ["score"]


def score(
    events: options.Events,
    model: Annotated[Path, typer.Option(help="Folder of a saved model, such as OUT/models/NAME.")],
    customers: options.SideTable = None,
    as_of: options.AsOf = None,
    out: Annotated[Path, typer.Option(help="File to write: .parquet or .csv.")] = Path(
        "scores.parquet"
    ),
    horizon: Annotated[
        str | None, typer.Option(help="Default: the one that the model was fitted for.")
    ] = None,
    margin: options.Margin = "1",
    discount_rate: options.DiscountRate = 0.10,
    cac: options.Cac = "0",
    currency: Annotated[
        str | None, typer.Option(help="Default: the currency of the model.")
    ] = None,
    columns: options.Columns = None,
    query: options.Query = None,
    engine: options.Engine = "duckdb",
) -> None:
    """Write one row per customer: expected CLV with both intervals.

    Example: patronage score orders.csv --model patronage-out/models/pareto_nbd --out scores.csv
    """
    from patronage.cli.journal import timed
    from patronage.cli.printing import print_quality
    from patronage.cli.progress import bars
    from patronage.cli.sources import number_or_table, open_log
    from patronage.engines import check_engine, spark_engine
    from patronage.horizon import Horizon
    from patronage.jobs import score_log, score_log_on_spark
    from patronage.registry import load_artifact
    from patronage.scoring import write_scores

    check_engine(engine)
    key = os.environ.get("PATRONAGE_SIGNING_KEY", "").encode() or None
    with timed("score") as facts, bars() as progress:
        artifact = load_artifact(model, signing_key=key)
        log = open_log(
            events,
            currency=currency or artifact.currency,
            columns=parse_columns(columns),
            query=query,
            tables={"customers": customers},
        )
        how: dict[str, Any] = {
            "as_of": parse_date(as_of),
            "horizon": None if horizon is None else Horizon.parse(horizon),
            "margin": number_or_table(margin, "--margin"),
            "cac": number_or_table(cac, "--cac"),
            "annual_discount_rate": discount_rate,
        }
        if engine == "spark":
            scores = score_log_on_spark(log, artifact, model, engine=spark_engine(), **how)
        else:
            scores = score_log(log, artifact, progress=progress, **how)
        write_scores(scores, out)
        facts |= {"rows": log.quality.n_rows_read, "customers": len(scores)}
    print_quality(log.quality)
    typer.echo(f"{len(scores):,} customers scored with {artifact.name} {artifact.version}: {out}")
