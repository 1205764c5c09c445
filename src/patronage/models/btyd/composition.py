"""Compose purchases and spend into a forecast of cash, with what is not known about its mean."""

from collections.abc import Callable
from typing import Final

import numpy as np
from jaxtyping import Float

from patronage.forecast.compound import CompoundForecast
from patronage.forecast.counts import AbstractCounts
from patronage.forecast.spend import AbstractSpend, UnitSpend
from patronage.horizon import Horizon
from patronage.models.btyd.compacted_counts import CompactedCounts
from patronage.models.btyd.estimation import histories_of
from patronage.models.btyd.gamma_gamma import FittedGammaGamma
from patronage.models.fitting.compaction import compact
from patronage.models.fitting.report import FitReport
from patronage.models.likelihoods.histories import Histories
from patronage.snapshots import RFM, Snapshot

__all__ = ["cash_ratio", "compacted_counts", "forecast_cash"]

CountsOf = Callable[[Float[np.ndarray, " k"], Histories], AbstractCounts]

# Central differences in log parameters: the error is about 1e-8 of the value.
_STEP: Final = 1e-3
# Above this many distinct histories the relative gradient is taken at rounded ones.
_EXACT: Final = 50_000
_GRID: Final = 250


def compacted_counts(rfm: RFM, counts_of: Callable[[Histories], AbstractCounts]) -> AbstractCounts:
    """Counts of all customers of an RFM table, evaluated once per distinct history."""
    compacted = compact(histories_of(rfm))
    counts = counts_of(compacted.histories)
    return counts if compacted.inverse is None else CompactedCounts(counts, compacted.inverse)


def forecast_cash(
    report: FitReport,
    spend: FittedGammaGamma | None,
    ratio: float,
    counts_of: CountsOf,
    snapshot: Snapshot,
    horizon: Horizon,
) -> CompoundForecast:
    """Compose purchases and spend for every customer of the snapshot.

    Parameters
    ----------
    ratio : net cash per money of purchases
    counts_of : natural parameters and histories → counts
    """
    rfm = snapshot.rfm()
    parameters = np.exp(report.theta)
    counts = compacted_counts(rfm, lambda histories: counts_of(parameters, histories))
    money: AbstractSpend = UnitSpend(len(rfm)) if spend is None else spend.spend(rfm)
    ratio = 1.0 if spend is None else ratio
    expected = counts.mean(np.array([0.0, horizon.days]))[:, 0]
    slopes = _relative_gradient(report, counts_of, rfm, horizon.days)
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
    report: FitReport, counts_of: CountsOf, rfm: RFM, days: float
) -> Float[np.ndarray, "customers k"]:
    """d ln E[purchases] / d θ of each customer, by central differences.

    It varies slowly, so that on logs without ties it is taken at times rounded to a 250th of the
    mean T: the factors describe a standard error, and that costs them less than 1 %.
    """
    histories = histories_of(rfm)
    compacted = compact(histories)
    if len(compacted.histories) > _EXACT:
        grid = histories.unit * 10 / _GRID
        t_x, T = np.rint(histories.t_x / grid) * grid, np.rint(histories.T / grid) * grid
        compacted = compact(Histories(histories.x, t_x, T, histories.weight))
    edges = np.array([0.0, days])

    def log_mean(theta: Float[np.ndarray, " k"]) -> Float[np.ndarray, " rows"]:
        expected = counts_of(np.exp(theta), compacted.histories).mean(edges)[:, 0]
        return np.asarray(np.log(np.maximum(expected, 1e-300)))

    steps = _STEP * np.eye(len(report.theta))
    columns = [
        (log_mean(report.theta + step) - log_mean(report.theta - step)) / (2 * _STEP)
        for step in steps
    ]
    return compacted.expand(np.column_stack(columns))
