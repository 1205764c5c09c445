"""Acquisition cohorts: customers who came in the same time, or by the same road."""

from typing import Final

import polars as pl

from patronage.errors import SettingsError
from patronage.snapshots.attributes import is_attribute

__all__ = ["cohort_features", "cohort_names"]

_EVERY: Final = {"month": "1mo", "quarter": "1q", "year": "1y"}
# What the ledger itself knows of the road: column → its feature group.
_ROADS: Final = {
    "first_channel": "channels",
    "first_payment_method": "payment_methods",
    "first_category": "categories",
    "first_device": "devices",
}


def cohort_features(cohort: str) -> tuple[str, ...]:
    """The feature group or attribute that parts the customers; none for a time.

    Parameters
    ----------
    cohort : 'month', 'quarter' or 'year' of the first purchase; 'first_channel',
        'first_payment_method', 'first_category' or 'first_device'; or an attribute such as
        "customers.country"

    Raises
    ------
    SettingsError : it is none of these
    """
    if cohort in _EVERY:
        return ()
    if cohort in _ROADS:
        return (_ROADS[cohort],)
    if is_attribute(cohort):
        return (cohort,)
    raise SettingsError(
        f"no cohorts by {cohort!r}.\n"
        f"To mend: month, quarter or year of the first purchase, {', '.join(_ROADS)}, or an "
        'attribute such as "customers.country".'
    )


def cohort_names(customers: pl.DataFrame, cohort: str) -> pl.Series:
    """The name of each customer's cohort; null where it is not known.

    customers : of a snapshot with `cohort_features`
    """
    if cohort in _EVERY:
        return customers["first_day"].dt.truncate(_EVERY[cohort]).cast(pl.String)
    return customers[cohort].cast(pl.String)
