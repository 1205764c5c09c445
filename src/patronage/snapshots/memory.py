"""Memory of rewound snapshots: one run asks for the same days again and again."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from patronage.snapshots.snapshot import Snapshot

__all__ = ["SnapshotMemory"]

# Thirty columns of eight bytes: about half a gigabyte.
_MOST_ROWS: Final = 2_000_000


@dataclass(frozen=True)
class SnapshotMemory:
    """The snapshots of one log used last, at most two million customers in all."""

    _kept: "OrderedDict[tuple[date, tuple[str, ...]], Snapshot]" = field(
        default_factory=OrderedDict, repr=False, compare=False
    )
    _lock: Any = field(default_factory=Lock, repr=False, compare=False)

    def get(
        self, as_of: date, features: tuple[str, ...], make: "Callable[[], Snapshot]"
    ) -> "Snapshot":
        """The snapshot of that day with these feature groups, made where it is not kept."""
        key = (as_of, features)
        with self._lock:
            known = self._kept.get(key)
            if known is not None:
                self._kept.move_to_end(key)
                return known
        made = make()
        with self._lock:
            self._kept[key] = made
            while sum(len(one.customers) for one in self._kept.values()) > _MOST_ROWS:
                self._kept.popitem(last=False)
        return made
