"""OnlineStore: the last score of each customer, one read away."""

from collections.abc import Sequence
from typing import Any, Protocol, final, runtime_checkable

from patronage.live.event_store import EventStore
from patronage.live.scores import Held

__all__ = ["InProcessStore", "OnDisk", "OnlineStore"]


@runtime_checkable
class OnlineStore(Protocol):
    """One versioned blob per customer; an older one never replaces a newer one."""

    def get(self, customer_ids: Sequence[Any]) -> list[Held | None]:
        """What is held of each, in their order; None where nothing is.

        Raises
        ------
        StoreError : the store cannot be reached
        """
        ...

    def put(self, held: Sequence[Held]) -> list[bool]:
        """Write each where its stamp is above the one that is there; whether it was.

        Raises
        ------
        StoreError : the store cannot be reached
        """
        ...

    def clear(self) -> None:
        """Forget all; the event store can fill it again."""
        ...


@final
class InProcessStore:
    """A dictionary; the default, and as lasting as the process."""

    def __init__(self) -> None:
        self._held: dict[Any, Held] = {}

    def get(self, customer_ids: Sequence[Any]) -> list[Held | None]:
        return [self._held.get(one) for one in customer_ids]

    def put(self, held: Sequence[Held]) -> list[bool]:
        done = []
        for one in held:
            there = self._held.get(one.customer_id)
            newer = there is None or there.stamp < one.stamp
            if newer:
                self._held[one.customer_id] = one
            done.append(newer)
        return done

    def clear(self) -> None:
        self._held.clear()


@final
class OnDisk:
    """The event store itself, where several processes answer and no Redis is configured."""

    def __init__(self, events: EventStore) -> None:
        self._events = events

    def get(self, customer_ids: Sequence[Any]) -> list[Held | None]:
        return self._events.held(customer_ids)

    def put(self, held: Sequence[Held]) -> list[bool]:
        """Nothing to do: the event store keeps a score where its change is kept."""
        return [False] * len(held)

    def clear(self) -> None:
        """Nothing to do: it holds nothing of its own."""
