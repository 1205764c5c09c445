"""Gamma-Gamma: what a purchase of each customer is worth, whatever the number of purchases."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, final

import numpy as np
from jaxtyping import Float

from patronage.errors import NotEnoughDataError
from patronage.forecast.spend import GammaGammaSpend
from patronage.horizon import Horizon
from patronage.models.btyd.first_amount import FEWEST_TO_COMPARE, first_gain
from patronage.models.btyd.independence import Independence, check_independence
from patronage.models.btyd.spending import buyers_of
from patronage.models.encoders.covariates import Covariates, FittedCovariates
from patronage.models.fitting.estimation import estimate
from patronage.models.fitting.posterior import Posterior, Uncertainty
from patronage.models.fitting.priors import Prior
from patronage.models.fitting.report import FitReport
from patronage.models.fitting.with_covariates import fit_with_covariates
from patronage.models.likelihoods.gamma_gamma import GammaGammaLikelihood, Spends
from patronage.snapshots import RFM, Snapshot, attribute_source

__all__ = ["FittedGammaGamma", "GammaGamma"]

# A shape at which a gamma distribution is a fixed number for every purpose.
_FIXED: Final = 1e6


@final
@dataclass(frozen=True)
class FittedGammaGamma:
    """The population's spend, and how to read a customer's own.

    Attributes
    ----------
    report : the fit; None where the pooled mean is used instead
    use_first : whether the first purchase's amount counts as an observation
    pooled_mean : money per purchase over all purchases fitted
    pooled_shape : where pooled, the shape of the one gamma distribution of all purchases
    n_excluded : customers left out of the fit for amounts of zero or less
    first_gain : gain in log-likelihood of the repeat purchases' amounts from knowing the first
        purchase's, and its standard error; None where it was not looked at
    warnings : sentences that say what is doubtful and what to do about it
    covariates : how they shift the mean spend; None: they do not
    posterior : draws of ln (p, q, gamma), where they were asked for
    independence : of the number of purchases; None where it could not be tested
    """

    report: FitReport | None
    use_first: bool
    pooled_mean: float
    pooled_shape: float
    n_excluded: int
    first_gain: tuple[float, float] | None
    warnings: tuple[str, ...]
    covariates: FittedCovariates | None = None
    posterior: Posterior | None = None
    independence: Independence | None = None

    name: ClassVar[str] = "gamma_gamma"
    features: ClassVar[tuple[str, ...]] = ()
    is_net: ClassVar[bool] = False

    @property
    def facts(self) -> Mapping[str, Any]:
        """The mean of a purchase, whether the first counts, how many were left out, and whether
        spend depends on purchases.
        """
        return {
            "mean": self.pooled_mean,
            "use_first": self.use_first,
            "n_excluded": self.n_excluded,
            **({} if self.covariates is None else self.covariates.facts),
            "independence": None if self.independence is None else self.independence.facts,
        }

    def spend(self, rfm: RFM) -> GammaGammaSpend:
        """Money per purchase of each customer, given the purchases seen."""
        if self.report is None:
            scale = self.pooled_mean * (_FIXED - 1) / self.pooled_shape
            rows = np.ones(len(rfm))
            return GammaGammaSpend(self.pooled_shape, _FIXED * rows, scale * rows)
        seen = _observed(rfm, use_first=self.use_first)
        p, q, gamma = self._parameters(self.report, rfm)
        return GammaGammaSpend(p, q + p * seen.purchases, gamma + seen.money)

    def mean_gradient(self, rfm: RFM) -> Float[np.ndarray, "customers k"]:
        """Derivatives of the expected spend with respect to ln (p, q, gamma) and the effects.

        None if pooled.
        """
        if self.report is None:
            return np.empty((len(rfm), 0))
        seen = _observed(rfm, use_first=self.use_first)
        p, q, gamma = self._parameters(self.report, rfm)
        spend, n = self.spend(rfm), seen.purchases
        mean, left = spend.mean(), spend.shape - 1
        slopes = np.column_stack(
            [mean * (1 - p * n / left), -mean * q / left, mean * gamma / spend.scale]
        )
        if self.covariates is None:
            return slopes
        design = self.covariates.matrix(rfm.covariates, len(rfm))
        return self.covariates.encoder.gradient_of(GammaGammaLikelihood(), slopes, design)

    @property
    def mean_root(self) -> Float[np.ndarray, "k k"]:
        """Cholesky factor of the covariance of ln (p, q, gamma); empty if pooled."""
        if self.report is None:
            return np.empty((0, 0))
        known = self.report if self.posterior is None else self.posterior
        return np.linalg.cholesky(known.covariance)

    def _parameters(
        self, report: FitReport, rfm: RFM
    ) -> tuple[float, float, float | Float[np.ndarray, " customers"]]:
        """p and q of all customers, and gamma, which covariates make each customer's own."""
        p, q, gamma = report.parameters.values()
        if self.covariates is None:
            return p, q, gamma
        design = self.covariates.matrix(rfm.covariates, len(rfm))
        theta = self.covariates.encoder.theta_of(
            GammaGammaLikelihood(), report.coefficients, design
        )
        return p, q, np.exp(theta[:, 2])


