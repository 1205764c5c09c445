"""patronage validate: one model, judged so that somebody may sign for it."""

import os
from pathlib import Path
from typing import Annotated

import typer

from patronage.cli import options
from patronage.cli.options import parse_columns, parse_date

__all__ = ["validate"]


def validate(
    events: options.Events,
    model: Annotated[
        str,
        typer.Option(help="Name from `patronage models`, or the folder of a saved model."),
    ],
    origins: Annotated[
        str,
        typer.Option(help="Days to forecast from: D1,D2,…; or auto: those that history allows."),
    ] = "auto",
    horizon: Annotated[
        str | None,
        typer.Option(help="How far ahead. Default: 52 weeks, or a saved model's own."),
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option(
            help="Attribute to compare customers by, such as customers.gender; may be repeated.",
            show_default=False,
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Forecast in money from which a customer is contacted and counts as valuable. "
            "Default: the mean purchase known at the first origin.",
            show_default=False,
        ),
    ] = None,
    cost: Annotated[float, typer.Option(min=0, help="Of contacting one customer.")] = 0.0,
    margin: Annotated[float, typer.Option(help="Contribution margin, a fraction of cash.")] = 1.0,
    retraining_cost: Annotated[
        float | None,
        typer.Option(min=0, help="In money: retraining is then weighed against profit lost."),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=ATTENTION:FAIL in place of a default, such as aggregate_bias=0.05:0.15; may "
            "be repeated.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("validation"),
    customers: options.SideTable = None,
    currency: options.Currency = None,
    columns: options.Columns = None,
    query: options.Query = None,
    seed: options.Seed = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Validate one model: what it got right, for whom, for how long, and against what limits.

    Example: patronage validate orders.csv --model pareto_nbd --horizon "13 weeks" --cost 2
    """
    from patronage.cli.journal import timed
    from patronage.cli.progress import bars
    from patronage.cli.sources import open_log
    from patronage.evaluate.validation import limits_with
    from patronage.horizon import Horizon
    from patronage.jobs.folders import make_folder
    from patronage.jobs.validate_log import validate_log

    days = None if origins == "auto" else [parse_date(d.strip()) for d in origins.split(",")]
    limits = limits_with(limit or ())
    make_folder(out)
    key = os.environ.get("PATRONAGE_SIGNING_KEY", "").encode() or None
    with timed("validate", model=model) as facts, bars(quiet=as_json) as progress:
        log = open_log(
            events,
            currency=currency,
            columns=parse_columns(columns),
            query=query,
            tables={"customers": customers},
        )
        result = validate_log(
            log,
            model,
            origins=None if days is None else [day for day in days if day is not None],
            horizon=None if horizon is None else Horizon.parse(horizon),
            groups=group or (),
            threshold=threshold,
            margin=margin,
            cost=cost,
            retraining_cost=retraining_cost,
            limits=limits,
            seed=seed,
            signing_key=key,
            progress=progress,
        )
        result.write(out)
        facts |= {"rows": log.quality.n_rows_read, "customers": result.inputs.n_customers}
    if as_json:
        import json

        typer.echo(json.dumps(result.as_dict(), indent=2, ensure_ascii=False))
        return
    found = result.validation
    typer.echo(f"{found.model}: {found.verdict}. {result.inputs.judged}")
    for finding in found.findings:
        if finding.status != "pass":
            typer.echo(f"  {finding.status:<9} {finding.sentence}")
    typer.echo(found.ageing.sentence)
    typer.echo(f"Page: {out / 'validation.html'}")
