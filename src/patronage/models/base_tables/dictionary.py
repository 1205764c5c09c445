"""What each column of a base table means."""

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from patronage.errors import SettingsError
from patronage.events import EventLog
from patronage.snapshots import FEATURES, available_groups, describe, is_attribute

__all__ = ["ALL", "describe_columns", "groups_meant"]

# Stands for every feature group, as it stands for every model elsewhere.
ALL: Final = "all"

# Column → its group and meaning, of what is in every table.
_ALWAYS: Final[Mapping[str, tuple[str, str]]] = {
    "customer_id": ("key", "the customer, as the source writes it"),
    "as_of": ("key", "first unknown day: the features use what was known strictly before it"),
    "age": ("key", "days of the customer's life known, the day of the first purchase with them"),
    "is_today": ("key", "the row stands at today's age: it is for scoring, not for learning"),
    "first_day": ("key", "day of the first purchase; not a feature, for it names a date"),
    "is_buyer": ("rfm", "has bought at all"),
    "frequency": ("rfm", "days with a counted purchase after the first day"),
    "recency": ("rfm", "days from the first purchase to the last; 0 where there is one alone"),
    "T": ("rfm", "days from the first purchase to as_of"),
    "monetary_value": ("rfm", "mean money of a repeat purchase day; empty where frequency is 0"),
    "first_amount": ("rfm", "money of the first purchase day"),
    "spend": ("rfm", "money of all purchases so far, gross"),
    "cash": ("rfm", "money of all events so far, net of refunds"),
    "weight": ("weight", "1 / number of the customer's rows: all rows together count customers"),
    "fold": ("fold", "block of the customer, by the id alone: the same at every date"),
    "time_block": ("fold", "block of time, earliest 0"),
    "label_end": ("purge", "first day after the window of the target"),
    "overlaps": ("purge", "the target's window reaches past the first day of a later time block"),
    "train_from": (
        "purge",
        "first day of the first time block that this row may be learned from for; empty: none",
    ),
    "observed": ("target", "the target is known to its end; if not, it is right-censored"),
    "part": ("split", "train, validation, test, or why the row is in none of them"),
    "split": ("split", "how the rows were parted"),
}


def groups_meant(log: EventLog, groups: Sequence[str]) -> tuple[str, ...]:
    """The feature groups and attributes named, once each.

    'all' is every group that the log has the columns and side tables for.

    Raises
    ------
    SettingsError : a group that does not exist, or that the log has nothing for
    """
    there = available_groups(log)
    named = [one for name in groups for one in (there if name == ALL else (name,))]
    unknown = [name for name in named if name not in FEATURES and not is_attribute(name)]
    if unknown:
        raise SettingsError(
            f"no feature groups {unknown}; known groups: {', '.join(FEATURES)}.\n"
            "To mend: name some of these, 'all', or an attribute such as customers.region."
        )
    for name in named:
        if name in FEATURES and name not in there:
            raise SettingsError(
                f"the feature group {name!r} needs {', '.join(FEATURES[name].needs)}, which this "
                "log does not have.\nTo mend: give them, or leave the group out."
            )
    return tuple(dict.fromkeys(named))


def describe_columns(
    frame: pl.DataFrame, groups: Sequence[str], meanings: Mapping[str, tuple[str, str]]
) -> pl.DataFrame:
    """column, group, type, meaning of each column, in the frame's order.

    meanings : column → group and meaning, beyond what every table has
    """
    known = {**_ALWAYS, **_of_groups(groups), **meanings}
    rows = [
        (name, known[name][0], str(kind), known[name][1]) for name, kind in frame.schema.items()
    ]
    return pl.DataFrame(rows, schema=["column", "group", "type", "meaning"], orient="row")


def _of_groups(groups: Sequence[str]) -> dict[str, tuple[str, str]]:
    told = describe([name for name in groups if not is_attribute(name)])
    lines = told.select("feature", "group", "description").iter_rows()
    return {feature: (group, says) for feature, group, says in lines} | {
        name: ("attribute", f"{name}, as known at as_of") for name in groups if is_attribute(name)
    }
