"""Bring the log of a run into an event store, once, in parts that can be continued."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

import msgspec

from patronage.events import EventLog
from patronage.live.arrivals import NEEDS_AMOUNT, Arrival, valued
from patronage.live.event_store import EventStore
from patronage.live.spelling import Spelling
from patronage.live.workspace import Workspace

__all__ = ["bring_history"]

_ROWS: Final = 20_000


def bring_history(
    store: EventStore,
    workspace: Workspace,
    *,
    progress: Callable[[float], None] = lambda _: None,
) -> int:
    """Fold every event of the run's log into the store; how many were new.

    Events without an id of their own are named by their place in the log, which does not change.
    A start that was interrupted goes on where it ended.

    Raises
    ------
    SettingsError : the store continues another log
    """
    store.continue_from(workspace.log_hash())
    new = 0
    for part, events in enumerate(_parts(workspace.log(), workspace.spelling)):
        new += store.bring(events, offset=part)
        progress(min(1.0, (part + 1) * _ROWS / max(workspace.n_events, 1)))
    return new


def _parts(log: EventLog, spelling: Spelling) -> Iterator[list[Arrival]]:
    """Parts of the log in one order; customers may span two."""
    names = [name for name in Arrival.__struct_fields__ if name in log.columns]
    shown = ", ".join(f'"{name}"' for name in names)
    order = ", ".join(str(k + 1) for k in range(len(names)))
    frame = log.engine.frame(f"SELECT {shown} FROM ({log.sql()}) ORDER BY {order}")
    for start in range(0, len(frame), _ROWS):
        yield [
            _arrival(row, place, spelling)
            for place, row in enumerate(frame[start : start + _ROWS].iter_rows(named=True), start)
        ]


def _arrival(row: dict[str, Any], place: int, spelling: Spelling) -> Arrival:
    known: datetime = row["known_time"]
    name = row.get("event_id") or f"log:{place}"
    time = row["event_time"]
    told = {k: v for k, v in row.items() if v is not None}
    customer = row["customer_id"] if spelling.whole_ids else str(row["customer_id"])
    event = Arrival(
        **{
            **told,
            "event_id": name,
            "customer_id": customer,
            "event_time": time,
            "known_time": known,
        }
    )
    return event if event.kind in NEEDS_AMOUNT else _as_said(event, spelling)


def _as_said(event: Arrival, spelling: Spelling) -> Arrival:
    """Without the amount that the log gives to an event that had none.

    Why: a sender who sends it again says none again, and that must be the same event.
    """
    bare = msgspec.structs.replace(event, amount=None)
    return bare if (valued(bare, spelling).amount or 0) == event.amount else event
