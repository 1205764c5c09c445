"""patronage check-store: whether the stores of a service hold what they must."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["check_store"]

_TOLD = {
    "events": "events looked at",
    "customers": "customers looked at",
    "waiting": "customers that wait for a new score",
    "unscored": "customers without a score of the model at work",
    "absent": "customers that the online store lacks; it is filled as they are asked for",
    "lost": "events lost",
    "twice": "events there twice",
    "ledgers": "ledgers that are not those of their events",
    "scores": "scores that are not those of batch",
    "online": "customers of whom the online store holds something else",
}


def check_store(
    workspace: Annotated[Path, typer.Option(help="Folder that is served.")] = Path("patronage-out"),
    events: Annotated[
        str | None,
        typer.Option(help="Its event store.  [default: as of `patronage serve`]"),
    ] = None,
    online: Annotated[
        str | None,
        typer.Option(help="Its online store.  [default: as of `patronage serve`]"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Fold every customer's events anew, score them anew, and compare with what the stores hold.

    The service may be at work meanwhile. Exit code 1 where something is lost, there twice, or
    other than it must be.

    Example: patronage check-store --workspace patronage-out
    """
    from patronage.config import serve_settings
    from patronage.live.checking import check_stores
    from patronage.live.live_model import load_live_model
    from patronage.live.workspace import Workspace
    from patronage.service.opening import open_online, open_store
    from patronage.service.switching import chosen_model

    place = Workspace.open(workspace)
    told = {"workspace": workspace, "events": events, "online": online}
    settings = serve_settings(told)
    store = open_store(settings, place)
    try:
        key = os.environ.get("PATRONAGE_SIGNING_KEY", "").encode() or None
        model = load_live_model(place, store=store, model=chosen_model(place), signing_key=key)
        found = check_stores(store, model, open_online(settings))
    finally:
        store.close()
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
    else:
        for name, n in asdict(found).items():
            typer.echo(f"{n:>12,} {_TOLD[name]}")
    if not found.is_well:
        raise typer.Exit(1)
