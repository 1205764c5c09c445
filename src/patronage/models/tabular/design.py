"""The table that learners see: one row per customer, numbers only, rounded to float32.

Amounts, counts and days enter as they are, and also relative to the customer's own rhythm (days
since the last purchase over the mean gap) and age (purchases per day): what is relative means the
same at an early origin as today, when everybody is older.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, final

import numpy as np
import polars as pl
from jaxtyping import Float32

from patronage.models.learned.base import Taught
from patronage.snapshots import Snapshot
from patronage.snapshots.attributes import is_attribute
from patronage.snapshots.features import FEATURES, WINDOWS

__all__ = ["FEATURE_GROUPS", "Category", "Design", "feature_names", "groups_with"]

FEATURE_GROUPS: Final = ("rhythm", "money", "windows")

# A rate over a very short life says little; a week is added to every age in rates and shares.
_SETTLING_DAYS: Final = 7.0

# A level with fewer rows would be learned by heart; names and addresses have no other.
_ROWS_IN_LEVEL: Final = 30
_MOST_LEVELS: Final = 30

_AS_THEY_ARE: Final = (
    "frequency",
    "recency",
    "T",
    "days_since_last",
    "mean_gap",
    "sd_gap",
    "max_gap",
    "last_gap",
    "first_amount",
    "monetary_value",
    "mean_spent",
    "max_spent",
    "last_spent",
    "spend",
    "cash",
    "n_refund_days",
)

_age = pl.col("T") + _SETTLING_DAYS

_RATIOS: Final[Mapping[str, pl.Expr]] = {
    "purchases_per_day": pl.col("frequency") / _age,
    "spend_per_day": pl.col("spend") / _age,
    "silence_of_age": pl.col("days_since_last") / _age,
    "silence_of_mean_gap": pl.col("days_since_last") / pl.col("mean_gap"),
    "silence_of_max_gap": pl.col("days_since_last") / pl.col("max_gap"),
    "gap_variation": pl.col("sd_gap") / pl.col("mean_gap"),
    "last_gap_of_mean": pl.col("last_gap") / pl.col("mean_gap"),
    "last_spent_of_mean": pl.col("last_spent") / pl.col("mean_spent"),
    "kept_of_spend": pl.col("cash") / pl.col("spend"),
}


def _expressions(windows: tuple[int, ...]) -> dict[str, pl.Expr]:
    counted = {
        f"{kind}_{w}": pl.col(f"{kind}_{w}") for w in windows for kind in ("purchases", "cash")
    }
    return {**{name: pl.col(name) for name in _AS_THEY_ARE}, **_RATIOS, **counted}


def feature_names(*, longest_window: float = np.inf) -> tuple[str, ...]:
    """Names of the columns of the design, in order; windows up to `longest_window` days."""
    return tuple(_expressions(tuple(w for w in WINDOWS if w <= longest_window)))


@final
@dataclass(frozen=True)
class Category:
    """An attribute in words; a column of the table for each of its levels.

    Attributes
    ----------
    feature : as asked of a snapshot, such as "customers.gender"
    levels : the words that enough customers have, in the order of the columns; a word unseen when
        it was learned, or none, is a row of zeros
    """

    feature: str
    levels: tuple[str, ...]


@final
@dataclass(frozen=True)
class Design:
    """From a snapshot's customers to the rows of a table.

    Attributes
    ----------
    names : features, in the order of the table's columns; from `feature_names`
    groups : further feature groups, whose numbers enter as they are
    numbers : columns of these groups, and attributes that are numbers
    categories : attributes in words
    taught : learned features, as learned today
    """

    names: tuple[str, ...]
    groups: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    categories: tuple[Category, ...] = ()
    taught: tuple[Taught, ...] = ()

    @classmethod
    def learn(
        cls,
        customers: pl.DataFrame,
        *,
        longest_window: float = np.inf,
        groups: tuple[str, ...] = (),
        attributes: tuple[str, ...] = (),
        only: tuple[str, ...] | None = None,
    ) -> "Design":
        """The design of a table: which of the attributes can be told apart, and how.

        Parameters
        ----------
        customers : those that will be learned from, with FEATURE_GROUPS, groups and attributes
        longest_window : days; longer windows are left out
        groups : further feature groups
        attributes : features such as "customers.gender"
        only : the features read, beside attributes; None: all
        """
        names = feature_names(longest_window=longest_window)
        told = tuple(column for group in groups for column in FEATURES[group])
        if only is not None:
            names = tuple(name for name in names if name in only)
            told = tuple(column for column in told if column in only)
        numbers, categories = [], []
        for name in (*told, *attributes):
            kind = customers.schema[name]
            if kind.is_numeric() or kind == pl.Boolean:
                # Why: a log without e-mails or returns has columns of nothing but zeros.
                if customers[name].n_unique() > 1:
                    numbers.append(name)
            elif kind in (pl.String, pl.Categorical, pl.Enum):
                categories.append(Category(name, _levels(customers[name])))
        return cls(
            names,
            groups,
            tuple(numbers),
            tuple(category for category in categories if category.levels),
        )

    @property
    def features(self) -> tuple[str, ...]:
        """Feature groups and attributes that `matrix` reads beyond RFM."""
        attributes = (*self.numbers, *(category.feature for category in self.categories))
        taught = (feature for one in self.taught for feature in one.features)
        own = (*_groups_of(self.names), *self.groups, *filter(is_attribute, attributes))
        return tuple(dict.fromkeys((*own, *taught)))

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the table's columns, in order."""
        levels = (f"{one.feature} = {level}" for one in self.categories for level in one.levels)
        taught = (column for one in self.taught for column in one.columns)
        return (*self.names, *self.numbers, *levels, *taught)

    def matrix(self, snapshot: Snapshot) -> Float32[np.ndarray, "customers columns"]:
        """The table of a snapshot with `features`, float32; NaN where there is nothing."""
        return np.hstack(
            [self.fixed(snapshot.customers), *(one.table(snapshot) for one in self.taught)]
        )

    def fixed(self, customers: pl.DataFrame) -> Float32[np.ndarray, "customers columns"]:
        """The columns that are the same function of a customer at every day: all but the taught."""
        columns = customers.select(_columns(self.names, self.numbers, self.categories))
        return np.ascontiguousarray(columns.to_numpy(), dtype=np.float32)


