"""FEATURES: every feature group by name. A feature is one line of one group."""

from collections.abc import Mapping
from typing import Final

from patronage.events import EventLog
from patronage.snapshots.features.around import AROUND
from patronage.snapshots.features.conduct import CONDUCT
from patronage.snapshots.features.group import Group
from patronage.snapshots.features.history import HISTORY
from patronage.snapshots.features.kinds import KINDS_SEEN
from patronage.snapshots.features.tastes import TASTES
from patronage.snapshots.features.windowed import WINDOWED

__all__ = ["FEATURES", "RUN_FEATURES", "available_groups"]

FEATURES: Final[Mapping[str, Group]] = {
    **HISTORY,
    **WINDOWED,
    **CONDUCT,
    **KINDS_SEEN,
    **TASTES,
    **AROUND,
}

# What a run of many models takes at once, for all of its snapshots; the other groups cost more than
# they are read, and a model that reads one asks for it.
RUN_FEATURES: Final = ("rhythm", "money", "windows")


def available_groups(log: EventLog) -> tuple[str, ...]:
    """The groups whose columns and side tables the log has."""
    tables = [name for name, table in vars(log.tables).items() if table is not None]
    there = {*log.columns, *tables}
    return tuple(name for name, group in FEATURES.items() if there.issuperset(group.needs))
