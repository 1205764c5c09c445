"""MBG/NBD: like BG/NBD, but customers may leave right after the first purchase too.

Batislam, Denizel & Filiztekin (2007), Empirical validation and comparison of models for customer
base analysis, International Journal of Research in Marketing 24(3).
"""

from dataclasses import dataclass, field
from typing import final

import numpy as np
from jaxtyping import Float

from patronage.forecast.compound import CompoundForecast
from patronage.forecast.counts import AbstractCounts
from patronage.horizon import Horizon
from patronage.models.btyd.composition import cash_ratio, compacted_counts, forecast_cash
from patronage.models.btyd.counts_beta_geometric import BetaGeometricCounts
from patronage.models.btyd.estimation import buyers, fit_purchases, fit_spend, fit_spend_rfm
from patronage.models.btyd.gamma_gamma import FittedGammaGamma, GammaGamma
from patronage.models.fitting.report import FitReport
from patronage.models.likelihoods.histories import Histories
from patronage.models.likelihoods.mbg_nbd import MBGNBDLikelihood
from patronage.snapshots import RFM, Snapshot

__all__ = ["MBGNBD", "FittedMBGNBD"]


@final
@dataclass(frozen=True)
class FittedMBGNBD:
    """r, alpha (days), a, b in `report`, and the spend of a purchase.

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
class MBGNBD:
    """Settings. `spend`: the model of a purchase's money; None: every purchase counts 1."""

    spend: GammaGamma | None = field(default_factory=GammaGamma)

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedMBGNBD:
        """Fit to the customers with a purchase, by maximum likelihood."""
        del horizon, seed
        report = fit_purchases(MBGNBDLikelihood(), buyers(snapshot))
        return FittedMBGNBD(report, fit_spend(self.spend, snapshot), cash_ratio(snapshot))

    def fit_rfm(self, rfm: RFM) -> FittedMBGNBD:
        """Fit to the rows of an RFM table; the spend too, where its money is known."""
        report = fit_purchases(MBGNBDLikelihood(), rfm)
        return FittedMBGNBD(report, fit_spend_rfm(self.spend, rfm))


def _counts(parameters: Float[np.ndarray, " 4"], rows: Histories) -> BetaGeometricCounts:
    r, alpha, a, b = (float(value) for value in parameters)
    return BetaGeometricCounts(r, alpha, a, b, rows.x, rows.t_x, rows.T, modified=True)
