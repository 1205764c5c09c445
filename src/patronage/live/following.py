"""Following: the changes that any process over the same event store made, as they come."""

from typing import Final, final

from patronage.live.event_store import EventStore

__all__ = ["Following"]

# Numbers are given before commits, so a lower one may come after a higher: so far is looked back.
_LOOK_BACK: Final = 1_000


@final
class Following:
    """Numbers of changes that were committed since it began; each is told once."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._last = store.last_change()
        self._told = set(store.change_numbers(after=self._last - _LOOK_BACK))

    def new(self) -> list[int]:
        """What is new, ascending; it may wait for the store."""
        there = self._store.change_numbers(after=self._last - _LOOK_BACK)
        new = [number for number in there if number not in self._told]
        self._last = max([self._last, *new])
        self._told = {one for one in (*self._told, *new) if one > self._last - _LOOK_BACK}
        return new
