"""Memory of what one log gave: a run asks for the same days and tables again and again."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final, TypeVar

__all__ = ["SnapshotMemory"]

# Thirty columns of eight bytes: about half a gigabyte.
_MOST_ROWS: Final = 2_000_000

Made = TypeVar("Made")


@dataclass(frozen=True)
class SnapshotMemory:
    """What was made last from the snapshots of one log, at most two million rows in all.

    What is made must be a function of the key and the log: remembering then changes no number.
    Threads that ask for the same at once share one making; a refusal is remembered too.
    """

    _kept: "OrderedDict[Hashable, tuple[Future[Any], int]]" = field(
        default_factory=OrderedDict, repr=False, compare=False
    )
    _lock: Any = field(default_factory=Lock, repr=False, compare=False)

    def get(
        self, key: Hashable, make: Callable[[], Made], *, n_rows: Callable[[Made], int]
    ) -> Made:
        """What is kept under the key; made, and kept if there is room, where nothing is.

        Parameters
        ----------
        n_rows : the room that it takes, in rows of a snapshot
        """
        with self._lock:
            known = self._kept.get(key)
            future = Future[Made]() if known is None else known[0]
            self._kept[key] = (future, 0) if known is None else known
            self._kept.move_to_end(key)
        if known is not None:
            return future.result()
        try:
            future.set_result(make())
        except BaseException as error:
            future.set_exception(error)
        made = future.result()
        with self._lock:
            self._kept[key] = (future, n_rows(made))
            while sum(room for _, room in self._kept.values()) > _MOST_ROWS:
                self._kept.popitem(last=False)
        return made
