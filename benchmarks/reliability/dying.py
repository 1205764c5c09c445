"""`patronage serve` that kills itself (SIGKILL) when it comes to a window for the nth time.

python dying.py WINDOW N serve …
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from patronage.cli import main
from patronage.live.intake import Intake
from patronage.live.online_store import InProcessStore
from patronage.live.redis_store import RedisStore
from patronage.live.sql_event_store import SqlEventStore

# Window → class, method, and whether the method is done first.
WINDOWS: dict[str, list[tuple[type, str, bool]]] = {
    "during-intake": [(Intake, "_announce", False)],
    "between-commit-and-acknowledgement": [(SqlEventStore, "take_in", True)],
    "before-the-online-store": [(RedisStore, "put", False), (InProcessStore, "put", False)],
    "between-the-online-store-and-the-outbox": [(SqlEventStore, "finish", False)],
}


def dying(real: Callable[..., Any], after: int, done: bool) -> Callable[..., Any]:
    left = [after]

    def method(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        told = real(*arguments, **named) if left[0] or done else None
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return told

    return method


if __name__ == "__main__":
    window, after = sys.argv[1], int(sys.argv[2])
    for owner, name, done in WINDOWS[window]:
        setattr(owner, name, dying(getattr(owner, name), after, done))
    sys.argv[1:] = sys.argv[3:]
    main()
