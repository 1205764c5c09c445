"""patronage demo: a full run on a sample, from nothing."""

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
    typer.echo(
        f"The sample lies in {out / 'sample'}; try it yourself:\n"
        f"  patronage run {out / 'sample' / 'events.csv'} --out my-results --margin 0.35"
    )
    if serve:
        start_serving(workspace=out, port=port)
