"""patronage doctor: what would be read, set aside and assumed."""

import json
from typing import Annotated

import typer

from patronage.cli import options

__all__ = ["doctor"]


def doctor(
    events: options.Events,
    currency: options.Currency = None,
    columns: options.Columns = None,
    query: options.Query = None,
    drop_duplicates: options.DropDuplicates = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what a file of events looks like to Patronage, before anything is fitted.

    Example: patronage doctor orders.csv --columns customer_id=Kunde,time=Datum,amount=Betrag
    """
    from patronage.cli.journal import timed
    from patronage.cli.options import parse_columns
    from patronage.cli.printing import print_log, print_table
    from patronage.cli.sources import open_log
    from patronage.jobs import examine

    with timed("doctor") as facts:
        log = open_log(
            events,
            currency=currency,
            columns=parse_columns(columns),
            query=query,
            drop_duplicates=drop_duplicates,
        )
        found = examine(log)
        facts |= {"rows": log.quality.n_rows_read}
    if as_json:
        typer.echo(json.dumps(found, indent=2, default=str))
        return
    print_log(log)
    print_table("Facts", ["fact", "value"], list(found["facts"].items()))
    for line in found["advice"]:
        typer.echo(f"Advice: {line}")
