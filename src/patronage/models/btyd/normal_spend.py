"""Normal spend: net money of a purchase, which may be negative."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, final

import numpy as np
from jaxtyping import Float

from patronage.errors import NotEnoughDataError
from patronage.forecast.normal_spend import NormalSpend as Money
from patronage.horizon import Horizon
from patronage.models.btyd.independence import Independence, check_independence
from patronage.models.btyd.level_posterior import LevelPosterior, amounts_of
from patronage.models.btyd.spending import buyers_of
from patronage.models.fitting.maximum_likelihood import maximum_likelihood
from patronage.models.fitting.report import FitReport
from patronage.models.likelihoods.amounts import Amounts
from patronage.models.likelihoods.normal_levels import NormalLevelsLikelihood
from patronage.snapshots import RFM, AmountSums, Snapshot

__all__ = ["FittedNormalSpend", "NormalSpend"]

_FIXED: Final = 1e-9
# Share of all variation in one customer above which the fit says little of the others.
_CARRIES: Final = 0.5


@final
@dataclass(frozen=True)
class FittedNormalSpend:
    """The population's net money per purchase, and how to read a customer's own.

    Its expectation, μ + K (own mean − μ), is the best linear one whatever the shape of amounts
    (Bühlmann's credibility); its quantiles take amounts to be normal.

    Attributes
    ----------
    report : mean, sigma (of purchases of one customer) and tau (between customers), in money; None
        where all purchases are worth the same. The covariance is that of ln (mean + offset, sigma,
        tau).
    offset : in money
    pooled_mean : net money per purchase over all purchases fitted
    independence : of the number of purchases; None where it could not be tested
    warnings : sentences that say what is doubtful and what to do about it
    """

    report: FitReport | None
    offset: float
    pooled_mean: float
    independence: Independence | None
    warnings: tuple[str, ...]

    name: ClassVar[str] = "normal_spend"
    features: ClassVar[tuple[str, ...]] = ("nets",)
    is_net: ClassVar[bool] = True

    @property
    def facts(self) -> Mapping[str, Any]:
        return {
            "mean": self.pooled_mean,
            "independence": None if self.independence is None else self.independence.facts,
        }

    def spend(self, rfm: RFM) -> Money:
        """Net money per purchase of each customer, given the purchases seen."""
        if self.report is None:
            rows = np.ones(len(rfm))
            small = _FIXED * max(abs(self.pooled_mean), 1.0)
            return Money(small, self.pooled_mean * rows, 0.0 * rows)
        level = self._level(rfm)
        return Money(level.sigma, level.location, level.variance)

    def mean_gradient(self, rfm: RFM) -> Float[np.ndarray, "customers k"]:
        """Derivatives of the expected spend with respect to ln (mean + offset, sigma, tau)."""
        if self.report is None:
            return np.empty((len(rfm), 0))
        slopes = self._level(rfm).location_slopes
        slopes[:, 0] *= self.report.parameters["mean"] + self.offset
        return slopes

    @property
    def mean_root(self) -> Float[np.ndarray, "k k"]:
        """Cholesky factor of the covariance; empty if pooled."""
        if self.report is None:
            return np.empty((0, 0))
        return np.linalg.cholesky(self.report.covariance)

    def _level(self, rfm: RFM) -> LevelPosterior:
        assert self.report is not None
        nets = _nets(rfm)
        mean, sigma, tau = self.report.parameters.values()
        return LevelPosterior(mean, sigma, tau, nets.n, nets.mean)


@final
@dataclass(frozen=True)
class NormalSpend:
    """No settings: every purchase counts with all refunds and fees that follow it.

    A purchase is a day with positive spend, as everywhere; what is lost on it comes as refunds,
    fees or restocking after it, before the next one.
    """

    features: ClassVar[tuple[str, ...]] = ("nets",)
    counts_free: ClassVar[bool] = False

    def fit(
        self, snapshot: Snapshot, horizon: Horizon | None = None, *, seed: int = 0
    ) -> FittedNormalSpend:
        """Fit to the customers with a purchase."""
        del horizon, seed
        return self.fit_rfm(buyers_of(snapshot, self.features))

    def fit_rfm(self, rfm: RFM, *, seed: int = 0) -> FittedNormalSpend:
        """Fit to the rows with purchases.

        Raises
        ------
        NotEnoughDataError : there is no money, or nobody has a purchase that counts
        """
        del seed
        table = amounts_of(
            _nets(rfm), money=np.zeros(len(rfm)), weight=rfm.weights, logarithmic=False
        )
        if len(table) == 0:
            raise NotEnoughDataError(
                f"none of {len(rfm)} customers has a purchase with money.\n"
                "To mend: check the amount column, or fit purchases only (spend=None)."
            )
        pooled = float(table.weight @ (table.n * table.mean) / (table.weight @ table.n))
        if table.all_equal:
            sentence = "all purchases are worth the same: that amount is used for everybody"
            return FittedNormalSpend(None, 0.0, pooled, None, (sentence,))
        likelihood, unit, table = NormalLevelsLikelihood(), table.unit, table.rounded()
        report = maximum_likelihood(likelihood, table)
        independence = None
        if not report.penalised:
            scale = np.array([unit, unit, unit])
            theta = np.log(np.array(list(report.parameters.values())) / scale)
            mean = np.exp(theta[0]) - likelihood.offset
            independence = check_independence(
                likelihood,
                theta,
                table.rescaled(unit),
                table.n,
                # Where the mean is near zero, a share of it says nothing: at least a tenth.
                stretch=float(np.exp(theta[0]) / max(abs(mean), 0.1)),
            )
        told = () if independence is None else independence.warnings
        offset = likelihood.offset * unit
        shifted = {**report.parameters, "mean": report.parameters["mean"] - offset}
        return FittedNormalSpend(
            replace(report, parameters=shifted),
            offset,
            pooled,
            independence,
            (*_remarks(table, pooled), *report.warnings, *told),
        )


def _nets(rfm: RFM) -> AmountSums:
    """Net money of each purchase; where only means are known, without squares."""
    if rfm.nets is not None:
        return rfm.nets
    if rfm.monetary_value is None:
        raise NotEnoughDataError(
            "the money of purchases is not known: there is no monetary_value.\n"
            "To mend: add the column, or fit purchases only (spend=None)."
        )
    known = (rfm.frequency > 0) & np.isfinite(rfm.monetary_value)
    n = np.where(known, rfm.frequency, 0.0)
    return AmountSums(n, n * np.where(known, rfm.monetary_value, 0.0), np.where(n > 1, np.nan, 0.0))


def _remarks(table: Amounts, pooled: float) -> tuple[str, ...]:
    found = []
    if not (table.dof > 0).any() and (table.n > 1).any():
        found.append(
            "only means of purchases are known: how much one customer's purchases differ was "
            "learned from how the means of many and of few purchases differ"
        )
    variation = table.weight * (table.scatter + table.n * (table.mean - pooled) ** 2)
    largest = float((variation / table.weight).max() / variation.sum())
    if len(table) > 3 and largest > _CARRIES:
        found.append(
            f"one customer carries {100 * largest:.0f} % of all variation of money: quantiles say "
            "little; look for wrong amounts, or fit this customer apart"
        )
    return tuple(found)
