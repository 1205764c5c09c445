"""patronage explain: why a customer is worth what the model says."""

import os
from pathlib import Path
from typing import Annotated

import typer

from patronage.cli import options
from patronage.cli.options import parse_columns, parse_date

__all__ = ["explain"]


def explain(
    events: options.Events,
    model: Annotated[Path, typer.Option(help="Folder of a saved model, such as OUT/models/NAME.")],
    customer: Annotated[
        list[str] | None,
        typer.Option(help="Customer to explain; may be given again. Default: what matters most."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Reasons shown of each customer.")] = 6,
    out: Annotated[
        Path | None, typer.Option(help="Write every reason to a .csv or .parquet file.")
    ] = None,
    customers: options.SideTable = None,
    as_of: options.AsOf = None,
    margin: options.Margin = "1",
    discount_rate: options.DiscountRate = 0.10,
    columns: options.Columns = None,
    query: options.Query = None,
) -> None:
    """Say in money why a customer is worth what it is; the reasons add up to the score.

    Example: patronage explain orders.csv --model patronage-out/models/vote --customer C000042
    """
    from patronage.cli.journal import timed
    from patronage.cli.sources import number_or_table, open_log
    from patronage.jobs import explain_log
    from patronage.registry import load_artifact
    from patronage.scoring import write_scores

    key = os.environ.get("PATRONAGE_SIGNING_KEY", "").encode() or None
    with timed("explain") as facts:
        artifact = load_artifact(model, signing_key=key)
        log = open_log(
            events,
            currency=artifact.currency,
            columns=parse_columns(columns),
            query=query,
            tables={"customers": customers},
        )
        found, ranked = explain_log(
            log,
            artifact,
            customer_id=customer or [],
            as_of=parse_date(as_of),
            margin=number_or_table(margin, "--margin"),
            annual_discount_rate=discount_rate,
        )
        facts |= {"rows": log.quality.n_rows_read, "customers": len(customer or [])}
    if found is not None:
        for customer_id, base, clv in found.totals.iter_rows():
            typer.echo(f"{customer_id}: CLV {clv:,.2f} {found.currency}, of which")
            n = found.compared_with
            of_whom = f", the mean of {n:,} customers" if n else ""
            told = "before anything is known of the customer"
            typer.echo(f"  {base:,.2f} {found.currency} {told}{of_whom}")
            for line in found.sentences(customer_id, top=top):
                typer.echo(f"  {line}")
    elif ranked is not None:
        typer.echo(f"What moves CLV most, {artifact.currency} per customer:")
        for reason, size, _ in ranked.head(top).iter_rows():
            typer.echo(f"  {size:12,.2f}  {reason}")
    if out is not None:
        table = found.parts if found is not None else ranked
        assert table is not None
        write_scores(table, out)
        typer.echo(f"{len(table):,} rows: {out}")
