"""patronage export: the events of a service as a log, to run and to fit on again."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["export"]


def export(
    workspace: Annotated[Path, typer.Option(help="Folder that is served.")] = Path("patronage-out"),
    events: Annotated[
        str | None,
        typer.Option(help="Its event store.  [default: as of `patronage serve`]"),
    ] = None,
    out: Annotated[Path, typer.Option(help="Parquet file to write.")] = Path("events.parquet"),
) -> None:
    """Write every event that counts, the run's and those that came since, to a Parquet file.

    Example: patronage export --workspace patronage-out --out events.parquet
    """
    from patronage.config import serve_settings
    from patronage.live.history import bring_history
    from patronage.live.workspace import Workspace
    from patronage.service.opening import open_store

    place = Workspace.open(workspace)
    store = open_store(serve_settings({"workspace": workspace, "events": events}), place)
    try:
        bring_history(store, place)
        n = store.export(out)
    finally:
        store.close()
    typer.echo(f"{n:,} events: {out}")
