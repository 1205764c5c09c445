"""Zero-inflated spend: some purchases are free, the others worth what another model says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, final

import numpy as np
from jaxtyping import Float
from scipy.linalg import block_diag

from patronage.errors import EventSchemaError, SettingsError
from patronage.forecast.spend import AbstractSpend
from patronage.forecast.zero_inflated_spend import ZeroInflatedSpend as Money
from patronage.horizon import Horizon
from patronage.models.btyd.gamma_gamma import GammaGamma
from patronage.models.btyd.spending import FittedSpend, SpendModel, buyers_of
from patronage.models.fitting.compaction import compact
from patronage.models.fitting.maximum_likelihood import maximum_likelihood
from patronage.models.fitting.report import FitReport
from patronage.models.likelihoods.beta_binomial import BetaBinomialLikelihood, Shares
from patronage.snapshots import RFM, Snapshot

__all__ = ["FittedZeroInflatedSpend", "ZeroInflatedSpend"]


@final
@dataclass(frozen=True)
class FittedZeroInflatedSpend:
    """How often a purchase is paid, and the money of the paid ones.

    Attributes
    ----------
    report : paid, free of the beta distribution of the share of paid purchases over customers;
        None where no purchase was free
    of : the money of paid purchases
    n_free : free purchases after customers' first days
    share_free : of all purchases after customers' first days
    """

    report: FitReport | None
    of: FittedSpend
    n_free: int
    share_free: float
    warnings: tuple[str, ...]

    name: ClassVar[str] = "zero_inflated_spend"
    is_net: ClassVar[bool] = False

    @property
    def features(self) -> tuple[str, ...]:
        return (*self.of.features, "free")

    @property
    def facts(self) -> Mapping[str, Any]:
        paid = self.of.report
        return {
            "n_free": self.n_free,
            "share_free": self.share_free,
            "of": {
                "model": self.of.name,
                "parameters": {} if paid is None else paid.parameters,
                "standard_errors": {} if paid is None else paid.standard_errors,
                "log_likelihood": None if paid is None else paid.log_likelihood,
                **self.of.facts,
            },
            "independence": self.of.facts.get("independence"),
        }

    def spend(self, rfm: RFM) -> AbstractSpend:
        """Money per purchase of each customer, free ones too, given the purchases seen."""
        money = self.of.spend(rfm)
        return money if self.report is None else Money(money, *self._shares(rfm))

    def mean_gradient(self, rfm: RFM) -> Float[np.ndarray, "customers k"]:
        """Derivatives with respect to ln (paid, free), then those of the paid purchases' model."""
        if self.report is None:
            return self.of.mean_gradient(rfm)
        paid, free = self._shares(rfm)
        a, b = self.report.parameters.values()
        slopes = np.column_stack([a * free, -b * paid]) / ((paid + free) ** 2)[:, None]
        share = (paid / (paid + free))[:, None]
        money = self.of.spend(rfm).mean()[:, None]
        return np.concatenate([money * slopes, share * self.of.mean_gradient(rfm)], axis=1)

    @property
    def mean_root(self) -> Float[np.ndarray, "k k"]:
        """Cholesky factor of the covariance of both."""
        if self.report is None:
            return self.of.mean_root
        root = np.linalg.cholesky(self.report.covariance)
        paid = self.of.mean_root
        return np.asarray(block_diag(root, paid)) if paid.size else root

    def _shares(self, rfm: RFM) -> tuple[Float[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
        assert self.report is not None
        a, b = self.report.parameters.values()
        return a + rfm.frequency, b + _free(rfm)


@final
@dataclass(frozen=True)
class ZeroInflatedSpend:
    """Settings of spend with free purchases.

    A purchase model composed with it counts free purchases as purchases.

    Attributes
    ----------
    of : the model of paid purchases, whose money is positive
    """

    of: SpendModel = field(default_factory=GammaGamma)

    counts_free: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.of.counts_free:
            raise SettingsError(
                "zero-inflated spend cannot be made of another one.\n"
                "To mend: give the model of paid purchases, such as GammaGamma()."
            )

    @property
    def features(self) -> tuple[str, ...]:
        return (*self.of.features, "free")

    def fit(
        self, snapshot: Snapshot, horizon: Horizon | None = None, *, seed: int = 0
    ) -> FittedZeroInflatedSpend:
        """Fit to the customers with a purchase."""
        del horizon, seed
        return self.fit_rfm(buyers_of(snapshot, self.features))

    def fit_rfm(self, rfm: RFM, *, seed: int = 0) -> FittedZeroInflatedSpend:
        """Fit shares to all repeat purchases, and money to the paid ones.

        Raises
        ------
        EventSchemaError : free purchases are not known
        NotEnoughDataError : no amounts, or none above zero
        """
        free = _free(rfm)
        of = self.of.fit_rfm(rfm, seed=seed)
        if of.is_net:
            raise SettingsError(
                f"{of.name} is net money, which may be zero by itself.\n"
                "To mend: use Gamma-Gamma or log-normal spend for the paid purchases."
            )
        weight = rfm.weights
        n_free, n_paid = float(weight @ free), float(weight @ rfm.frequency)
        if n_free == 0:
            sentence = "no repeat purchase was free: spend is that of paid purchases alone"
            return FittedZeroInflatedSpend(None, of, 0, 0.0, (sentence, *of.warnings))
        table = Shares(rfm.frequency, free, weight)
        table = compact(table.take(rfm.frequency + free > 0)).table
        report = maximum_likelihood(BetaBinomialLikelihood(), table)
        share = n_free / (n_free + n_paid)
        return FittedZeroInflatedSpend(
            report, of, round(n_free), share, (*report.warnings, *of.warnings)
        )


def _free(rfm: RFM) -> Float[np.ndarray, " customers"]:
    if rfm.free is None:
        raise EventSchemaError(
            "purchases that cost nothing are not known: the RFM table lacks free.\n"
            "To mend: give the columns free and recency_of_any, or events."
        )
    return rfm.free
