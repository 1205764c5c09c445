"""patronage run: the main job."""

import os
from pathlib import Path
from typing import Annotated

import typer

from patronage.cli import options
from patronage.cli.options import parse_columns, parse_date, parse_names

__all__ = ["run"]


def run(
    events: options.Events,
    customers: options.SideTable = None,
    products: options.SideTable = None,
    links: options.SideTable = None,
    calendar: options.SideTable = None,
    rates: options.SideTable = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("patronage-out"),
    as_of: options.AsOf = None,
    horizon: options.Horizon = "52 weeks",
    models: options.Models = None,
    choose_by: Annotated[
        str, typer.Option(help="Metric that picks the model, such as normalized_gini or rmse.")
    ] = "deviance",
    calibrate: Annotated[
        str,
        typer.Option(
            help="Conformal intervals of outcomes: none, conformal, or auto (where they were off)."
        ),
    ] = "none",
    margin: options.Margin = "1",
    discount_rate: options.DiscountRate = 0.10,
    cac: options.Cac = "0",
    currency: options.Currency = None,
    columns: options.Columns = None,
    query: options.Query = None,
    drop_duplicates: options.DropDuplicates = False,
    seed: options.Seed = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Forecast every customer, with a leaderboard of models and a report.

    Example: patronage run orders.csv --out results --horizon "12 months" --margin 0.35
    """
    import patronage.jobs as jobs
    from patronage.cli.journal import RUN_ID, timed
    from patronage.cli.printing import accounting_for, print_result
    from patronage.cli.progress import bars
    from patronage.cli.sources import number_or_table, open_log
    from patronage.horizon import Horizon

    settings = jobs.RunSettings(
        as_of=parse_date(as_of),
        horizon=Horizon.parse(horizon),
        models=parse_names(models),
        choose_by=choose_by,
        calibrate=calibrate,
        margin=number_or_table(margin, "--margin"),
        cac=number_or_table(cac, "--cac"),
        annual_discount_rate=discount_rate,
        seed=seed,
        signing_key=os.environ.get("PATRONAGE_SIGNING_KEY", "").encode() or None,
    )
    with timed("run") as facts, bars(quiet=as_json) as progress:
        progress("reading events", 0.0)
        log = open_log(
            events,
            currency=currency,
            columns=parse_columns(columns),
            query=query,
            drop_duplicates=drop_duplicates,
            tables={
                "customers": customers,
                "products": products,
                "links": links,
                "calendar": calendar,
                "rates": rates,
            },
        )
        progress("reading events", 1.0)
        with accounting_for(log):
            result = jobs.run(log, out, settings, run_id=RUN_ID, progress=progress)
        facts |= {"rows": log.quality.n_rows_read, "customers": result.total.n_customers}
    print_result(result, as_json=as_json)
