"""Every buy-till-you-die model: one class of settings, one of what was learned."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np

from patronage.errors import NotEnoughDataError
from patronage.forecast.compound import CompoundForecast
from patronage.forecast.counts import AbstractCounts
from patronage.horizon import Horizon
from patronage.models.btyd.composition import cash_ratio, compacted_counts, forecast_cash
from patronage.models.btyd.counting_free import CountingFree
from patronage.models.btyd.gamma_gamma import GammaGamma
from patronage.models.btyd.process import Process, natural
from patronage.models.btyd.spending import FittedSpend, SpendModel
from patronage.models.fitting.compaction import compact
from patronage.models.fitting.maximum_likelihood import maximum_likelihood
from patronage.models.fitting.report import FitReport
from patronage.snapshots import RFM, Snapshot

__all__ = ["AbstractBTYD", "FittedBTYD"]


@final
@dataclass(frozen=True)
class FittedBTYD:
    """A purchase process with its parameters, and the spend of a purchase.

    Attributes
    ----------
    process : how customers buy and leave
    report : the parameters, times in days
    spend : None where every purchase counts 1
    cash_ratio : net cash per money of purchases
    """

    process: Process[Any]
    report: FitReport
    spend: FittedSpend | None = None
    cash_ratio: float = 1.0

    @property
    def features(self) -> tuple[str, ...]:
        spend = () if self.spend is None else self.spend.features
        return tuple(dict.fromkeys((*self.process.features, *spend)))

    def counts(self, rfm: RFM) -> AbstractCounts:
        """Purchases ahead of each row of an RFM table."""
        parameters = natural(self.report.theta)
        table = self.process.table(rfm)
        return compacted_counts(table, lambda rows: self.process.counts(parameters, rows))

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> CompoundForecast:
        """Forecast every customer of the snapshot, over any horizon."""
        known = snapshot.with_features(self.features)
        return forecast_cash(self.process, self.report, self.spend, self.cash_ratio, known, horizon)


@dataclass(frozen=True)
class AbstractBTYD(ABC):
    """Settings that every buy-till-you-die model has.

    Attributes
    ----------
    spend : the model of a purchase's money; None: every purchase counts 1
    """

    spend: SpendModel | None = field(default_factory=GammaGamma)

    @property
    @abstractmethod
    def process(self) -> Process[Any]:
        """How customers buy and leave."""

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedBTYD:
        """Fit to the customers with a purchase: those who have begun the process."""
        del horizon, seed
        process = self._counting
        known = snapshot.with_features(
            process.features if self.spend is None else (*process.features, *self.spend.features)
        )
        buyers = known.customers["is_buyer"].to_numpy()
        report = _fit_purchases(process, process.summary(known).take(buyers))
        # Where the log has no money, every purchase counts 1.
        if self.spend is None or snapshot.events.currency == "purchases":
            return FittedBTYD(process, report, None, cash_ratio(snapshot))
        spend = self.spend.fit_rfm(known.rfm().take(buyers))
        ratio = 1.0 if spend.is_net else cash_ratio(snapshot)
        return FittedBTYD(process, report, spend, ratio)

    def fit_rfm(self, rfm: RFM) -> FittedBTYD:
        """Fit to the rows of an RFM table; the spend too, where its money is known."""
        process = self._counting
        report = _fit_purchases(process, rfm)
        money = self.spend is not None and rfm.monetary_value is not None
        spend = self.spend.fit_rfm(rfm) if self.spend is not None and money else None
        return FittedBTYD(process, report, spend)

    @property
    def _counting(self) -> Process[Any]:
        """The process, counting what is a purchase to the spend model."""
        free = self.spend is not None and self.spend.counts_free
        return CountingFree(self.process) if free else self.process


def _fit_purchases(process: Process[Any], rfm: RFM) -> FitReport:
    """Fit the process to all customers of an RFM table.

    Raises
    ------
    EventSchemaError : a value is not finite, or breaks 0 <= recency <= T
    NotEnoughDataError : there are no customers, or none was observed for any time
    """
    if len(rfm) == 0:
        raise NotEnoughDataError(
            "there is no customer with a purchase.\n"
            "To mend: check the kinds and amounts of the events, or choose a later as_of."
        )
    table = process.table(rfm)
    report = maximum_likelihood(process.likelihood, compact(table).table)
    remarks = process.remarks(table)
    if not np.any(rfm.frequency > 0):
        sentence = (
            "nobody has bought a second time: rates and dropout cannot be told apart, and nearly "
            "no purchases are expected; wait for repeat purchases, or use a baseline"
        )
        remarks = (sentence, *remarks)
        return replace(report, warnings=(*remarks[:1], *report.warnings, *remarks[1:]))
    return replace(report, warnings=(*report.warnings, *remarks))
