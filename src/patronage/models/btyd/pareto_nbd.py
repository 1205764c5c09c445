"""Pareto/NBD: customers buy at a rate of their own until they leave, at a time of their own.

Schmittlein, Morrison & Colombo (1987), Counting your customers, Management Science 33(1).
"""

from dataclasses import dataclass, field
from typing import final

import numpy as np
from jaxtyping import Float

from patronage.forecast.compound import CompoundForecast
from patronage.forecast.counts import AbstractCounts
from patronage.horizon import Horizon
from patronage.models.btyd.composition import cash_ratio, compacted_counts, forecast_cash
from patronage.models.btyd.counts_pareto_nbd import ParetoNBDCounts
from patronage.models.btyd.estimation import buyers, fit_purchases, fit_spend, fit_spend_rfm
from patronage.models.btyd.gamma_gamma import FittedGammaGamma, GammaGamma
from patronage.models.fitting.report import FitReport
from patronage.models.likelihoods.histories import Histories
from patronage.models.likelihoods.pareto_nbd import ParetoNBDLikelihood
from patronage.snapshots import RFM, Snapshot

__all__ = ["FittedParetoNBD", "ParetoNBD"]


@final
@dataclass(frozen=True)
class FittedParetoNBD:
    """r, alpha (days), s, beta (days) in `report`, and the spend of a purchase.

    `spend` is None where every purchase counts 1; `cash_ratio` is net cash per money of purchases.
    """

    report: FitReport
    spend: FittedGammaGamma | None = None
    cash_ratio: float = 1.0

    def counts(self, rfm: RFM) -> AbstractCounts:
        """Purchases ahead of each row of an RFM table."""
        return compacted_counts(rfm, lambda rows: _counts(np.exp(self.report.theta), rows))

    @property
    def features(self) -> tuple[str, ...]:
        return ()

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> CompoundForecast:
        """Forecast every customer of the snapshot, over any horizon."""
        return forecast_cash(self.report, self.spend, self.cash_ratio, _counts, snapshot, horizon)


@final
@dataclass(frozen=True)
class ParetoNBD:
    """Settings. `spend`: the model of a purchase's money; None: every purchase counts 1."""

    spend: GammaGamma | None = field(default_factory=GammaGamma)

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedParetoNBD:
        """Fit to the customers with a purchase, by maximum likelihood."""
        del horizon, seed
        report = fit_purchases(ParetoNBDLikelihood(), buyers(snapshot))
        return FittedParetoNBD(report, fit_spend(self.spend, snapshot), cash_ratio(snapshot))

    def fit_rfm(self, rfm: RFM) -> FittedParetoNBD:
        """Fit to the rows of an RFM table; the spend too, where its money is known."""
        report = fit_purchases(ParetoNBDLikelihood(), rfm)
        return FittedParetoNBD(report, fit_spend_rfm(self.spend, rfm))


def _counts(parameters: Float[np.ndarray, " 4"], rows: Histories) -> ParetoNBDCounts:
    r, alpha, s, beta = (float(value) for value in parameters)
    return ParetoNBDCounts(r, alpha, s, beta, rows.x, rows.t_x, rows.T)
