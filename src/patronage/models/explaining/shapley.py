"""Exact Shapley values of the few things that a model reads of a customer.

A customer is compared with customers of a reference: for every set of reasons, a customer is put
together that has these as the one explained and the others as one of the reference; the set's
worth is the expected cash of such customers, averaged over the reference. A reason's part is what
it adds, averaged over all orders in which reasons can be learned (Shapley 1953).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from math import factorial
from typing import Final, Protocol, runtime_checkable

import numpy as np
import polars as pl
from jaxtyping import Float

from patronage.horizon import Horizon
from patronage.models.base import FittedModel
from patronage.models.expectations import expectations_of
from patronage.models.explaining.contributions import Account, Contributions
from patronage.snapshots import FEATURES, Snapshot
from patronage.snapshots.attributes import is_attribute
from patronage.snapshots.features import SHORTEST_WAIT

__all__ = ["shapley"]

# Few customers bring most of the money, so that the mean of fifty may be half or twice that of all.
# As many are compared with as the sets of reasons leave room for among so many rows.
_ROWS: Final = 4_000
_FEWEST, _MOST = 50, 250
# Why fewer: a model of the rhythm of purchases may work for milliseconds on each row.
_ROWS_WITH_RHYTHM: Final = 1_600
_RHYTHM: Final = "regularity"
# Every further reason doubles the work; what is beyond them is one reason together.
_MOST_REASONS: Final = 9
# Rows forecast at once.
_CHUNK: Final = 200_000

_NUMBER: Final = "number of purchases"
_SILENCE: Final = "time since the last purchase"
_AGE: Final = "time since the first purchase"
_AMOUNTS: Final = "amounts spent"
_OTHERS: Final = "other features"
_REST: Final = "everything else"
_READ_AS: Final = {"log_gaps": "evenness"}
_AMOUNT_COLUMNS: Final = ("monetary_value", "first_amount", "spend", "cash")


@runtime_checkable
class TellingCash(Protocol):
    """A fitted model that tells what it expects in all, without making a forecast of it."""

    def expected_cash(
        self, snapshot: Snapshot, horizon: Horizon
    ) -> Float[np.ndarray, " customers"]:
        """The sum of `predict(…).mean()` over the periods."""
        ...


def shapley(
    fitted: FittedModel, snapshot: Snapshot, horizon: Horizon, reference: Snapshot
) -> Account:
    """The forecast, and the parts of each customer's expected cash, for any model."""
    known = snapshot.with_features(fitted.features)
    own_columns = _readable(known.customers)
    columns = _reasons(fitted, own_columns)
    reasons = tuple(columns)
    n, k = len(known.customers), len(reasons)
    rows = _ROWS_WITH_RHYTHM if _RHYTHM in fitted.features else _ROWS
    most = max(_FEWEST, min(rows // (n << k), _MOST))
    others = reference.spread(most).with_features(fitted.features)
    m = len(others.customers)
    sets = [frozenset(some) for size in range(k + 1) for some in combinations(range(k), size)]
    worth: dict[frozenset[int], Float[np.ndarray, " customers"]] = {}
    theirs = _readable(others.customers)[np.tile(np.arange(m), n)]
    mine = own_columns.select(theirs.columns)[np.repeat(np.arange(n), m)]
    # Why together: a forecast of few rows is mostly what it costs to ask for one.
    at_once = max(1, _CHUNK // (n * m))
    for start in range(0, len(sets), at_once):
        asked = sets[start : start + at_once]
        mixed = _consistent(_mixed(asked, mine, theirs, columns))
        cash = _expected(fitted, known, horizon, mixed).reshape(len(asked), n, m)
        worth |= dict(zip(asked, cash.mean(axis=2), strict=True))
    values = np.zeros((n, k))
    for place in range(k):
        for some in sets:
            if place not in some:
                weight = factorial(len(some)) * factorial(k - len(some) - 1) / factorial(k)
                values[:, place] += weight * (worth[some | {place}] - worth[some])
    (forecast,) = expectations_of(fitted, known, [horizon])
    # What a model looks up by the customer's id is in no column.
    own = forecast.mean().sum(axis=1) - worth[sets[-1]]
    values = np.concatenate([values, own[:, None]], axis=1)
    return forecast, Contributions(worth[frozenset()], (*reasons, _REST), values, compared_with=m)


def _reasons(fitted: FittedModel, customers: pl.DataFrame) -> Mapping[str, tuple[str, ...]]:
    """Reason → the columns that are its own."""
    found: dict[str, tuple[str, ...]] = {
        _NUMBER: ("frequency",),
        _SILENCE: ("silence",),
        _AGE: ("T",),
        _AMOUNTS: _AMOUNT_COLUMNS,
    }
    for feature in fitted.features:
        names = (feature,) if is_attribute(feature) else tuple(FEATURES[feature])
        names = tuple(_READ_AS.get(name, name) for name in names)
        names = tuple(name for name in names if name in customers.columns)
        if len(found) < _MOST_REASONS or feature in found:
            found[feature.removeprefix("customers.")] = names
        else:
            found[_OTHERS] = (*found.get(_OTHERS, ()), *names)
    return found


def _readable(customers: pl.DataFrame) -> pl.DataFrame:
    """With what can be taken from one customer to another, where a history has to hold together."""
    told = customers.with_columns(silence=pl.col("T") - pl.col("recency"))
    if "log_gaps" not in customers.columns:
        return told
    return told.with_columns(
        evenness=pl.when(pl.col("frequency") > 0)
        .then(pl.col("log_gaps") / pl.col("frequency") - _log_gap(pl.col("recency")))
        .otherwise(0.0)
    )


def _log_gap(recency: pl.Expr) -> pl.Expr:
    """Logarithm of the mean wait between purchases, which is that of each where all are equal."""
    return pl.max_horizontal(recency / pl.col("frequency"), SHORTEST_WAIT).log()


def _mixed(
    sets: Sequence[frozenset[int]],
    mine: pl.DataFrame,
    theirs: pl.DataFrame,
    columns: Mapping[str, tuple[str, ...]],
) -> pl.DataFrame:
    """For each set in turn, the rows with its reasons of the one explained, others of the other."""
    made = []
    for own, other in zip(mine, theirs, strict=True):
        places = {k for k, names in enumerate(columns.values()) if own.name in names}
        made.append(pl.concat([own if places & some else other for some in sets]))
    return pl.DataFrame(made)


def _consistent(mixed: pl.DataFrame) -> pl.DataFrame:
    """A history that could have happened: no last purchase before the first, no repeat at once."""
    repeats = pl.col("frequency") > 0
    recency = (pl.col("T") - pl.col("silence")).clip(lower_bound=0.0)
    # Why: who bought again did so at the earliest at the end of the day after the first.
    recency = pl.max_horizontal(recency, pl.min_horizontal(pl.lit(1.0), pl.col("T")))
    average = pl.col("monetary_value").mean()
    paid = pl.coalesce("monetary_value", "first_amount", average)
    whole = mixed.with_columns(
        recency=pl.when(repeats).then(recency).otherwise(0.0),
        monetary_value=pl.when(repeats).then(paid),
    ).drop("silence")
    if "evenness" not in mixed.columns:
        return whole
    log_gaps = pl.col("frequency") * (pl.col("evenness") + _log_gap(pl.col("recency")))
    return whole.with_columns(log_gaps=pl.when(repeats).then(log_gaps).otherwise(0.0)).drop(
        "evenness"
    )


def _expected(
    fitted: FittedModel, snapshot: Snapshot, horizon: Horizon, customers: pl.DataFrame
) -> Float[np.ndarray, " rows"]:
    parts = []
    for start in range(0, len(customers), _CHUNK):
        made = replace(snapshot, customers=customers[start : start + _CHUNK], memory=None)
        parts.append(_expected_of(fitted, made, horizon))
    return np.concatenate(parts)


def _expected_of(
    fitted: FittedModel, snapshot: Snapshot, horizon: Horizon
) -> Float[np.ndarray, " customers"]:
    if isinstance(fitted, TellingCash):
        return fitted.expected_cash(snapshot, horizon)
    return np.asarray(fitted.predict(snapshot, horizon).mean().sum(axis=1))
