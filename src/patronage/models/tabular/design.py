"""The table that learners see: one row per customer, numbers only, rounded to float32.

Amounts, counts and days enter as they are, and also relative to the customer's own rhythm (days
since the last purchase over the mean gap) and age (purchases per day): what is relative means the
same at an early origin as today, when everybody is older.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import polars as pl
from jaxtyping import Float32

from patronage.snapshots.features import WINDOWS

__all__ = ["FEATURE_GROUPS", "Design", "feature_names"]

FEATURE_GROUPS: Final = ("rhythm", "money", "windows")

# A rate over a very short life says little; a week is added to every age in rates and shares.
_SETTLING_DAYS: Final = 7.0

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
class Design:
    """From a snapshot's customers to the rows of a table.

    Attributes
    ----------
    names : features, in the order of the table's columns; from `feature_names`
    """

    names: tuple[str, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """Feature groups that `matrix` reads beyond RFM."""
        return FEATURE_GROUPS

    def matrix(self, customers: pl.DataFrame) -> Float32[np.ndarray, "customers features"]:
        """The features of a snapshot's customers, float32; NaN where there is none.

        Parameters
        ----------
        customers : `Snapshot.customers` with the groups `features`
        """
        known = _expressions(WINDOWS)
        columns = customers.select(
            # Why: 0/0 and x/0 are "no such ratio", which trees send down their own branch.
            pl.when(expression.cast(pl.Float64).is_finite())
            .then(expression.cast(pl.Float64))
            .cast(pl.Float32)
            .alias(name)
            for name, expression in ((name, known[name]) for name in self.names)
        )
        return np.ascontiguousarray(columns.fill_null(np.nan).to_numpy(), dtype=np.float32)
