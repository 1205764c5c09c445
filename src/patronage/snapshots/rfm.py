"""RFM: the summary that buy-till-you-die models read, in days; from a snapshot or a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import polars as pl
from jaxtyping import Float, Shaped

from patronage.errors import EventSchemaError
from patronage.horizon import days_per
from patronage.snapshots.amounts import AmountSums
from patronage.snapshots.attributes import is_attribute

__all__ = ["RFM", "rfm_of"]

_SPELLINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "customer_id": ("customer_id", "customer", "id", "cust"),
    "frequency": ("frequency", "x"),
    "recency": ("recency", "t_x", "tx"),
    "T": ("T", "t", "age", "tenure", "T_cal", "t_cal"),
    "monetary_value": ("monetary_value", "monetary", "m", "zbar", "mean_spend"),
    "weight": ("weight", "weights", "count", "n_customers"),
    "log_gaps": ("log_gaps", "litt"),
    "log_sum": ("log_sum",),
    "log_square_sum": ("log_square_sum",),
    "free": ("free", "free_purchases"),
    "recency_of_any": ("recency_of_any",),
    "square_sum": ("square_sum",),
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
    logs : logarithms of the spend of the repeat purchases; None: unknown
    nets : net money of all counted purchases, refunds and fees taken in; None: unknown
    free : purchases after the first day that cost nothing, not in frequency; None: unknown
    recency_of_any : days from first to last purchase where free ones count too; None: unknown
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
    logs: AmountSums | None = None
    nets: AmountSums | None = None
    free: Float[np.ndarray, " customers"] | None = None
    recency_of_any: Float[np.ndarray, " customers"] | None = None

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

    def with_free(self) -> "RFM":
        """The same, with free purchases counted in frequency and recency.

        Raises
        ------
        EventSchemaError : free purchases are not known
        """
        if self.free is None or self.recency_of_any is None:
            raise EventSchemaError(
                "purchases that cost nothing are not known: the RFM table lacks free or "
                "recency_of_any.\nTo mend: give both columns, or events instead of an RFM table."
            )
        return replace(
            self,
            frequency=self.frequency + self.free,
            recency=np.maximum(self.recency, self.recency_of_any),
        )

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

        Further columns are read where they are: log_sum and log_square_sum (of the logarithms of
        the spend of the repeat purchases), free and recency_of_any (see RFM), square_sum (of the
        net money of the repeat purchases, whose mean is then monetary_value).

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
            for name in _SPELLINGS
            if name != "customer_id"
        }
        x, t_x, T, z, weight, log_gaps, *others = arrays.values()
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
        log_sum, log_squares, free, recency_of_any, squares = others
        _check_free(t_x, T, free, recency_of_any)
        logs = None
        if log_sum is not None and log_squares is not None:
            logs = _sums(x, log_sum, log_squares)
            _check_sums(logs, "log_sum and log_square_sum")
        nets = None
        if z is not None:
            nets = _sums(x, x * z, np.full_like(x, np.nan) if squares is None else squares)
            if squares is not None:
                _check_sums(nets, "monetary_value and square_sum")
        if recency_of_any is not None:
            recency_of_any = recency_of_any * days
        rest = frame.drop({name for name in found.values() if name is not None})
        covariates = rest if rest.width else None
        return cls(
            *(customer_id, x, t_x * days, T * days, z, None, weight, log_gaps, covariates),
            *(logs, nets, free, recency_of_any),
        )


def rfm_of(columns: pl.DataFrame, features: Sequence[str]) -> RFM:
    """The RFM summary of the customers of a snapshot with these feature groups.

    A column `weight` says how many customers a row stands for.
    """

    def numbers(name: str, missing: float | None = None) -> Float[np.ndarray, " customers"]:
        """The column; NaN where there is no number, if not said otherwise."""
        found = columns[name].cast(pl.Float64)
        return (found if missing is None else found.fill_null(missing)).to_numpy()

    x, first = numbers("frequency"), numbers("first_amount")
    paid_first = first > 0
    log_gaps = logs = nets = free = recency_of_any = None
    if "regularity" in features:
        log_gaps = numbers("log_gaps")
    if "amounts" in features:
        every = AmountSums(
            x + paid_first, numbers("log_spent", 0.0), numbers("log_spent_squared", 0.0)
        )
        logs = every.minus(np.log(np.where(paid_first, first, np.nan)))
    if "nets" in features:
        nets = _sums(x + paid_first, numbers("net_spent", 0.0), numbers("net_spent_squared", 0.0))
    if "free" in features:
        # The first purchase began the process, whatever it cost.
        begun = columns["is_buyer"].to_numpy()
        free = np.maximum(numbers("free_days", 0.0) - (begun & ~paid_first), 0.0)
        since = numbers("days_since_any")
        recency_of_any = np.where(begun, np.maximum(numbers("T") - since, 0.0), 0.0)
    attributes = [name for name in columns.columns if is_attribute(name)]
    return RFM(
        columns["customer_id"].to_numpy(),
        x,
        numbers("recency"),
        numbers("T"),
        numbers("monetary_value"),
        first,
        numbers("weight") if "weight" in columns.columns else None,
        log_gaps,
        columns.select(attributes) if attributes else None,
        logs,
        nets,
        free,
        recency_of_any,
    )


def _sums(
    n: Float[np.ndarray, " rows"],
    total: Float[np.ndarray, " rows"],
    squares: Float[np.ndarray, " rows"],
) -> AmountSums:
    some = n > 0
    return AmountSums(n, np.where(some, total, 0.0), np.where(some, squares, 0.0))


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


def _check_free(
    t_x: Float[np.ndarray, " rows"],
    T: Float[np.ndarray, " rows"],
    free: Float[np.ndarray, " rows"] | None,
    recency_of_any: Float[np.ndarray, " rows"] | None,
) -> None:
    checks = {}
    if free is not None:
        checks["free must be a whole number, 0 or more"] = (free >= 0) & (free == np.floor(free))
    if recency_of_any is not None:
        within = (recency_of_any >= t_x) & (recency_of_any <= T * (1 + 1e-12))
        checks["recency_of_any must lie between recency and T"] = within
    for law, holds in checks.items():
        if not holds.all():
            raise EventSchemaError(
                f"{law}; {int((~holds).sum())} of {len(holds)} rows break this, the first is row "
                f"{int(np.flatnonzero(~holds)[0])}.\nTo mend: correct or remove these rows."
            )


def _check_sums(sums: AmountSums, names: str) -> None:
    """Sums of n numbers and of their squares: finite, and by Cauchy and Schwarz in proportion."""
    least = sums.total * sums.mean
    holds = np.isfinite(sums.total + sums.squares)
    holds &= ~(sums.squares < least - 1e-6 * (1 + np.abs(least)))
    if not holds.all():
        row = int(np.flatnonzero(~holds)[0])
        raise EventSchemaError(
            f"{names} are not sums of {sums.n[row]:g} numbers and of their squares in "
            f"{int((~holds).sum())} of {len(holds)} rows; the first is row {row}: sum "
            f"{sums.total[row]:g}, sum of squares {sums.squares[row]:g}.\n"
            "To mend: natural logarithms (or net money) of the repeat purchases alone, each a day."
        )
