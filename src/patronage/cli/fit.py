"""patronage fit: one model, its parameters and their standard errors."""

import json
from pathlib import Path
from typing import Annotated

import typer

from patronage.cli import options
from patronage.cli.options import parse_columns, parse_date, parse_names

__all__ = ["fit"]


def fit(
    events: Annotated[
        str, typer.Argument(help="Events as for `run`, or an RFM table.", show_default=False)
    ],
    model: Annotated[str, typer.Option(help="Name from `patronage models`.")],
    as_of: options.AsOf = None,
    unit: Annotated[str, typer.Option(help="Unit of time of the parameters.")] = "week",
    horizon: options.Horizon = "52 weeks",
    customers: options.SideTable = None,
    purchases: Annotated[
        str, typer.Option(help="Covariates of the purchase rate, such as 'channel + log(age)'.")
    ] = "",
    dropout: Annotated[str, typer.Option(help="Covariates of dropping out.")] = "",
    spend_covariates: Annotated[str, typer.Option(help="Covariates of the mean spend.")] = "",
    equal: Annotated[
        str, typer.Option(help="Covariates a,b with one effect on purchases and dropout.")
    ] = "",
    l2: Annotated[float, typer.Option(min=0, help="Penalty on the effects of covariates.")] = 0.0,
    period: Annotated[
        str | None,
        typer.Option(
            help="From one opportunity to the next, of discrete models: week, month, year ….",
            show_default=False,
        ),
    ] = None,
    currency: options.Currency = None,
    columns: options.Columns = None,
    query: options.Query = None,
    prior: Annotated[
        str | None,
        typer.Option(help="'default' (weakly informative) or 'flat'.", show_default=False),
    ] = None,
    uncertainty: Annotated[
        str | None,
        typer.Option(
            help="Draw a posterior: laplace, psis, nuts, bootstrap or auto.", show_default=False
        ),
    ] = None,
    seed: options.Seed = 0,
    report: Annotated[
        Path | None,
        typer.Option(help="Folder for a page about the fit, and its tables.", show_default=False),
    ] = None,
    engine: options.Engine = "duckdb",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Fit one model and print its parameters, standard errors and log-likelihood.

    Example: patronage fit orders.csv --model pareto_nbd --unit week --json

    With covariates, from --customers, the first purchase or the columns of an RFM table:
    patronage fit orders.csv --customers people.csv --model pareto_nbd --purchases "channel + age"
    """
    from patronage.cli.journal import timed
    from patronage.horizon import Horizon
    from patronage.jobs import fit_source
    from patronage.models.encoders.covariates import Covariates

    covariates = Covariates(
        purchases, dropout, spend_covariates, l2=l2, equal=parse_names(equal or None) or ()
    )
    with timed("fit", model=model) as facts:
        result = fit_source(
            events,
            model,
            as_of=parse_date(as_of),
            unit=unit,
            horizon=Horizon.parse(horizon),
            covariates=covariates if covariates.formulas else None,
            customers=customers,
            period=period,
            currency=currency,
            columns=parse_columns(columns),
            query=query,
            prior=prior,
            uncertainty=uncertainty,
            seed=seed,
            report=report,
            engine=engine,
        )
        facts |= {"rows": result["n_rows"], "customers": result["n_customers"]}
    if as_json:
        typer.echo(json.dumps(result, indent=2, default=str))
        return
    from patronage.cli.printing import print_fit

    print_fit(result)
