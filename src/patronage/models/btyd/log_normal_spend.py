"""Log-normal spend: the logarithm of a purchase's money is normal around the customer's level."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, final

import numpy as np
from jaxtyping import Bool, Float

from patronage.errors import EventSchemaError, NotEnoughDataError
from patronage.forecast.log_normal_spend import LogNormalSpend as Money
from patronage.horizon import Horizon
from patronage.models.btyd.first_amount import FEWEST_TO_COMPARE, first_gain
from patronage.models.btyd.independence import Independence, check_independence
from patronage.models.btyd.level_posterior import LevelPosterior, amounts_of
from patronage.models.btyd.spending import buyers_of
from patronage.models.fitting.maximum_likelihood import maximum_likelihood
from patronage.models.fitting.report import FitReport
from patronage.models.likelihoods.amounts import Amounts
from patronage.models.likelihoods.normal_levels import LogNormalLevelsLikelihood
from patronage.snapshots import RFM, AmountSums, Snapshot

__all__ = ["FittedLogNormalSpend", "LogNormalSpend", "log_amounts"]

# A spread of logarithms at which an amount is a fixed number for every purpose.
_FIXED: Final = 1e-6


@final
@dataclass(frozen=True)
class FittedLogNormalSpend:
    """The population's spend, and how to read a customer's own.

    Attributes
    ----------
    report : level (money of the typical purchase of the typical customer), sigma (of purchases of
        one customer) and tau (between customers), both of logarithms; None where all are equal
    use_first : whether the first purchase's amount counts as an observation
    pooled_mean : money per purchase over all purchases fitted
    n_excluded : customers left out of the fit for amounts of zero or less
    first_gain : as of Gamma-Gamma; None where it was not looked at
    independence : of the number of purchases; None where it could not be tested
    warnings : sentences that say what is doubtful and what to do about it
    """

    report: FitReport | None
    use_first: bool
    pooled_mean: float
    n_excluded: int
    first_gain: tuple[float, float] | None
    independence: Independence | None
    warnings: tuple[str, ...]

    name: ClassVar[str] = "log_normal_spend"
    features: ClassVar[tuple[str, ...]] = ("amounts",)
    is_net: ClassVar[bool] = False

    @property
    def facts(self) -> Mapping[str, Any]:
        return {
            "mean": self.pooled_mean,
            "use_first": self.use_first,
            "n_excluded": self.n_excluded,
            "independence": None if self.independence is None else self.independence.facts,
        }

    def spend(self, rfm: RFM) -> Money:
        """Money per purchase of each customer, given the purchases seen."""
        if self.report is None:
            rows = np.ones(len(rfm))
            return Money(_FIXED, np.log(self.pooled_mean) * rows, 0.0 * rows)
        level = self._level(rfm)
        return Money(level.sigma, level.location, level.variance)

    def mean_gradient(self, rfm: RFM) -> Float[np.ndarray, "customers k"]:
        """Derivatives of the expected spend with respect to ln (level, sigma, tau)."""
        if self.report is None:
            return np.empty((len(rfm), 0))
        level = self._level(rfm)
        slopes = level.location_slopes + level.variance_slopes / 2
        slopes[:, 1] += level.sigma**2
        return np.asarray(self.spend(rfm).mean()[:, None] * slopes)

    @property
    def mean_root(self) -> Float[np.ndarray, "k k"]:
        """Cholesky factor of the covariance of ln (level, sigma, tau); empty if pooled."""
        if self.report is None:
            return np.empty((0, 0))
        return np.linalg.cholesky(self.report.covariance)

    def _level(self, rfm: RFM) -> LevelPosterior:
        assert self.report is not None
        level, sigma, tau = self.report.parameters.values()
        seen, _ = log_amounts(rfm, use_first=self.use_first)
        return LevelPosterior(float(np.log(level)), sigma, tau, seen.n, seen.mean)


@final
@dataclass(frozen=True)
class LogNormalSpend:
    """Settings of the log-normal model of a purchase's money.

    Attributes
    ----------
    use_first : whether the amount of the first purchase enters; None decides by evidence, as
        Gamma-Gamma does
    """

    use_first: bool | None = None

    features: ClassVar[tuple[str, ...]] = ("amounts",)
    counts_free: ClassVar[bool] = False

    def fit(
        self, snapshot: Snapshot, horizon: Horizon | None = None, *, seed: int = 0
    ) -> FittedLogNormalSpend:
        """Fit to the customers with a purchase."""
        del horizon, seed
        return self.fit_rfm(buyers_of(snapshot, self.features))

    def fit_rfm(self, rfm: RFM, *, seed: int = 0) -> FittedLogNormalSpend:
        """Fit to the rows with positive amounts.

        Raises
        ------
        NotEnoughDataError : no amounts, or none above zero
        EventSchemaError : of several purchases only the mean is known
        """
        del seed
        gain = None
        use_first = bool(self.use_first)
        if self.use_first is None:
            gain = _first_gain(rfm)
            use_first = gain is not None and gain[0] > 2 * gain[1]
        return _fitted(rfm, use_first=use_first, gain=gain)


def log_amounts(rfm: RFM, *, use_first: bool) -> tuple[AmountSums, Float[np.ndarray, " customers"]]:
    """Logarithms of the amounts that count, and the sum of these amounts.

    Raises
    ------
    NotEnoughDataError : there is no money
    EventSchemaError : of several purchases only the mean is known
    """
    if rfm.monetary_value is None:
        raise NotEnoughDataError(
            "the spend of purchases is not known: there is no monetary_value.\n"
            "To mend: add the column, or fit purchases only (spend=None)."
        )
    usable, positive = _usable(rfm), np.where(rfm.monetary_value > 0, rfm.monetary_value, 1.0)
    logs = rfm.logs
    if logs is None:
        if (rfm.frequency > 1).any():
            raise EventSchemaError(
                "log-normal spend reads the logarithm of every amount, and only the mean of "
                "several purchases is known.\nTo mend: give events; or the columns log_sum and "
                "log_square_sum (of the logarithms of the repeat purchases' amounts) in the RFM "
                "table; or use Gamma-Gamma, which reads means."
            )
        alone = np.log(positive) * usable
        logs = AmountSums(rfm.frequency, alone, alone**2)
    n = np.where(usable, logs.n, 0.0)
    total, squares = np.where(usable, logs.total, 0.0), np.where(usable, logs.squares, 0.0)
    money = np.where(usable, n * positive, 0.0)
    if use_first and rfm.first_amount is not None:
        known = np.isfinite(rfm.first_amount) & (rfm.first_amount > 0)
        first = np.where(known, rfm.first_amount, 1.0)
        n, total, squares = n + known, total + np.log(first), squares + np.log(first) ** 2
        money = money + np.where(known, first, 0.0)
    return AmountSums(n, total, squares), money


def _usable(rfm: RFM) -> Bool[np.ndarray, " customers"]:
    assert rfm.monetary_value is not None
    bought = (rfm.frequency > 0) & np.isfinite(rfm.monetary_value)
    return np.asarray(bought & (rfm.monetary_value > 0))


def _table(rfm: RFM, *, use_first: bool) -> Amounts:
    sums, money = log_amounts(rfm, use_first=use_first)
    return amounts_of(sums, money=money, weight=rfm.weights, logarithmic=True)


def _fitted(rfm: RFM, *, use_first: bool, gain: tuple[float, float] | None) -> FittedLogNormalSpend:
    table = _table(rfm, use_first=use_first)
    excluded = int(((rfm.frequency > 0) & ~_usable(rfm)).sum())
    warnings = []
    if excluded:
        warnings.append(
            f"{excluded} customers whose repeat purchases average zero or less were left out of "
            "the spend fit; they are predicted like customers without repeats"
        )
    if len(table) == 0:
        use_first = True
        table = _table(rfm, use_first=True)
        warnings.append("no repeat purchase has an amount: first purchases stand in for them")
    if len(table) == 0:
        raise NotEnoughDataError(
            f"none of {len(rfm)} customers has a purchase with an amount above zero.\n"
            "To mend: check the amount column, or fit purchases only (spend=None)."
        )
    pooled = float(table.weight @ table.money / (table.weight @ table.n))
    if table.all_equal:
        sentence = "all purchases cost the same: that amount is used for everybody"
        return FittedLogNormalSpend(
            None, use_first, pooled, excluded, gain, None, (*warnings, sentence)
        )
    table = table.rounded()
    report = maximum_likelihood(LogNormalLevelsLikelihood(), table)
    level, sigma, tau = report.parameters.values()
    prior = level * float(np.exp((sigma**2 + tau**2) / 2))
    if prior > 2 * pooled:
        warnings.append(
            f"a new customer's expected spend is {prior:.6g}, far above the mean amount of "
            f"{pooled:.6g}: amounts are less spread at the top than log-normal ones; Gamma-Gamma "
            "may suit them better"
        )
    independence = None
    if not report.penalised:
        independence = check_independence(LogNormalLevelsLikelihood(), report.theta, table, table.n)
    told = () if independence is None else independence.warnings
    return FittedLogNormalSpend(
        report,
        use_first,
        pooled,
        excluded,
        gain,
        independence,
        (*warnings, *report.warnings, *told),
    )


def _first_gain(rfm: RFM) -> tuple[float, float] | None:
    if rfm.first_amount is None or rfm.monetary_value is None:
        return None
    rows = _usable(rfm) & (np.nan_to_num(rfm.first_amount) > 0)
    pairs = rfm.take(rows)
    if float(pairs.weights.sum()) < FEWEST_TO_COMPARE:
        return None
    both = _table(pairs, use_first=True).rounded()
    repeats = _table(pairs, use_first=False).rounded()
    if both.all_equal or repeats.all_equal:
        return None
    only_first = replace(pairs, frequency=0.0 * pairs.frequency, logs=None)
    return first_gain(
        LogNormalLevelsLikelihood(),
        _table(rfm, use_first=True).rounded(),
        both=both,
        repeats=repeats,
        first=_table(only_first, use_first=True),
    )
