"""BG/NBD: customers buy at a rate of their own until they leave, right after a repeat purchase.

Fader, Hardie & Lee (2005), "Counting your customers" the easy way, Marketing Science 24(2).
"""

from dataclasses import dataclass, field, replace
from typing import Final, final

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
from patronage.models.likelihoods.bg_nbd import BGNBDLikelihood
from patronage.models.likelihoods.histories import Histories
from patronage.snapshots import RFM, Snapshot

__all__ = ["BGNBD", "FittedBGNBD"]

_MANY_ONE_TIME_BUYERS: Final = 0.5


@final
@dataclass(frozen=True)
class FittedBGNBD:
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
class BGNBD:
    """Settings. `spend`: the model of a purchase's money; None: every purchase counts 1."""

    spend: GammaGamma | None = field(default_factory=GammaGamma)

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedBGNBD:
        """Fit to the customers with a purchase, by maximum likelihood."""
        del horizon, seed
        report = _fit_purchases(buyers(snapshot))
        return FittedBGNBD(report, fit_spend(self.spend, snapshot), cash_ratio(snapshot))

    def fit_rfm(self, rfm: RFM) -> FittedBGNBD:
        """Fit to the rows of an RFM table; the spend too, where its money is known."""
        report = _fit_purchases(rfm)
        return FittedBGNBD(report, fit_spend_rfm(self.spend, rfm))


def _fit_purchases(rfm: RFM) -> FitReport:
    report = fit_purchases(BGNBDLikelihood(), rfm)
    share = float(rfm.weights @ (rfm.frequency == 0)) / float(rfm.weights.sum())
    if share <= _MANY_ONE_TIME_BUYERS:
        return report
    sentence = (
        f"{share:.0%} of customers have bought once, and BG/NBD holds all of them alive for "
        "certain; mbg_nbd and pareto_nbd do not"
    )
    return replace(report, warnings=(*report.warnings, sentence))


def _counts(parameters: Float[np.ndarray, " 4"], rows: Histories) -> BetaGeometricCounts:
    r, alpha, a, b = (float(value) for value in parameters)
    return BetaGeometricCounts(r, alpha, a, b, rows.x, rows.t_x, rows.T, modified=False)
