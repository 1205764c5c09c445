"""`patronage …`: one Typer app, and what every command shares: errors, exit codes, the log."""

import os
import sys
import traceback
from typing import Annotated

import typer

# Why: what takes long runs a thread per core already, and BLAS threads beside these only wait for
# each other, spinning: a leaderboard then took five times the processor time. Set before NumPy
# is first imported; who has chosen a number keeps it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from patronage.cli import (
    backtest,
    check_store,
    demo,
    doctor,
    explain,
    export,
    features,
    fit,
    keys,
    models,
    run,
    score,
    serve,
    simulate,
    validate,
)
from patronage.cli.command import Command
from patronage.cli.journal import start_journal
from patronage.errors import PatronageError

__all__ = ["app", "main"]

app = typer.Typer(
    name="patronage",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Customer lifetime value: raw events in, honest forecasts and decisions out.",
    epilog="Start with: patronage demo, then patronage run YOUR_FILE.csv",
)


def _tell_version(asked: bool) -> bool:
    from patronage import __version__

    if asked:
        typer.echo(f"patronage {__version__}")
        raise typer.Exit
    return asked


@app.callback()
def _shared(
    log: Annotated[
        str, typer.Option(help="Log to standard error as 'text', 'json' or 'off'.")
    ] = "text",
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_tell_version, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    del version
    start_journal(log)


for _command in (
    demo.demo,
    run.run,
    fit.fit,
    backtest.backtest,
    features.features,
    score.score,
    explain.explain,
    validate.validate,
    serve.serve,
    keys.keys,
    export.export,
    check_store.check_store,
    simulate.simulate,
    models.models,
    doctor.doctor,
):
    app.command(name=_command.__name__.replace("_", "-"), cls=Command)(_command)


def main() -> None:
    """Entry point. Exit codes: 0 done, 2 the user's input, 1 our fault."""
    try:
        app(prog_name="patronage")
    except PatronageError as error:
        typer.echo(f"{type(error).__name__}: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        typer.echo("stopped.", err=True)
        sys.exit(130)
    except Exception as error:
        if os.environ.get("PATRONAGE_DEBUG"):
            traceback.print_exc()
        typer.echo(
            f"patronage failed: {type(error).__name__}: {error}\n"
            "This is our fault, not yours. PATRONAGE_DEBUG=1 shows where it happened; "
            "please report it with that trace.",
            err=True,
        )
        sys.exit(1)
