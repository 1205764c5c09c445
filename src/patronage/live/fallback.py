"""FallbackStore: what the online store cannot tell, the event store does."""

import logging
from collections.abc import Sequence
from typing import Any, Final, Literal, final

from patronage.errors import StoreError
from patronage.live.event_store import EventStore
from patronage.live.online_store import OnlineStore
from patronage.live.scores import Held

__all__ = ["FallbackStore", "Source"]

Source = Literal["online", "events"]

_log: Final = logging.getLogger(__name__)


@final
class FallbackStore:
    """An `OnlineStore` that is never without an answer while the event store has one.

    Parameters
    ----------
    online : asked first; what it lacks is put there again
    events : asked for the rest
    """

    def __init__(self, online: OnlineStore, events: EventStore) -> None:
        self.online, self.events = online, events

    def get_with_source(self, customer_ids: Sequence[Any]) -> list[tuple[Held | None, Source]]:
        """What is held of each and who told it, in their order.

        Raises
        ------
        StoreError : neither store can be reached
        """
        try:
            found, reached = self.online.get(customer_ids), True
        except StoreError as error:
            _log.warning("the event store answers: %s", error)
            found, reached = [None] * len(customer_ids), False
        absent = [who for who, held in zip(customer_ids, found, strict=True) if held is None]
        there = dict(zip(absent, self.events.held(absent), strict=True)) if absent else {}
        if reached:
            self._repair([held for held in there.values() if held is not None])
        return [
            (there[who], "events") if held is None else (held, "online")
            for who, held in zip(customer_ids, found, strict=True)
        ]

    def get(self, customer_ids: Sequence[Any]) -> list[Held | None]:
        return [held for held, _ in self.get_with_source(customer_ids)]

    def put(self, held: Sequence[Held]) -> list[bool]:
        return self.online.put(held)

    def clear(self) -> None:
        self.online.clear()

    def _repair(self, held: Sequence[Held]) -> None:
        if not held:
            return
        try:
            self.online.put(held)
        except StoreError as error:
            _log.warning("the online store was not repaired: %s", error)
