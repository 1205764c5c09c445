"""Kill this process (SIGKILL) in the windows where it could hurt."""

import os
import signal
from collections.abc import Callable
from typing import Any, Final

from patronage.live.intake import Intake
from patronage.live.online_store import InProcessStore
from patronage.live.sql_event_store import SqlEventStore

__all__ = ["WINDOWS", "die_in"]

# Window → class (None: that of the online store), method, and whether it is done first.
WINDOWS: Final[dict[str, tuple[type | None, str, bool]]] = {
    "during intake": (Intake, "_announce", False),
    "between commit and acknowledgement": (SqlEventStore, "take_in", True),
    "before the online store": (None, "put", False),
    "between the online store and the outbox": (SqlEventStore, "finish", False),
}


def die_in(window: str, after: int, *, online: type = InProcessStore) -> None:
    """Die when the window is come to for the nth time; `online` is the kind of online store."""
    owner, name, done = WINDOWS[window]
    owner = owner or online
    setattr(owner, name, _dying(getattr(owner, name), after, done))


def _dying(real: Callable[..., Any], after: int, done: bool) -> Callable[..., Any]:
    left = [after]

    def method(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        told = real(*arguments, **named) if left[0] or done else None
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return told

    return method
