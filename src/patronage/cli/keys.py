"""patronage keys: who may call the service."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["keys"]


def keys(
    action: Annotated[str, typer.Argument(help="create, list or revoke.")],
    name: Annotated[
        str | None, typer.Argument(help="create: whom it is for; revoke: its id.")
    ] = None,
    workspace: Annotated[Path, typer.Option(help="Folder of a run.")] = Path("patronage-out"),
    scopes: Annotated[str, typer.Option(help="Of read, write, admin.")] = "read",
) -> None:
    """Make, list and revoke the API keys of a workspace; a key is shown once.

    Example: patronage keys create shop --scopes read,write --workspace patronage-out
    """
    from patronage.cli.options import parse_names
    from patronage.config import serve_settings
    from patronage.errors import SettingsError
    from patronage.live.workspace import Workspace
    from patronage.service.worker import keys_of

    Workspace.open(workspace)
    store = keys_of(serve_settings({"workspace": workspace}))
    if action == "create" and name:
        wanted = parse_names(scopes, option="--scopes", example="read,write") or ()
        secret, key = store.create(name, wanted)
        typer.echo(f"{secret}\nIt may {', '.join(key.scopes)}, and is shown this once.")
    elif action == "revoke" and name:
        if not store.revoke(name):
            raise SettingsError(f"no key {name!r} that holds.\nTo mend: see `patronage keys list`.")
        typer.echo(f"{name} is revoked.")
    elif action == "list":
        for key in store.all():
            state = "holds" if key.revoked is None else f"revoked {key.revoked:%Y-%m-%d}"
            typer.echo(f"{key.id}  {key.name}  {', '.join(key.scopes)}  {state}")
    else:
        raise SettingsError(
            f"cannot {action!r}{'' if name else ' without a name or an id'}.\n"
            "To mend: patronage keys create NAME, list, or revoke ID."
        )
