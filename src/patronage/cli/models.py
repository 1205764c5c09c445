"""patronage models: the catalogue."""

import json
from typing import Annotated

import typer

__all__ = ["models"]


def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List every model: its family, what it forecasts, and when to use it.

    Example: patronage models --json
    """
    from patronage.models.catalog import MODELS

    entries = [
        {
            "name": name,
            "family": entry.family,
            "kind": entry.kind,
            "setting": entry.setting,
            "when_to_use": entry.when_to_use,
        }
        for name, entry in MODELS.items()
    ]
    if as_json:
        typer.echo(json.dumps(entries, indent=2))
        return
    from patronage.cli.printing import print_table

    print_table("Models", list(entries[0]), [list(entry.values()) for entry in entries])
