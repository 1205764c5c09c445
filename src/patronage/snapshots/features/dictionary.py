"""What every feature is: for tables of features, and for the documentation."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from patronage.engines import default_engine
from patronage.errors import SettingsError
from patronage.snapshots.features.catalog import FEATURES
from patronage.snapshots.features.group import marked
from patronage.snapshots.grains import GRAINS

__all__ = ["describe"]


def describe(groups: Sequence[str] = tuple(FEATURES)) -> pl.DataFrame:
    """feature, group, type, grain, needs, sql, description: a row for every feature of the groups.

    Raises
    ------
    SettingsError : a group that does not exist
    """
    unknown = [name for name in groups if name not in FEATURES]
    if unknown:
        raise SettingsError(f"no feature groups {unknown}; known groups: {', '.join(FEATURES)}.")
    rows = []
    for name in groups:
        group = FEATURES[name]
        columns = GRAINS[group.grain].columns
        empty = ", ".join(f"NULL::{kind} AS {column}" for column, kind in columns.items())
        lines = marked(
            ", ".join(f"{sql} AS {feature}" for feature, sql in group.items()),
            date(2000, 1, 1),
            has_clock=True,
        )
        kinds = default_engine().frame(f"SELECT {lines} FROM (SELECT {empty}) WHERE false").schema
        rows += [
            (feature, name, str(kinds[feature]), group.grain, ", ".join(group.needs), sql, says)
            for feature, (sql, says) in group.lines.items()
        ]
    names = ["feature", "group", "type", "grain", "needs", "sql", "description"]
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
