"""Gather the page of one fitted purchase model, and write it."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from patronage.errors import EventSchemaError
from patronage.evaluate.fit_checks import (
    holdout_by_frequency,
    predictive_checks,
    repeat_counts,
    tracking,
)
from patronage.events import EventLog
from patronage.horizon import Horizon, days_per
from patronage.models.btyd.alive_history import alive_history
from patronage.models.btyd.data_needed import data_needed
from patronage.models.btyd.frequency_recency import frequency_recency
from patronage.models.btyd.model import FittedBTYD
from patronage.reports.fit_inputs import FitInputs
from patronage.reports.fit_page import write_fit_page
from patronage.snapshots import RFM, Snapshot, calibration_holdout, take_snapshot
from patronage.snapshots.repeats import purchase_days

__all__ = ["fit_report"]

_DISCOUNT_RATE: Final = 0.10
_MOST_PERIODS: Final = 160
_MOST_CUSTOMERS: Final = 20_000


def fit_report(
    fitted: FittedBTYD,
    log: EventLog,
    snapshot: Snapshot,
    horizon: Horizon,
    *,
    model: str,
    unit: str,
    folder: Path,
    seed: int = 0,
) -> Path:
    """Write `fit.html` and its frames; the path of the page.

    What the log knows after the snapshot's as_of is used to judge, never to fit.
    """
    as_of = snapshot.as_of
    known = take_snapshot(log)
    buyers = snapshot.customers["is_buyer"].to_numpy()
    rfm = fitted.process.summary(snapshot.with_features(fitted.features)).take(buyers)
    weeks = (known.as_of - snapshot.events.first_day()).days / 7
    period = "week" if weeks <= _MOST_PERIODS else "month"
    track = tracking(fitted, known, as_of=as_of, period=period, seed=seed)
    repeats = repeat_counts(fitted, rfm)
    new, told = fitted.new_customer(), fitted.report.in_unit(days_per(unit))
    T = float(np.quantile(rfm.T, 0.9)) or 1.0
    customer = _busy(snapshot)
    inputs = FitInputs(
        model=model,
        as_of=as_of,
        horizon=horizon,
        n_customers=len(rfm),
        unit=unit,
        parameters=pl.DataFrame(
            {
                "parameter": list(told.parameters),
                "estimate": list(told.parameters.values()),
                "standard_error": list(told.standard_errors.values()),
            }
        ),
        log_likelihood=told.log_likelihood,
        warnings=told.warnings,
        new_purchases=fitted.new_customer_purchases(horizon.days),
        new_alive=float(new.p_alive[0]),
        new_never=float(new.p_never[0]),
        new_dert=fitted.det(_DISCOUNT_RATE),
        annual_discount_rate=_DISCOUNT_RATE,
        tracking=track.table,
        period=period,
        tracking_p_value=track.p_value,
        repeats=repeats.table,
        chi_square=repeats.chi_square,
        degrees=repeats.degrees,
        repeats_p_value=repeats.p_value,
        checks=predictive_checks(fitted, _thinned(rfm), n_draws=100, seed=seed),
        matrix=_where_told(
            lambda: frequency_recency(fitted, horizon, T=T, max_frequency=_often(rfm))
        ),
        matrix_T=T,
        customer_id=str(customer),
        history=_where_told(
            lambda: alive_history(fitted, purchase_days(snapshot, customer), as_of=as_of)
        ),
        holdout=_holdout(fitted, log, known.as_of, snapshot, horizon),
        needed=None if fitted.report.penalised else data_needed(fitted, seed=seed),
    )
    return write_fit_page(inputs, folder)


def _where_told(make: Callable[[], pl.DataFrame]) -> pl.DataFrame | None:
    """None where frequency, recency and T do not tell a process all that it reads."""
    try:
        return make()
    except EventSchemaError:
        return None


def _holdout(
    fitted: FittedBTYD, log: EventLog, end: date, snapshot: Snapshot, horizon: Horizon
) -> pl.DataFrame | None:
    """Only where the whole horizon is over."""
    if snapshot.as_of + timedelta(days=int(np.ceil(horizon.days))) > end:
        return None
    sides = calibration_holdout(log, as_of=snapshot.as_of, horizon=horizon)
    both = snapshot.customers.select("customer_id", "is_buyer").join(
        sides.select("customer_id", "frequency_holdout"), on="customer_id", how="left"
    )
    buyers = both["is_buyer"].to_numpy()
    rfm = fitted.process.summary(snapshot.with_features(fitted.features)).take(buyers)
    purchases = both.filter(pl.col("is_buyer"))["frequency_holdout"].fill_null(0)
    return holdout_by_frequency(fitted, rfm, purchases, horizon)


def _busy(snapshot: Snapshot) -> str | int:
    """A customer among the busiest hundredth, so that there is something to see."""
    ranked = snapshot.customers.filter(pl.col("is_buyer")).sort("frequency", "customer_id")
    found: str | int = ranked["customer_id"][int(0.99 * (ranked.height - 1))]
    return found


def _thinned(rfm: RFM) -> RFM:
    """At most about 20,000 customers: the draws of a check cost that many each."""
    step = -(-len(rfm) // _MOST_CUSTOMERS)
    return rfm.take(slice(None, None, step))


def _often(rfm: RFM) -> int:
    return int(np.clip(np.quantile(rfm.frequency, 0.995), 5, 25))
