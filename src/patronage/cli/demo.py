"""patronage demo: a full run on a sample, from nothing."""

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from patronage.cli import options
from patronage.cli.serve import Port, start_serving

__all__ = ["demo"]


def demo(
    out: Annotated[Path, typer.Option(help="Folder for sample and results.")] = Path(
        "patronage-demo"
    ),
    seed: options.Seed = 0,
    serve: Annotated[bool, typer.Option("--serve", help="Then serve it over HTTP.")] = False,
    port: Port = None,
) -> None:
    """Simulate a shop, forecast its customers, and write the report.

    Example: patronage demo --out demo --serve
    """
    import patronage.jobs as jobs
    from patronage.cli.journal import RUN_ID, timed
    from patronage.cli.printing import print_result
    from patronage.cli.progress import bars

    with timed("demo") as facts, bars() as progress:
        result = jobs.demo(out, seed=seed, run_id=RUN_ID, progress=progress)
        facts |= {
            "rows": result.snapshot.events.quality.n_rows_read,
            "customers": result.total.n_customers,
        }
    print_result(result, as_json=False)
    # Why: of a virtual environment that is not active the bare name is not found.
    command = "patronage" if shutil.which("patronage") else sys.argv[0]
    typer.echo(
        f"The sample lies in {out / 'sample'}; try it yourself:\n"
        f"  {command} run {out / 'sample' / 'events.csv'} --out my-results --margin 0.35"
    )
    if serve:
        start_serving(workspace=out, port=port)
