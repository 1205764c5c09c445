"""Purchases ahead of the rows of a table, and what is not known about the cash expected of them."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import numpy as np
from jaxtyping import Float

from patronage.forecast.compound import CompoundForecast
from patronage.forecast.counts import AbstractCounts
from patronage.models.btyd.compacted_counts import CompactedCounts
from patronage.models.btyd.process import Process, PurchaseTable, natural
from patronage.models.btyd.spending import FittedSpend
from patronage.models.encoders.base import Encoder
from patronage.models.encoders.constant import ConstantEncoder
from patronage.models.encoders.covariates import FittedCovariates
from patronage.models.fitting.compaction import compact
from patronage.models.fitting.posterior import Posterior
from patronage.models.fitting.report import FitReport
from patronage.snapshots import RFM, Snapshot

__all__ = ["cash_ratio", "compacted_counts", "encoded", "mean_factors", "purchases_ahead"]

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


def purchases_ahead(
    process: Process[Any], report: FitReport, covariates: FittedCovariates | None, rfm: RFM
) -> AbstractCounts:
    """Purchases ahead of each row of an RFM table."""
    encoder, table = encoded(process, covariates, rfm)

    def of(rows: Any) -> AbstractCounts:
        theta = encoder.theta(process.likelihood, report.coefficients, rows)
        return process.counts(natural(theta), encoder.observed(rows))

    return compacted_counts(table, of)


def mean_factors(
    process: Process[Any],
    report: FitReport,
    spend: FittedSpend | None,
    rfm: RFM,
    forecast: CompoundForecast,
    *,
    covariates: FittedCovariates | None = None,
    posterior: Posterior | None = None,
) -> Float[np.ndarray, "customers factors"]:
    """What is not known about the expected cash of a forecast, from the parameters' covariance.

    Parameters
    ----------
    forecast : composed of the process and the spend, for the rows of `rfm`
    covariates : how they shift θ; None: θ is the same for all
    posterior : where there is one, its covariance is carried instead of the report's
    """
    encoder, table = encoded(process, covariates, rfm)
    days, ratio = forecast.horizon.days, forecast.cash_ratio
    expected = forecast.counts.mean(np.array([0.0, days]))[:, 0]
    slopes = _relative_gradient(process, report, encoder, table, days=days)
    covariance = report.covariance if posterior is None else posterior.covariance
    cash = ratio * expected * forecast.spend.mean()
    factors = [cash[:, None] * (slopes @ np.linalg.cholesky(covariance))]
    if spend is not None:
        factors.append((ratio * expected)[:, None] * (spend.mean_gradient(rfm) @ spend.mean_root))
    return np.concatenate(factors, axis=1)


def cash_ratio(snapshot: Snapshot) -> float:
    """Net cash per gross money of purchases so far: what refunds take away and fees add."""
    gross = float(snapshot.customers["spend"].sum())
    net = float(snapshot.customers["cash"].sum())
    return min(max(net / gross, 0.0), 2.0) if gross > 0 else 1.0


def encoded(
    process: Process[Any], covariates: FittedCovariates | None, rfm: RFM
) -> tuple[Encoder[Any], Any]:
    """The encoder, and the table that it reads."""
    table = process.table(rfm)
    if covariates is None:
        return ConstantEncoder(), table
    return covariates.encoder, covariates.beside(table, rfm.covariates)


def _relative_gradient(
    process: Process[Any], report: FitReport, encoder: Encoder[Any], table: Any, *, days: float
) -> Float[np.ndarray, "customers coefficients"]:
    """d ln E[purchases] / d coefficients of each customer, by central differences in θ.

    It varies slowly, so that on logs without ties it is taken at coarse times: the factors
    describe a standard error, and that costs them less than 1 %.
    """
    compacted = compact(table)
    if len(compacted.table) > _EXACT:
        compacted = compact(table.coarse())
    rows, edges = encoder.observed(compacted.table), np.array([0.0, days])
    at = encoder.theta(process.likelihood, report.coefficients, compacted.table)

    def log_mean(theta: Float[np.ndarray, "*rows k"]) -> Float[np.ndarray, " rows"]:
        expected = process.counts(natural(theta), rows).mean(edges)[:, 0]
        return np.asarray(np.log(np.maximum(expected, 1e-300)))

    steps = _STEP * np.eye(len(report.theta))
    columns = [(log_mean(at + step) - log_mean(at - step)) / (2 * _STEP) for step in steps]
    slopes = encoder.gradient(process.likelihood, np.column_stack(columns), compacted.table)
    return compacted.expand(slopes)