@final
@dataclass(frozen=True)
class GammaGamma:
    """Settings of the Gamma-Gamma model.

    Attributes
    ----------
    use_first : whether the amount of the first purchase enters, so that n = frequency + 1. None
        decides by evidence: yes, if the amounts of repeat purchases are more likely (by more than
        two standard errors over customers) given the first purchase's amount than without it.
    prior : beliefs about p, q and gamma; None: maximum likelihood
    uncertainty : how a posterior is drawn (`draw_posterior`); None: standard errors alone
    covariates : what of a customer's attributes acts on the mean spend: a formula, or
        Covariates(spend=…) with a penalty; "": nothing
    """

    use_first: bool | None = None
    prior: Prior | None = None
    uncertainty: Uncertainty | None = None
    covariates: str | Covariates = ""

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the covariates."""
        return self.acting.reads

    @property
    def acting(self) -> Covariates:
        """The settings of the covariates."""
        given = self.covariates
        return given if isinstance(given, Covariates) else Covariates(spend=given)

    features: ClassVar[tuple[str, ...]] = ()
    counts_free: ClassVar[bool] = False

    def fit(
        self, snapshot: Snapshot, horizon: Horizon | None = None, *, seed: int = 0
    ) -> FittedGammaGamma:
        """Fit to the customers with a purchase."""
        del horizon
        attributes = [attribute_source(snapshot.events, name) for name in self.reads]
        return self.fit_rfm(buyers_of(snapshot, attributes), seed=seed)

    def fit_rfm(self, rfm: RFM, *, seed: int = 0) -> FittedGammaGamma:
        """Fit to the rows with positive amounts.

        Raises
        ------
        NotEnoughDataError : no amounts, or none above zero
        """
        if rfm.monetary_value is None:
            raise NotEnoughDataError(
                "the spend of purchases is not known: there is no monetary_value.\n"
                "To mend: add the column, or fit purchases only (spend=None)."
            )
        gain = None
        use_first = bool(self.use_first)
        if self.use_first is None:
            gain = _first_gain(rfm)
            use_first = gain is not None and gain[0] > 2 * gain[1]
        return _fitted(self, rfm, use_first=use_first, gain=gain, seed=seed)


def _observed(rfm: RFM, *, use_first: bool) -> Spends:
    """The amounts that count, a row per customer; n and first are 0 where there are none."""
    assert rfm.monetary_value is not None
    usable = (rfm.frequency > 0) & np.isfinite(rfm.monetary_value) & (rfm.monetary_value > 0)
    n = np.where(usable, rfm.frequency, 0.0)
    mean = np.where(usable, rfm.monetary_value, 0.0)
    first = np.zeros_like(n)
    if use_first and rfm.first_amount is not None:
        known = np.isfinite(rfm.first_amount) & (rfm.first_amount > 0)
        first = np.where(known, rfm.first_amount, 0.0)
    return Spends(n, mean, rfm.weights, first)


def _fitted(
    settings: GammaGamma,
    rfm: RFM,
    *,
    use_first: bool,
    gain: tuple[float, float] | None,
    seed: int,
) -> FittedGammaGamma:
    assert rfm.monetary_value is not None
    table = _observed(rfm, use_first=use_first)
    excluded = (rfm.frequency > 0) & ~(rfm.monetary_value > 0)
    warnings = []
    if excluded.any():
        warnings.append(
            f"{int(excluded.sum())} customers whose repeat purchases average zero or less were "
            "left out of the spend fit; they are predicted like customers without repeats"
        )
    only_first = not (table.purchases > 0).any()
    if only_first:
        table = _observed(rfm, use_first=True)
    spenders = table.purchases > 0
    table = table.take(spenders)
    if len(table.n) == 0:
        raise NotEnoughDataError(
            f"none of {len(rfm)} customers has a purchase with an amount above zero.\n"
            "To mend: check the amount column, or fit purchases only (spend=None)."
        )
    counts, means = table.weight * table.purchases, table.money / table.purchases
    pooled = float(table.weight @ table.money / counts.sum())
    # The squared coefficient of variation of one purchase, if all customers were alike.
    spread = float(counts @ (means / pooled - 1) ** 2 / table.weight.sum())
    pooled_shape = min(max(1 / max(spread, 1 / _FIXED), 0.05), _FIXED)

    def pooled_only(sentence: str) -> FittedGammaGamma:
        return FittedGammaGamma(
            None,
            use_first,
            pooled,
            pooled_shape,
            int(excluded.sum()),
            gain,
            (*warnings, sentence),
        )

    if table.all_equal:
        return pooled_only(
            "all customers spend the same per purchase: that amount is used for everybody"
        )
    if only_first:
        return pooled_only(
            "no repeat purchase has an amount: the mean of first purchases is used for everybody"
        )
    likelihood, covariates = GammaGammaLikelihood(), None
    how: dict[str, Any] = {
        "prior": settings.prior,
        "uncertainty": settings.uncertainty,
        "seed": seed,
    }
    if settings.acting.formulas:
        beside = rfm.take(spenders).covariates
        report, covariates, posterior = fit_with_covariates(
            likelihood, table, beside, settings.acting, **how
        )
    else:
        report, posterior = estimate(likelihood, table, **how)
    p, q, gamma = report.parameters.values()
    if q <= 1:
        return pooled_only(
            f"the Gamma-Gamma fit has q = {q:.3g}, so that the expected spend would be infinite "
            "(a few customers spend without measure): the mean amount of all purchases is used "
            "for everybody; look for wrong amounts or business customers, and fit these apart"
        )
    prior = p * gamma / (q - 1)
    if covariates is None and prior > 2 * pooled:
        warnings.append(
            f"a new customer's expected spend is {prior:.6g}, far above the mean amount of "
            f"{pooled:.6g}: amounts are heavy-tailed (q = {q:.3g}); look for wrong amounts"
        )
    independence = None
    # Where covariates act, customers differ by more than their own level.
    if covariates is None and not report.penalised:
        independence = check_independence(likelihood, report.theta, table, table.purchases)
    told = () if independence is None else independence.warnings
    return FittedGammaGamma(
        report,
        use_first,
        pooled,
        pooled_shape,
        int(excluded.sum()),
        gain,
        (*warnings, *report.warnings, *told),
        covariates,
        posterior,
        independence,
    )


def _first_gain(rfm: RFM) -> tuple[float, float] | None:
    """See `first_gain`; None where there is too little to tell."""
    if rfm.first_amount is None or rfm.monetary_value is None:
        return None
    together = _observed(rfm, use_first=True)
    pairs = together.take((together.n > 0) & (together.first > 0))
    together = together.take(together.purchases > 0)
    alone = Spends.of_means(pairs.n, pairs.mean, pairs.weight)
    if float(pairs.weight.sum()) < FEWEST_TO_COMPARE or together.all_equal or alone.all_equal:
        return None
    first = Spends.of_means(np.ones_like(pairs.n), pairs.first, pairs.weight)
    return first_gain(GammaGammaLikelihood(), together, both=pairs, repeats=alone, first=first)
