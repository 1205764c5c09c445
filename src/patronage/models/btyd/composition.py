"""Compose purchases and spend into a forecast of cash, with what is not known about its mean."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import numpy as np
from jaxtyping import Float

from patronage.forecast.compound import CompoundForecast
from patronage.forecast.counts import AbstractCounts
from patronage.forecast.spend import AbstractSpend, UnitSpend
from patronage.horizon import Horizon
from patronage.models.btyd.compacted_counts import CompactedCounts
from patronage.models.btyd.process import Process, PurchaseTable, natural
from patronage.models.btyd.spending import FittedSpend
from patronage.models.fitting.compaction import compact
from patronage.models.fitting.report import FitReport
from patronage.snapshots import Snapshot

__all__ = ["cash_ratio", "compacted_counts", "forecast_cash"]

TableT = TypeVar("TableT", bound=PurchaseTable)

# Central differences in log parameters: the error is about 1e-8 of the value.
_STEP: Final = 1e-3
# Above this many distinct rows the relative gradient is taken at coarse ones.
_EXACT: Final = 50_000


def compacted_counts(
    table: TableT, counts_of: Callable[[TableT], AbstractCounts]
) -> AbstractCounts:
    """Counts of all rows of a table, evaluated once per distinct row."""
    compacted = compact(table)
    counts = counts_of(compacted.table)
    return counts if compacted.inverse is None else CompactedCounts(counts, compacted.inverse)


def forecast_cash(
    process: Process[Any],
    report: FitReport,
    spend: FittedSpend | None,
    ratio: float,
    snapshot: Snapshot,
    horizon: Horizon,
) -> CompoundForecast:
    """Compose purchases and spend for every customer of the snapshot.

    Parameters
    ----------
    ratio : net cash per money of purchases
    """
    rfm = snapshot.rfm()
    table = process.table(process.summary(snapshot))
    parameters = natural(report.theta)
    counts = compacted_counts(table, lambda rows: process.counts(parameters, rows))
    money: AbstractSpend = UnitSpend(len(rfm)) if spend is None else spend.spend(rfm)
    ratio = 1.0 if spend is None else ratio
    expected = counts.mean(np.array([0.0, horizon.days]))[:, 0]
    slopes = _relative_gradient(process, report, table, horizon.days)
    factors = [
        (ratio * expected * money.mean())[:, None]
        * (slopes @ np.linalg.cholesky(report.covariance))
    ]
    if spend is not None:
        factors.append((ratio * expected)[:, None] * (spend.mean_gradient(rfm) @ spend.mean_root))
    return CompoundForecast(
        rfm.customer_id,
        snapshot.as_of,
        horizon,
        counts,
        money,
        cash_ratio=ratio,
        mean_factors=np.concatenate(factors, axis=1),
    )


def cash_ratio(snapshot: Snapshot) -> float:
    """Net cash per gross money of purchases so far: what refunds take away and fees add."""
    gross = float(snapshot.customers["spend"].sum())
    net = float(snapshot.customers["cash"].sum())
    return min(max(net / gross, 0.0), 2.0) if gross > 0 else 1.0


def _relative_gradient(
    process: Process[Any], report: FitReport, table: PurchaseTable, days: float
) -> Float[np.ndarray, "customers k"]:
    """d ln E[purchases] / d θ of each customer, by central differences.

    It varies slowly, so that on logs without ties it is taken at coarse times: the factors
    describe a standard error, and that costs them less than 1 %.
    """
    compacted = compact(table)
    if len(compacted.table) > _EXACT:
        compacted = compact(table.coarse())
    edges = np.array([0.0, days])

    def log_mean(theta: Float[np.ndarray, " k"]) -> Float[np.ndarray, " rows"]:
        expected = process.counts(natural(theta), compacted.table).mean(edges)[:, 0]
        return np.asarray(np.log(np.maximum(expected, 1e-300)))

    steps = _STEP * np.eye(len(report.theta))
    columns = [
        (log_mean(report.theta + step) - log_mean(report.theta - step)) / (2 * _STEP)
        for step in steps
    ]
    return compacted.expand(np.column_stack(columns))
