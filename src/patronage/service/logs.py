"""Logs: one line of JSON each; no bodies, no keys, and no customers at info."""

import sys
from typing import Any

import msgspec
import structlog

__all__ = ["Log", "json_log"]

Log = Any


def json_log(level: str = "info", out: Any = None) -> Log:
    """A logger of its own; nothing global is changed."""
    return structlog.wrap_logger(
        structlog.WriteLogger(out or sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        context_class=dict,
    ).bind()


def _line(event: Any, **_: Any) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()
