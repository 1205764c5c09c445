"""Attributes of customers as known at as_of: from their profiles, or of their first purchase.

An attribute is asked for like a feature group, by where it comes from: "customers.gender" is the
version of the customers table that was learned last before as_of, "first_purchase.channel" the
column of the events at the customer's first instant of purchase. "customers.*" is every column of
the customers table.
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

from patronage.engines import identifier, literal
from patronage.errors import SettingsError
from patronage.events import EventLog
from patronage.events.schema import PURCHASE_KINDS

__all__ = [
    "EVERY_PROFILE",
    "attribute_source",
    "is_attribute",
    "named_features",
    "profile_attributes",
    "with_attributes",
]

# Stands for every column of the customers table.
EVERY_PROFILE: Final = "customers.*"

_PROFILE: Final = "customers."
_FIRST: Final = "first_purchase."
_KEYS: Final = ("customer_id", "event_time", "known_time", "kind")


def is_attribute(feature: str) -> bool:
    """Whether a feature is one attribute, not a group of aggregates."""
    return feature.startswith((_PROFILE, _FIRST))


def attribute_source(log: EventLog, name: str) -> str:
    """Where an attribute comes from: the customers table if it has it, else the first purchase.

    Raises
    ------
    SettingsError : neither has it
    """
    if is_attribute(name):
        return name
    profiles, events = _there(log)
    if name in profiles:
        return _PROFILE + name
    if name in events:
        return _FIRST + name
    raise SettingsError(
        f"there is no attribute {name!r} of customers; {_said(profiles, events)}.\n"
        f"To mend: give a customers table with a column {name!r}, or name one of these."
    )


def profile_attributes(log: EventLog) -> tuple[str, ...]:
    """Every attribute that the customers table has, as features; none without a table."""
    return tuple(_PROFILE + name for name in _there(log)[0])


def named_features(log: EventLog, features: Sequence[str]) -> tuple[str, ...]:
    """The features with "customers.*" spelt out."""
    return tuple(
        dict.fromkeys(
            one
            for name in features
            for one in (profile_attributes(log) if name == EVERY_PROFILE else (name,))
        )
    )


def with_attributes(
    customers: pl.DataFrame, log: EventLog, features: Sequence[str]
) -> pl.DataFrame:
    """The customers with a column for each attribute among `features`; null where not known.

    Raises
    ------
    SettingsError : the log has no such attribute
    """
    profiles, events = _there(log)
    wanted = [name for name in features if is_attribute(name) and name not in customers.columns]
    for feature in wanted:
        name = feature.removeprefix(_PROFILE).removeprefix(_FIRST)
        if name not in (profiles if feature.startswith(_PROFILE) else events):
            raise SettingsError(
                f"the attribute {feature!r} is not known; {_said(profiles, events)}.\n"
                "To mend: give the customers table (or the events' column) that has it."
            )
        found = _profile(log, name) if feature.startswith(_PROFILE) else _first(log, name)
        customers = customers.join(
            found.rename({"value": feature}), on="customer_id", how="left", maintain_order="left"
        )
    return customers


def _profile(log: EventLog, name: str) -> pl.DataFrame:
    people = log.tables.latest().customers
    assert people is not None
    return people.select("customer_id", value=pl.col(name))


def _first(log: EventLog, name: str) -> pl.DataFrame:
    kinds = ", ".join(literal(kind) for kind in (*PURCHASE_KINDS, *log.rated_kinds))
    # Why min: of several rows of one instant always the same one.
    return log.engine.frame(
        f"""
        SELECT customer_id, min(value) AS value FROM (
            SELECT customer_id, event_time, {identifier(name)} AS value
            FROM ({log.sql()}) WHERE kind IN ({kinds})
            QUALIFY event_time = min(event_time) OVER (PARTITION BY customer_id)
        ) GROUP BY customer_id
        """
    )


def _there(log: EventLog) -> tuple[list[str], list[str]]:
    people = log.tables.customers
    profiles = [] if people is None else [n for n in people.columns if n not in _KEYS]
    return profiles, [name for name in log.columns if name not in _KEYS]


def _said(profiles: list[str], events: list[str]) -> str:
    return (
        f"the customers table has {', '.join(profiles) or 'none'}, "
        f"the events have {', '.join(events) or 'none'}"
    )
