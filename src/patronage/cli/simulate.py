"""patronage simulate: a shop whose truth is known."""

from pathlib import Path
from typing import Annotated

import typer

from patronage.cli import options

__all__ = ["simulate"]


def simulate(
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("simulated"),
    customers: Annotated[int, typer.Option(min=1, help="Number of customers.")] = 3000,
    form: Annotated[str, typer.Option("--format", help="'csv' or 'parquet'.")] = "csv",
    seed: options.Seed = 0,
) -> None:
    """Write events, side tables and the truth of a simulated shop.

    Example: patronage simulate --customers 5000 --out shop
    """
    from patronage.cli.journal import timed
    from patronage.datasets import SimulationSettings
    from patronage.datasets import simulate as draw
    from patronage.jobs.folders import make_folder

    with timed("simulate", customers=customers) as facts:
        drawn = draw(SimulationSettings(n_customers=customers), seed=seed)
        drawn.write(make_folder(out), format=form)
        facts |= {"rows": len(drawn.events)}
    typer.echo(f"{len(drawn.events):,} events of {customers:,} customers: {out}")
