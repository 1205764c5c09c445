"""Tracking: repeat purchases of a whole cohort week by week, counted and expected."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float, Int
from scipy.stats import chi2, norm

from patronage.errors import SettingsError
from patronage.evaluate.fit_checks.alike import require_alike
from patronage.forecast.counts import AbstractCounts
from patronage.horizon import DAYS_PER
from patronage.models.btyd.model import FittedBTYD
from patronage.snapshots import Snapshot
from patronage.snapshots.repeats import joining_days, repeat_purchases

__all__ = ["Tracking", "tracking"]

_DRAWS: Final = 4_000


@dataclass(frozen=True)
class Tracking:
    """Periods since the first purchase of all.

    Attributes
    ----------
    table : period (from 1), start (date), actual, expected, low, high (90 % of what chance makes
        of the expected), cumulative_actual, cumulative_expected
    as_of : what was fitted lies before it
    p_value : of all periods before as_of together, χ² of their joint spread
    """

    table: pl.DataFrame
    as_of: date
    p_value: float


def tracking(
    fitted: FittedBTYD, known: Snapshot, *, as_of: date, period: str = "week", seed: int = 0
) -> Tracking:
    """Repeat purchases of the customers who joined before `as_of`, until the end of `known`.

    Every customer is expected to do what a new one does, from the own day of joining on; nothing
    that happened later enters. Customers are independent given the parameters, which are taken
    as known.

    Parameters
    ----------
    known : what happened, before as_of and after it
    as_of : of the snapshot that the model was fitted to
    """
    require_alike(fitted)
    joined = joining_days(known, before=as_of)
    if joined.is_empty():
        raise SettingsError(f"nobody joined before {as_of}.\nTo mend: choose a later as_of.")
    length, start = DAYS_PER[period], joined["first_day"][0]
    n_periods = int((known.as_of - start).days // length)
    if n_periods < 1:
        raise SettingsError(
            f"less than a {period} is known.\nTo mend: give a later as_of or a shorter period."
        )
    born = (joined["first_day"] - start).dt.total_days().to_numpy()
    customers = joined["n_customers"].cast(pl.Float64).to_numpy()
    edges = length * np.arange(n_periods + 1)
    expected, spread = _expected(fitted.new_customer(), born, customers, edges, seed)
    repeats = repeat_purchases(known, before=as_of)
    day = (repeats["event_day"] - start).dt.total_days().to_numpy()
    inside = day < edges[-1]
    actual = np.bincount(
        (day[inside] // length).astype(np.int64),
        weights=repeats["purchases"].cast(pl.Float64).to_numpy()[inside],
        minlength=n_periods,
    )
    reach = norm.ppf(0.95) * np.sqrt(np.diag(spread))
    fitted_periods = max(int((as_of - start).days // length), 1)
    table = pl.DataFrame(
        {
            "period": np.arange(1, n_periods + 1),
            "start": [start + timedelta(days=round(float(edge))) for edge in edges[:-1]],
            "actual": actual,
            "expected": expected,
            "low": np.maximum(expected - reach, 0.0),
            "high": expected + reach,
            "cumulative_actual": np.cumsum(actual),
            "cumulative_expected": np.cumsum(expected),
        }
    )
    return Tracking(table, as_of, _p_value((actual - expected)[:fitted_periods], spread))


def _expected(
    new: AbstractCounts,
    born: Int[np.ndarray, " cohorts"],
    customers: Float[np.ndarray, " cohorts"],
    edges: Float[np.ndarray, " edges"],
    seed: int,
) -> tuple[Float[np.ndarray, " periods"], Float[np.ndarray, "periods periods"]]:
    """Expected purchases of each period, and their covariance over periods.

    The expectation is exact to the day of joining. The covariance is that of draws of a customer
    who joins in the middle of a period, moved to each period in which some joined.
    """
    ages = np.unique(np.maximum(edges - born[:, None], 0.0))
    until = np.append(0.0, np.cumsum(new.mean(ages)[0]))
    expected = np.zeros(len(edges) - 1)
    for day, n in zip(born, customers, strict=True):
        at = np.searchsorted(ages, np.maximum(edges - day, 0.0))
        expected += n * np.diff(until[at])
    length = edges[1]
    middle = np.append(0.0, edges[1:] - length / 2)
    drawn = new.sample(middle, _DRAWS, np.random.default_rng(seed))[:, 0, :]
    one = np.atleast_2d(np.cov(drawn, rowvar=False))
    spread = np.zeros_like(one)
    joined = np.bincount((born // length).astype(np.int64), weights=customers)
    for period in np.flatnonzero(joined[: len(expected)]):
        spread[period:, period:] += joined[period] * one[: len(one) - period, : len(one) - period]
    return expected, spread


def _p_value(
    missed: Float[np.ndarray, " fitted"], spread: Float[np.ndarray, "periods periods"]
) -> float:
    """P(a larger distance) of the misses under their joint normal distribution."""
    some = np.flatnonzero(np.diag(spread)[: len(missed)] > 0)
    if len(some) == 0:
        return 1.0
    inner = spread[np.ix_(some, some)]
    inner = inner + 1e-9 * np.diag(np.diag(inner))
    return float(chi2.sf(missed[some] @ np.linalg.solve(inner, missed[some]), len(some)))