def groups_with(
    only: tuple[str, ...] | None, groups: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those of FEATURE_GROUPS, and of the further groups, that any of the features is in.

    only : features; None: all
    """
    if only is None:
        return FEATURE_GROUPS, groups
    names = tuple(name for name in feature_names() if name in only)
    told = tuple(group for group in groups if not FEATURES[group].keys().isdisjoint(only))
    return _groups_of(names), told


@lru_cache(maxsize=64)
def _groups_of(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of FEATURE_GROUPS that the features are made of."""
    made = _expressions(WINDOWS)
    read = {column for name in names for column in made[name].meta.root_names()}
    return tuple(group for group in FEATURE_GROUPS if not read.isdisjoint(FEATURES[group]))


@lru_cache(maxsize=64)
def _columns(
    names: tuple[str, ...], numbers: tuple[str, ...], categories: tuple[Category, ...]
) -> tuple[pl.Expr, ...]:
    """The columns as expressions; kept, for a live score of one customer spent most time here."""
    known = _expressions(WINDOWS)
    told = {
        **{name: known[name] for name in names},
        **{name: pl.col(name) for name in numbers},
        **{
            f"{one.feature} = {level}": (pl.col(one.feature).cast(pl.String) == level).fill_null(
                False
            )
            for one in categories
            for level in one.levels
        },
    }
    return tuple(
        # Why: 0/0 and x/0 are "no such ratio", which trees send down their own branch.
        pl.when(expression.cast(pl.Float64).is_finite())
        .then(expression.cast(pl.Float64))
        .cast(pl.Float32)
        .alias(name)
        for name, expression in told.items()
    )


def _levels(words: pl.Series) -> tuple[str, ...]:
    """The words that enough rows have, the most frequent first."""
    counted = words.cast(pl.String).drop_nulls().value_counts(name="n")
    enough = counted.filter(pl.col("n") >= _ROWS_IN_LEVEL)
    # Why the name too: of equally frequent words always the same come first.
    ordered = enough.sort(["n", words.name], descending=[True, False]).head(_MOST_LEVELS)
    return tuple(ordered[words.name])
