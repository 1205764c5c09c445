"""patronage backtest: models at earlier days against what happened."""

from pathlib import Path
from typing import Annotated

import typer

from patronage.cli import options
from patronage.cli.options import parse_columns, parse_date, parse_names

__all__ = ["backtest"]


def backtest(
    events: options.Events,
    models: options.Models = None,
    origins: Annotated[
        str | None,
        typer.Option(
            help="Days to forecast from: D1,D2,… Default: three that the history allows.",
            show_default=False,
        ),
    ] = None,
    horizon: options.Horizon = "52 weeks",
    out: Annotated[
        Path | None, typer.Option(help="Folder for leaderboard.csv and predictions.parquet.")
    ] = None,
    choose_by: Annotated[str, typer.Option(help="Metric to sort by.")] = "deviance",
    currency: options.Currency = None,
    columns: options.Columns = None,
    query: options.Query = None,
    seed: options.Seed = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the board as JSON.")] = False,
) -> None:
    """Judge models at earlier days by what happened after.

    Example: patronage backtest orders.csv --models pareto_nbd,same_again --horizon "13 weeks"
    """
    from patronage.cli.journal import timed
    from patronage.cli.progress import bars
    from patronage.cli.sources import open_log
    from patronage.horizon import Horizon
    from patronage.jobs import backtest_log

    days = None if origins is None else [parse_date(day.strip()) for day in origins.split(",")]
    with timed("backtest") as facts, bars(quiet=as_json) as progress:
        log = open_log(events, currency=currency, columns=parse_columns(columns), query=query)
        board = backtest_log(
            log,
            parse_names(models),
            origins=days,
            horizon=Horizon.parse(horizon),
            choose_by=choose_by,
            seed=seed,
            progress=progress,
        )
        if out is not None:
            board.write(out)
        facts |= {"rows": log.quality.n_rows_read}
    typer.echo(board.as_json() if as_json else board.as_text())
    if out is not None and not as_json:
        typer.echo(f"Leaderboard: {out / 'leaderboard.csv'}")
