"""Gamma-Gamma: what a purchase of each customer is worth, whatever the number of purchases."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Float

from patronage.errors import NotEnoughDataError
from patronage.forecast.spend import GammaGammaSpend
from patronage.horizon import Horizon
from patronage.models.fitting.maximum_likelihood import maximum_likelihood
from patronage.models.fitting.report import FitReport
from patronage.models.likelihoods.gamma_gamma import GammaGammaLikelihood, Spends, log_likelihood
from patronage.snapshots import RFM, Snapshot

__all__ = ["FittedGammaGamma", "GammaGamma"]

# A shape at which a gamma distribution is a fixed number for every purpose.
_FIXED: Final = 1e6
_FEWEST_TO_COMPARE: Final = 100


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
    """

    report: FitReport | None
    use_first: bool
    pooled_mean: float
    pooled_shape: float
    n_excluded: int
    first_gain: tuple[float, float] | None
    warnings: tuple[str, ...]

    def spend(self, rfm: RFM) -> GammaGammaSpend:
        """Money per purchase of each customer, given the purchases seen."""
        if self.report is None:
            scale = self.pooled_mean * (_FIXED - 1) / self.pooled_shape
            rows = np.ones(len(rfm))
            return GammaGammaSpend(self.pooled_shape, _FIXED * rows, scale * rows)
        n, mean = _observed(rfm, use_first=self.use_first)
        p, q, gamma = self.report.parameters.values()
        return GammaGammaSpend(p, q + p * n, gamma + n * mean)

    def mean_gradient(self, rfm: RFM) -> Float[np.ndarray, "customers k"]:
        """Derivatives of the expected spend with respect to ln (p, q, gamma); none if pooled."""
        if self.report is None:
            return np.empty((len(rfm), 0))
        n, _ = _observed(rfm, use_first=self.use_first)
        p, q, gamma = self.report.parameters.values()
        spend = self.spend(rfm)
        mean, left = spend.mean(), spend.shape - 1
        return np.column_stack(
            [mean * (1 - p * n / left), -mean * q / left, mean * gamma / spend.scale]
        )

    @property
    def mean_root(self) -> Float[np.ndarray, "k k"]:
        """Cholesky factor of the covariance of ln (p, q, gamma); empty if pooled."""
        if self.report is None:
            return np.empty((0, 0))
        return np.linalg.cholesky(self.report.covariance)


@final
@dataclass(frozen=True)
class GammaGamma:
    """Settings of the Gamma-Gamma model.

    Attributes
    ----------
    use_first : whether the amount of the first purchase enters, so that n = frequency + 1. None
        decides by evidence: yes, if the amounts of repeat purchases are more likely (by more than
        two standard errors over customers) given the first purchase's amount than without it.
    """

    use_first: bool | None = None

    def fit(
        self, snapshot: Snapshot, horizon: Horizon | None = None, *, seed: int = 0
    ) -> FittedGammaGamma:
        """Fit to the customers with a purchase."""
        del horizon, seed
        return self.fit_rfm(snapshot.rfm().take(snapshot.customers["is_buyer"].to_numpy()))

    def fit_rfm(self, rfm: RFM) -> FittedGammaGamma:
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
        return _fitted(rfm, use_first=use_first, first_gain=gain)


