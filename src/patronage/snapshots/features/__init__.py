"""Feature groups: SQL aggregates over what was known at as_of, a line each."""

from patronage.snapshots.features.catalog import FEATURES, RUN_FEATURES, available_groups
from patronage.snapshots.features.dictionary import describe
from patronage.snapshots.features.group import Group
from patronage.snapshots.features.history import HISTORY, SHORTEST_WAIT, WINDOWS
from patronage.snapshots.features.query import features_of
from patronage.snapshots.grains import days_of, days_sql, only_purchases

__all__ = [
    "FEATURES",
    "HISTORY",
    "RUN_FEATURES",
    "SHORTEST_WAIT",
    "WINDOWS",
    "Group",
    "available_groups",
    "days_of",
    "days_sql",
    "describe",
    "features_of",
    "only_purchases",
]
