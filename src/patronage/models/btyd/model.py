"""Every buy-till-you-die model: one class of settings, one of what was learned."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np
import polars as pl
from jaxtyping import Float

from patronage.errors import NotEnoughDataError
from patronage.forecast.compound import CompoundForecast
from patronage.forecast.counts import AbstractCounts
from patronage.forecast.spend import UnitSpend
from patronage.horizon import Horizon
from patronage.models.btyd.composition import cash_ratio, mean_factors, purchases_ahead
from patronage.models.btyd.counting_free import CountingFree
from patronage.models.btyd.gamma_gamma import GammaGamma
from patronage.models.btyd.predictions import prediction_table
from patronage.models.btyd.process import Process
from patronage.models.btyd.spending import FittedSpend, SpendModel, attributes_of, reads_of
from patronage.models.catalog import MODELS, make_model
from patronage.models.encoders.covariates import Covariates, FittedCovariates
from patronage.models.fitting.compaction import compact
from patronage.models.fitting.estimation import estimate
from patronage.models.fitting.likelihood_ratio import against_nested
from patronage.models.fitting.posterior import Posterior, Uncertainty
from patronage.models.fitting.priors import Prior
from patronage.models.fitting.report import FitReport
from patronage.models.fitting.with_covariates import fit_with_covariates
from patronage.snapshots import RFM, Snapshot, attribute_source

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
    covariates : how they shift purchases and dropout; None: they do not
    posterior : draws of the coefficients, where they were asked for
    """

    process: Process[Any]
    report: FitReport
    spend: FittedSpend | None = None
    cash_ratio: float = 1.0
    covariates: FittedCovariates | None = None
    posterior: Posterior | None = None

    @property
    def features(self) -> tuple[str, ...]:
        """Feature groups and attributes that `predict` reads."""
        spend = () if self.spend is None else self.spend.features
        attributes = (name for part in self._read() for name in part.features)
        return tuple(dict.fromkeys((*self.process.features, *spend, *attributes)))

    def counts(self, rfm: RFM) -> AbstractCounts:
        """Purchases ahead of each row of an RFM table."""
        return purchases_ahead(self.process, self.report, self.covariates, rfm)

    def new_customer(self) -> AbstractCounts:
        """Purchases ahead of one customer who has just bought for the first time.

        The first purchase is not among them. p_alive is below 1 where a customer may leave right
        after it (MBG/NBD).
        """
        parameters = list(self.report.parameters.values())
        # Why simulate: whatever else a process reads, it draws it of a history of no length.
        table = self.process.simulate(parameters, np.zeros(1), np.random.default_rng(0))
        return self.process.counts(parameters, table)

    def new_customer_purchases(self, days: float, *, with_first: bool = False) -> float:
        """Purchases expected of a new customer in `days` from the first purchase on."""
        expected = self.new_customer().mean(np.array([0.0, days]))[0, 0]
        return float(expected) + float(with_first)

    def det(
        self, annual_discount_rate: float, *, days: float = np.inf, with_first: bool = False
    ) -> float:
        """Discounted expected purchases of a new customer; the first, if asked for, counts 1."""
        expected = self.new_customer().dert(annual_discount_rate, days=days)[0]
        return float(expected) + float(with_first)

    def expected_spend(self, rfm: RFM) -> Float[np.ndarray, " customers"]:
        """Net cash expected of one purchase of each row; 1 where every purchase counts 1."""
        if self.spend is None:
            return np.ones(len(rfm))
        return np.asarray(self.cash_ratio * self.spend.spend(rfm).mean())

    def expected_cash(
        self, snapshot: Snapshot, horizon: Horizon
    ) -> Float[np.ndarray, " customers"]:
        """Cash expected of each customer over the whole horizon: the total that `predict` tells
        with its spread, at a fraction of the work."""
        rfm = self.process.summary(self.known(snapshot))
        purchases = self.counts(rfm).mean(np.array([0.0, horizon.days]))[:, 0]
        return np.asarray(purchases * self.expected_spend(rfm))

    def predictions(
        self,
        rfm: RFM,
        horizon: Horizon,
        *,
        levels: Sequence[float] = (0.05, 0.95),
        annual_discount_rate: float | None = 0.10,
    ) -> pl.DataFrame:
        """What is foretold of each row, the same columns in every model: `prediction_table`."""
        return prediction_table(
            self.counts(rfm),
            rfm.customer_id,
            horizon,
            levels=levels,
            annual_discount_rate=annual_discount_rate,
        )

    def known(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with all that the model reads of it."""
        spend = () if self.spend is None else self.spend.features
        attributes = (name for part in self._read() for name in part.attributes(snapshot.events))
        return snapshot.with_features((*self.process.features, *spend, *attributes))

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> CompoundForecast:
        """Forecast every customer of the snapshot, over any horizon."""
        rfm = self._summary(snapshot)
        (expected,) = self._composed(rfm, snapshot, [horizon])
        doubt = mean_factors(
            self.process,
            self.report,
            self.spend,
            rfm,
            expected,
            covariates=self.covariates,
            posterior=self.posterior,
        )
        return replace(expected, mean_factors=doubt)

    def expectations(
        self, snapshot: Snapshot, horizons: Sequence[Horizon]
    ) -> list[CompoundForecast]:
        """What `predict` says of each horizon, but for `mean_factors`, which cost most of it."""
        return self._composed(self._summary(snapshot), snapshot, horizons)

    def _summary(self, snapshot: Snapshot) -> RFM:
        """What the process reads of every customer; what is doubtful of covariates is told."""
        known = self.known(snapshot)
        for part in self._read():
            part.warn(known.rfm().covariates, len(known.customers))
        return self.process.summary(known)

    def _composed(
        self, rfm: RFM, snapshot: Snapshot, horizons: Sequence[Horizon]
    ) -> list[CompoundForecast]:
        """Purchases and spend of every customer, over each horizon."""
        counts = self.counts(rfm)
        money = UnitSpend(len(rfm)) if self.spend is None else self.spend.spend(rfm)
        ratio = 1.0 if self.spend is None else self.cash_ratio
        return [
            CompoundForecast(
                rfm.customer_id, snapshot.as_of, horizon, counts, money, cash_ratio=ratio
            )
            for horizon in horizons
        ]

    def _read(self) -> tuple[FittedCovariates, ...]:
        both = (self.covariates, attributes_of(self.spend))
        return tuple(part for part in both if part is not None)


@dataclass(frozen=True)
class AbstractBTYD(ABC):
    """Settings that every buy-till-you-die model has.

    Attributes
    ----------
    spend : the model of a purchase's money; None: every purchase counts 1
    covariates : what of a customer's attributes acts on purchases and dropout; None: nothing
    prior : beliefs about the parameters; None: maximum likelihood
    uncertainty : how a posterior is drawn (`draw_posterior`); None: standard errors alone. The
        spend model has settings of its own.
    """

    spend: SpendModel | None = field(default_factory=GammaGamma)
    covariates: Covariates | None = None
    prior: Prior | None = None
    uncertainty: Uncertainty | None = None

    @property
    @abstractmethod
    def process(self) -> Process[Any]:
        """How customers buy and leave."""

    @property
    def choices(self) -> tuple[Process[Any], ...]:
        """Processes to choose from by likelihood, in turn until it falls."""
        return (self.process,)

    @property
    def features(self) -> tuple[str, ...]:
        """Feature groups that `fit` reads."""
        spend = () if self.spend is None else self.spend.features
        return tuple(dict.fromkeys((*self._processes[0].features, *spend)))

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the covariates that `fit` reads."""
        return (*(self.covariates.reads if self.covariates else ()), *reads_of(self.spend))

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedBTYD:
        """Fit to the customers with a purchase: those who have begun the process."""
        del horizon
        attributes = (attribute_source(snapshot.events, name) for name in self.reads)
        known = snapshot.with_features((*self.features, *attributes))
        buyers = known.customers["is_buyer"].to_numpy()
        summary = self._processes[0].summary(known).take(buyers)
        found = self._likeliest(summary, seed)
        # Where the log has no money, every purchase counts 1.
        if self.spend is None or snapshot.events.currency == "purchases":
            return replace(found, cash_ratio=cash_ratio(snapshot))
        spend = self.spend.fit_rfm(summary, seed=seed)
        ratio = 1.0 if spend.is_net else cash_ratio(snapshot)
        return replace(found, spend=spend, cash_ratio=ratio)

    def fit_rfm(self, rfm: RFM, *, seed: int = 0) -> FittedBTYD:
        """Fit to the rows of an RFM table; the spend too, where its money is known."""
        found = self._likeliest(rfm, seed)
        money = self.spend is not None and rfm.monetary_value is not None
        spend = self.spend.fit_rfm(rfm, seed=seed) if self.spend is not None and money else None
        return replace(found, spend=spend)

    @property
    def _processes(self) -> tuple[Process[Any], ...]:
        """The choices, counting what is a purchase to the spend model."""
        free = self.spend is not None and self.spend.counts_free
        return tuple(CountingFree(one) for one in self.choices) if free else self.choices

    def _likeliest(self, rfm: RFM, seed: int) -> FittedBTYD:
        """The process with the highest log-likelihood, looked for in turn until it falls."""
        first, *others = self._processes
        if not others:
            return self._fit_purchases(first, rfm, self.uncertainty, seed)
        best = self._fit_purchases(first, rfm, None, seed)
        for process in others:
            other = self._fit_purchases(process, rfm, None, seed)
            if other.report.log_likelihood <= best.report.log_likelihood:
                break
            best = other
        if self.uncertainty is None:
            return best
        return self._fit_purchases(best.process, rfm, self.uncertainty, seed)

    def _fit_purchases(
        self, process: Process[Any], rfm: RFM, uncertainty: Uncertainty | None, seed: int
    ) -> FittedBTYD:
        """Fit the process to all customers of an RFM table.

        Raises
        ------
        EventSchemaError : a value is not finite, or breaks 0 <= recency <= T
        SettingsError : a covariate is not there or cannot be read, or a setting does not suit
        NotEnoughDataError : there are no customers, or none was observed for any time
        """
        if len(rfm) == 0:
            raise NotEnoughDataError(
                "there is no customer with a purchase.\n"
                "To mend: check the kinds and amounts of the events, or choose a later as_of."
            )
        table, likelihood = process.table(rfm), process.likelihood
        how: dict[str, Any] = {"prior": self.prior, "uncertainty": uncertainty, "seed": seed}
        covariates = None
        if self.covariates is None:
            report, posterior = estimate(likelihood, compact(table).table, **how)
            report = against_nested(report, lambda name: _fit_named(name, rfm))
        else:
            report, covariates, posterior = fit_with_covariates(
                likelihood, table, rfm.covariates, self.covariates, **how
            )
        remarks = process.remarks(table)
        warnings = (*report.warnings, *remarks)
        if not np.any(rfm.frequency > 0):
            sentence = (
                "nobody has bought a second time: rates and dropout cannot be told apart, and "
                "nearly no purchases are expected; wait for repeat purchases, or use a baseline"
            )
            warnings = (sentence, *warnings)
        report = replace(report, warnings=warnings)
        return FittedBTYD(process, report, covariates=covariates, posterior=posterior)


def _fit_named(name: str, rfm: RFM) -> FitReport | None:
    """The fit of another model of the family to the same rows; None where there is none."""
    settings = make_model(name) if name in MODELS else None
    if not isinstance(settings, AbstractBTYD):
        return None
    return replace(settings, spend=None).fit_rfm(rfm).report