def _observed(
    rfm: RFM, *, use_first: bool
) -> tuple[Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
    """Number of purchases whose amounts count, and their mean; 0 and 0 where there is none."""
    assert rfm.monetary_value is not None
    usable = (rfm.frequency > 0) & np.isfinite(rfm.monetary_value) & (rfm.monetary_value > 0)
    n = np.where(usable, rfm.frequency, 0.0)
    money = n * np.where(usable, rfm.monetary_value, 0.0)
    if use_first and rfm.first_amount is not None:
        has_first = np.isfinite(rfm.first_amount) & (rfm.first_amount > 0)
        n = n + has_first
        money = money + np.where(has_first, rfm.first_amount, 0.0)
    return n, money / np.maximum(n, 1)


def _fitted(
    rfm: RFM, *, use_first: bool, first_gain: tuple[float, float] | None
) -> FittedGammaGamma:
    assert rfm.monetary_value is not None
    n, mean = _observed(rfm, use_first=use_first)
    seen = n > 0
    excluded = (rfm.frequency > 0) & ~(rfm.monetary_value > 0)
    warnings = []
    if excluded.any():
        warnings.append(
            f"{int(excluded.sum())} customers whose repeat purchases average zero or less were "
            "left out of the spend fit; they are predicted like customers without repeats"
        )
    if not seen.any() and not use_first and rfm.first_amount is not None:
        n, mean = _observed(rfm, use_first=True)
        seen = n > 0
        warnings.append("no repeat purchase has an amount: first purchases stand in for them")
    if not seen.any():
        raise NotEnoughDataError(
            f"none of {len(rfm)} customers has a purchase with an amount above zero.\n"
            "To mend: check the amount column, or fit purchases only (spend=None)."
        )
    table = Spends(n[seen], mean[seen], rfm.weights[seen])
    counts = table.weight * table.n
    pooled = float(counts @ table.mean / counts.sum())
    # The squared coefficient of variation of one purchase, if all customers were alike.
    spread = float(counts @ (table.mean / pooled - 1) ** 2 / table.weight.sum())
    pooled_shape = min(max(1 / max(spread, 1 / _FIXED), 0.05), _FIXED)

    def pooled_only(sentence: str) -> FittedGammaGamma:
        return FittedGammaGamma(
            None,
            use_first,
            pooled,
            pooled_shape,
            int(excluded.sum()),
            first_gain,
            (*warnings, sentence),
        )

    if float(np.ptp(table.mean)) <= 1e-9 * pooled:
        return pooled_only(
            "all customers spend the same per purchase: that amount is used for everybody"
        )
    if not use_first and not (rfm.frequency[rfm.monetary_value > 0] > 0).any():
        return pooled_only("the mean amount of first purchases is used for everybody")
    report = maximum_likelihood(GammaGammaLikelihood(), table)
    p, q, gamma = report.parameters.values()
    if q <= 1:
        return pooled_only(
            f"the Gamma-Gamma fit has q = {q:.3g}, so that the expected spend would be infinite "
            "(a few customers spend without measure): the mean amount of all purchases is used "
            "for everybody; look for wrong amounts or business customers, and fit these apart"
        )
    prior = p * gamma / (q - 1)
    if prior > 2 * pooled:
        warnings.append(
            f"a new customer's expected spend is {prior:.6g}, far above the mean amount of "
            f"{pooled:.6g}: amounts are heavy-tailed (q = {q:.3g}); look for wrong amounts"
        )
    return FittedGammaGamma(
        report,
        use_first,
        pooled,
        pooled_shape,
        int(excluded.sum()),
        first_gain,
        (*warnings, *report.warnings),
    )


def _first_gain(rfm: RFM) -> tuple[float, float] | None:
    """How much more likely repeat amounts are when the first amount is known.

    The same data, the repeat purchases of customers who have any, under two models with three
    parameters each: without the first amount, at the parameters that suit these data best; and
    given it, ν | first ~ Gamma(q + p, γ + first), at the parameters of all purchases together,
    which were not chosen for it. A bias, if any, is thus against using the first amount. The
    standard error is that of a sum of independent differences (Vuong 1989).
    """
    if rfm.first_amount is None or rfm.monetary_value is None:
        return None
    z, first, x = rfm.monetary_value, rfm.first_amount, rfm.frequency
    both = (x > 0) & (z > 0) & np.isfinite(z) & (first > 0) & np.isfinite(first)
    if float(rfm.weights[both].sum()) < _FEWEST_TO_COMPARE:
        return None
    n, mean = _observed(rfm, use_first=True)
    if float(np.ptp(mean[n > 0])) <= 1e-9 * float(mean.max()):
        return None
    alone = Spends(x[both], z[both], rfm.weights[both])
    if float(np.ptp(alone.mean)) <= 1e-9 * float(alone.mean.max()):
        return None
    likelihood = GammaGammaLikelihood()
    without = maximum_likelihood(likelihood, alone)
    together = maximum_likelihood(likelihood, Spends(n[n > 0], mean[n > 0], rfm.weights[n > 0]))
    p, q, gamma = together.parameters.values()
    p_0, q_0, gamma_0 = without.parameters.values()
    gain = log_likelihood(p, q + p, gamma + first[both], x[both], z[both])
    gain = gain - log_likelihood(p_0, q_0, gamma_0, x[both], z[both])
    weight = rfm.weights[both]
    total = float(weight @ gain)
    variance = float(weight @ (gain - total / weight.sum()) ** 2)
    return total, float(np.sqrt(variance))
