"""Progress bars for what takes over two seconds; silent where nobody watches."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from patronage.jobs.progress import Progress, silent

__all__ = ["bars"]


@contextmanager
def bars(*, quiet: bool = False) -> Iterator[Progress]:
    """A bar per stage on standard error, when it is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as RichProgress

    columns = (TextColumn("{task.description:<28}"), BarColumn(), TimeElapsedColumn())
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as shown:
        tasks: dict[str, object] = {}

        def report(stage: str, done: float) -> None:
            if stage not in tasks:
                tasks[stage] = shown.add_task(stage, total=1.0)
            shown.update(tasks[stage], completed=done)  # type: ignore[arg-type]

        yield report
