"""Correlated: a buy-till-you-die model whose purchase rate and Gamma-Gamma spend go together."""

from dataclasses import dataclass, field
from typing import Any, Final, final

import numpy as np
from jaxtyping import Float

from patronage.errors import SettingsError
from patronage.forecast.compound import CompoundForecast
from patronage.forecast.correlated import CorrelatedForecast
from patronage.forecast.spend import GammaGammaSpend
from patronage.horizon import Horizon
from patronage.models.btyd.composition import compacted_counts
from patronage.models.btyd.gamma_gamma import FittedGammaGamma, GammaGamma
from patronage.models.btyd.model import AbstractBTYD, FittedBTYD
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.models.btyd.process import natural
from patronage.models.btyd.sarmanov import Sarmanov, Tilts, fit_sarmanov
from patronage.models.fitting.report import FitReport
from patronage.snapshots import RFM, Snapshot

__all__ = ["Correlated", "FittedCorrelated"]

_STEP: Final = 1e-3


@final
@dataclass(frozen=True)
class FittedCorrelated:
    """Both margins as fitted apart, and their correlation.

    Attributes
    ----------
    fitted : the model without correlation
    sarmanov : None where spend was pooled and says nothing of customers
    """

    fitted: FittedBTYD
    sarmanov: Sarmanov | None

    @property
    def features(self) -> tuple[str, ...]:
        return self.fitted.features

    @property
    def report(self) -> FitReport:
        """Of the purchases."""
        return self.fitted.report

    @property
    def spend(self) -> Any:
        """Of the money of a purchase."""
        return self.fitted.spend

    def predict(
        self, snapshot: Snapshot, horizon: Horizon
    ) -> CompoundForecast | CorrelatedForecast:
        """Forecast every customer of the snapshot; without correlation as the model alone."""
        alone = self.fitted.predict(snapshot, horizon)
        if self.sarmanov is None or alone.cash_ratio <= 0:
            return alone
        process, known = self.fitted.process, snapshot.with_features(self.features)
        rfm = process.summary(known)
        parameters = natural(_tilted(self.fitted.report))
        table = process.table(rfm)
        counts = compacted_counts(table, lambda rows: process.counts(parameters, rows))
        spend = alone.spend
        assert isinstance(spend, GammaGammaSpend)
        assert self.fitted.spend is not None
        assert self.fitted.spend.report is not None
        _, q, gamma = self.fitted.spend.report.parameters.values()
        tilted = GammaGammaSpend(spend.p, spend.shape, spend.scale + gamma / q)
        tilts = _tilts(self.fitted, rfm, known.rfm())

        def forecast(correlation: float) -> CorrelatedForecast:
            return CorrelatedForecast(
                alone.customer_id,
                alone.as_of,
                horizon,
                (alone.counts, counts),
                (spend, tilted),
                tilts.weights(correlation),
                alone.cash_ratio,
            )

        return _with_factors(forecast, self.sarmanov, alone)


def _with_factors(forecast: Any, sarmanov: Sarmanov, alone: CompoundForecast) -> CorrelatedForecast:
    """The margins' uncertainty in proportion to the mean, and the correlation's."""
    found: CorrelatedForecast = forecast(sarmanov.correlation)
    mean, before = found.mean().sum(axis=1), alone.mean().sum(axis=1)
    up, down = (forecast(np.clip(sarmanov.correlation + s, -1, 1)) for s in (_STEP, -_STEP))
    slope = (up.mean().sum(axis=1) - down.mean().sum(axis=1)) / (2 * _STEP)
    error = min(sarmanov.standard_error, 1.0)
    factors = [(slope * error)[:, None]]
    if alone.mean_factors is not None:
        scale = mean / np.maximum(before, 1e-300)
        factors.insert(0, alone.mean_factors * scale[:, None])
    return CorrelatedForecast(
        found.customer_id,
        found.as_of,
        found.horizon,
        found.counts,
        found.spends,
        found.weights,
        found.cash_ratio,
        np.concatenate(factors, axis=1),
    )


@final
@dataclass(frozen=True)
class Correlated:
    """Settings: a model with gamma purchase rates and Gamma-Gamma spend.

    Attributes
    ----------
    of : such as ParetoNBD() or BGNBD(), with spend=GammaGamma(...)
    """

    of: AbstractBTYD = field(default_factory=ParetoNBD)

    def __post_init__(self) -> None:
        names = self.of.process.likelihood.parameter_names
        if names[:2] != ("r", "alpha") or not isinstance(self.of.spend, GammaGamma):
            raise SettingsError(
                f"correlation needs gamma purchase rates and Gamma-Gamma spend; seen "
                f"{type(self.of).__name__} with {type(self.of.spend).__name__}.\n"
                "To mend: Correlated(ParetoNBD(spend=GammaGamma()))."
            )

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedCorrelated:
        """Fit both margins, then the correlation."""
        fitted = self.of.fit(snapshot, horizon, seed=seed)
        buyers = snapshot.customers["is_buyer"].to_numpy()
        known = snapshot.with_features(fitted.features)
        summary = fitted.process.summary(known).take(buyers)
        return _correlated(fitted, summary, known.rfm().take(buyers))

    def fit_rfm(self, rfm: RFM, *, seed: int = 0) -> FittedCorrelated:
        """The same from an RFM table."""
        return _correlated(self.of.fit_rfm(rfm, seed=seed), rfm, rfm)


def _correlated(fitted: FittedBTYD, summary: RFM, rfm: RFM) -> FittedCorrelated:
    spend = fitted.spend
    if not isinstance(spend, FittedGammaGamma) or spend.report is None:
        return FittedCorrelated(fitted, None)
    return FittedCorrelated(fitted, fit_sarmanov(_tilts(fitted, summary, rfm), rfm.weights))


def _tilted(report: FitReport) -> Float[np.ndarray, " k"]:
    """θ of the same purchases with α + α/r for α."""
    theta = report.theta
    theta[1] += np.log1p(1 / report.parameters["r"])
    return theta


def _tilts(fitted: FittedBTYD, summary: RFM, rfm: RFM) -> Tilts:
    """Another α for the same purchases: a ratio of two likelihoods tells the kernel's mean."""
    process, report = fitted.process, fitted.report
    table = process.table(summary)
    r = report.parameters["r"]
    gain = process.likelihood.log_likelihood(_tilted(report), table)
    gain = gain - process.likelihood.log_likelihood(report.theta, table)
    spend = fitted.spend
    assert spend is not None
    assert spend.report is not None
    money = spend.spend(rfm)
    assert isinstance(money, GammaGammaSpend)
    q, gamma = spend.report.parameters["q"], spend.report.parameters["gamma"]
    return Tilts(
        np.exp(gain - r * np.log1p(1 / r)),
        np.exp(-money.shape * np.log1p(gamma / q / money.scale)),
        r,
        q,
    )
