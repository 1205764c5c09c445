"""patronage serve: events in, scores out, over HTTP."""

import sys
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Port", "serve", "start_serving"]

Port = Annotated[int | None, typer.Option(help="0 takes a free one.  [default: 8000]")]


def serve(
    workspace: Annotated[
        Path | None, typer.Option(help="Folder of a run.  [default: patronage-out]")
    ] = None,
    host: Annotated[str | None, typer.Option(help="[default: 127.0.0.1]")] = None,
    port: Port = None,
    workers: Annotated[int | None, typer.Option(help="Serving processes.  [default: 1]")] = None,
    events: Annotated[
        str | None,
        typer.Option(help="Event store: a SQLite file or postgresql://…  [default: in the folder]"),
    ] = None,
    online: Annotated[
        str | None, typer.Option(help="Online store: redis://…  [default: in the process]")
    ] = None,
) -> None:
    """Take events in and answer scores, from the folder of a run.

    Every setting can stand in patronage.toml under [serve], or in PATRONAGE_SERVE_*.

    Example: patronage serve --workspace patronage-out --port 8000
    """
    start_serving(
        workspace=workspace, host=host, port=port, workers=workers, events=events, online=online
    )


def start_serving(**arguments: object) -> None:
    """Serve until told to stop; say where, and with which key where there was none."""
    from patronage.errors import MissingExtraError, SettingsError

    try:
        from patronage.config import serve_settings
        from patronage.live.workspace import Workspace
        from patronage.service.worker import keys_of, listen, serve_on
        from patronage.service.workers import serve_with_workers
    except ImportError as error:
        if isinstance(error, MissingExtraError):
            raise
        raise MissingExtraError.of(str(error.name), "live") from error

    settings = serve_settings(arguments)
    Workspace.open(settings.workspace)
    keys = keys_of(settings)
    if not any(key.revoked is None for key in keys.all()):
        secret, _ = keys.create("first", ("read", "write", "admin"))
        typer.echo(f"No API key was there; this one may do everything and is shown once:\n{secret}")
    try:
        sock = listen(settings)
    except OSError as error:
        raise SettingsError(
            f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}.\n"
            "To mend: choose another --port, or stop who has it."
        ) from error
    host, port = sock.getsockname()[:2]
    typer.echo(f"Serving {settings.workspace} at http://{host}:{port} (stop with Ctrl+C)")
    if settings.workers > 1:
        sys.exit(serve_with_workers(sock, settings))
    serve_on(sock, settings)
