"""RFM: the summary that buy-till-you-die models read, in days; from a snapshot or a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from jaxtyping import Float, Shaped

from patronage.errors import EventSchemaError
from patronage.horizon import days_per

__all__ = ["RFM"]

_SPELLINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "customer_id": ("customer_id", "customer", "id", "cust"),
    "frequency": ("frequency", "x"),
    "recency": ("recency", "t_x", "tx"),
    "T": ("T", "t", "age", "tenure", "T_cal", "t_cal"),
    "monetary_value": ("monetary_value", "monetary", "m", "zbar", "mean_spend"),
    "weight": ("weight", "weights", "count", "n_customers"),
    "log_gaps": ("log_gaps", "litt"),
}


@dataclass(frozen=True)
class RFM:
    """One row per customer, or per group of equal customers with a weight.

    Attributes
    ----------
    customer_id : ids, or row numbers where the table has none
    frequency : x, number of days after the acquisition day with a counted purchase
    recency : t_x, days from first to last counted purchase
    T : days from first purchase to as_of
    monetary_value : mean spend of the repeat purchases; NaN where frequency is 0; None: unknown
    first_amount : spend of the acquisition day; None: unknown
    weight : number of customers a row stands for
    log_gaps : Σ ln(days between consecutive counted purchases), 0 where frequency is 0; None:
        unknown
    covariates : what else is known of each customer, a column each; None: nothing
    """

    customer_id: Shaped[np.ndarray, " customers"]
    frequency: Float[np.ndarray, " customers"]
    recency: Float[np.ndarray, " customers"]
    T: Float[np.ndarray, " customers"]
    monetary_value: Float[np.ndarray, " customers"] | None = None
    first_amount: Float[np.ndarray, " customers"] | None = None
    weight: Float[np.ndarray, " customers"] | None = None
    log_gaps: Float[np.ndarray, " customers"] | None = None
    covariates: pl.DataFrame | None = None

    def __len__(self) -> int:
        return len(self.frequency)

    @property
    def weights(self) -> Float[np.ndarray, " customers"]:
        """The weights, 1 where none were given."""
        return np.ones(len(self)) if self.weight is None else self.weight

    def take(self, rows: Shaped[np.ndarray, " rows"] | slice) -> "RFM":
        """Some of the rows (a mask, indices or a slice)."""
        # Why: a frame takes a mask of rows for one of columns.
        places = np.arange(len(self))[rows] if self.covariates is not None else rows
        picked: dict[str, Any] = {
            name: None if value is None else value[places] for name, value in vars(self).items()
        }
        return RFM(**picked)

    @staticmethod
    def named_in(columns: Sequence[str], given: Mapping[str, str] | None = None) -> bool:
        """Whether a table with these columns is one of RFM rows."""
        frame = pl.DataFrame(schema=list(dict.fromkeys(columns)))
        found = (_find(frame, name, given or {}) for name in ("frequency", "recency", "T"))
        return all(name in frame.columns for name in found)

    @classmethod
    def from_frame(
        cls, table: Any, *, unit: str = "week", columns: Mapping[str, str] | None = None
    ) -> "RFM":
        """Read an RFM table: frequency, recency, T[, monetary_value][, weight][, log_gaps][, …].

        Columns that are none of these are covariates.

        Parameters
        ----------
        table : pandas, Polars or anything that speaks Arrow
        unit : unit of recency and T in the table, and of the gaps whose natural logarithms are
            summed in log_gaps ('day', 'week', …)
        columns : name here → name in the table, where they differ

        Raises
        ------
        EventSchemaError : a column is missing, not numeric, or breaks 0 <= recency <= T,
            frequency whole and >= 0, weight > 0; the message names the first rows that do
        """
        frame = pl.DataFrame(table)
        days = days_per(unit)
        found = {name: _find(frame, name, columns or {}) for name in _SPELLINGS}
        missing = [name for name in ("frequency", "recency", "T") if found[name] is None]
        if missing:
            raise EventSchemaError(
                f"RFM table lacks columns {missing}; it has {frame.columns}.\n"
                f"To mend: pass columns={{{missing[0]!r}: 'your name'}}."
            )
        ids = found["customer_id"]
        customer_id = np.arange(len(frame)) if ids is None else frame[ids].to_numpy()
        arrays = {
            name: None if found[name] is None else _numbers(frame, str(found[name]))
            for name in ("frequency", "recency", "T", "monetary_value", "weight", "log_gaps")
        }
        x, t_x, T, z, weight, log_gaps = arrays.values()
        assert x is not None
        assert t_x is not None
        assert T is not None
        _check(x, t_x, T, weight)
        if z is not None:
            if bool(np.any(~np.isfinite(z) & (x > 0))):
                row = int(np.flatnonzero(~np.isfinite(z) & (x > 0))[0])
                raise EventSchemaError(
                    f"monetary_value of row {row} is {z[row]} where frequency is {x[row]:g}.\n"
                    "To mend: give the mean spend of the repeat purchases, a finite number."
                )
            z = np.where(x > 0, z, np.nan)
        if log_gaps is not None:
            # ln(gap in days) = ln(gap in units) + ln(days per unit), for each of x gaps.
            log_gaps = np.where(x > 0, log_gaps + x * np.log(days), 0.0)
        rest = frame.drop({name for name in found.values() if name is not None})
        covariates = rest if rest.width else None
        return cls(customer_id, x, t_x * days, T * days, z, None, weight, log_gaps, covariates)


def _find(frame: pl.DataFrame, name: str, columns: Mapping[str, str]) -> str | None:
    if name in columns:
        return columns[name]
    lower = {column.lower(): column for column in reversed(frame.columns)}
    for spelling in _SPELLINGS[name]:
        if spelling in frame.columns:
            return spelling
    return next((lower[s.lower()] for s in _SPELLINGS[name] if s.lower() in lower), None)


def _numbers(frame: pl.DataFrame, column: str) -> Float[np.ndarray, " rows"]:
    if column not in frame.columns:
        raise EventSchemaError(f"RFM table lacks the column {column!r}; it has {frame.columns}.")
    try:
        return frame[column].cast(pl.Float64).fill_null(np.nan).to_numpy().copy()
    except pl.exceptions.PolarsError as error:
        raise EventSchemaError(
            f"column {column!r} of the RFM table is not numeric: {error}"
        ) from error


def _check(
    x: Float[np.ndarray, " rows"],
    t_x: Float[np.ndarray, " rows"],
    T: Float[np.ndarray, " rows"],
    weight: Float[np.ndarray, " rows"] | None,
) -> None:
    if len(x) == 0:
        raise EventSchemaError("the RFM table is empty.\nTo mend: give at least one row.")
    checks = {
        "frequency, recency and T must be finite": np.isfinite(x)
        & np.isfinite(t_x)
        & np.isfinite(T),
        "frequency must be a whole number, 0 or more": (x >= 0) & (x == np.floor(x)),
        "recency must be 0 or more and at most T": (t_x >= 0) & (t_x <= T * (1 + 1e-12)),
        "recency must be 0 where frequency is 0": (x > 0) | (t_x == 0),
    }
    if weight is not None:
        checks["weight must be finite and above 0"] = np.isfinite(weight) & (weight > 0)
    for law, holds in checks.items():
        if not holds.all():
            rows = np.flatnonzero(~holds)
            first = int(rows[0])
            raise EventSchemaError(
                f"{law}; {len(rows)} of {len(x)} rows break this, the first is row {first}: "
                f"frequency {x[first]:g}, recency {t_x[first]:g}, T {T[first]:g} (days).\n"
                "To mend: correct or remove these rows; recency counts from the first purchase "
                "to the last, not from the last to now."
            )
