"""The log of one command: a run id, rows, seconds and peak memory, as text or JSON lines."""

import json
import logging
import resource
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from patronage.errors import SettingsError

__all__ = ["RUN_ID", "peak_memory_mib", "start_journal", "timed"]

RUN_ID: Final = uuid.uuid4().hex[:12]
_log = logging.getLogger("patronage")


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts: dict[str, Any] = getattr(record, "facts", {})
        entry = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "run_id": RUN_ID,
            "message": record.getMessage(),
            **facts,
        }
        return json.dumps(entry, default=str)


def start_journal(form: str) -> None:
    """Send the library's log to standard error in this form."""
    if form not in ("text", "json", "off"):
        raise SettingsError(
            f"--log {form!r} is no form of log.\nTo mend: --log text, --log json or --log off."
        )
    _log.handlers.clear()
    _log.propagate = False
    if form == "off":
        _log.addHandler(logging.NullHandler())
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines() if form == "json" else logging.Formatter("%(message)s"))
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)


def peak_memory_mib() -> int:
    """Most memory this process has held so far."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


@contextmanager
def timed(command: str, **facts: Any) -> Iterator[dict[str, Any]]:
    """Log the command's end with its rows, seconds and peak memory; add facts to what it yields.

    A command that fails is logged too, with the kind of its error.
    """
    start = time.perf_counter()
    seen: dict[str, Any] = {"rows": None, **facts}
    try:
        yield seen
    except BaseException as error:
        seen["failed"] = type(error).__name__
        raise
    finally:
        _end(command, seen, start)


def _end(command: str, seen: dict[str, Any], start: float) -> None:
    seen |= {"seconds": round(time.perf_counter() - start, 2), "peak_mib": peak_memory_mib()}
    text = ", ".join(f"{name} {value}" for name, value in seen.items() if value is not None)
    _log.info("%s: run %s, %s", command, RUN_ID, text, extra={"facts": {"command": command} | seen})
