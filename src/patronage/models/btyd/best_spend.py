"""Best spend: which model suits the amounts, by their likelihood, and that model fitted."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final, final

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr

from patronage.forecast.spend import AbstractSpend
from patronage.horizon import Horizon
from patronage.models.btyd.gamma_gamma import GammaGamma
from patronage.models.btyd.level_posterior import amounts_of
from patronage.models.btyd.log_normal_spend import LogNormalSpend, log_amounts
from patronage.models.btyd.spending import FittedSpend, buyers_of
from patronage.models.fitting.maximum_likelihood import FEW_CUSTOMERS, maximum_likelihood
from patronage.models.fitting.report import FitReport
from patronage.models.likelihoods.amounts import Amounts
from patronage.models.likelihoods.base import Likelihood
from patronage.models.likelihoods.gamma_gamma_amounts import GammaGammaAmountsLikelihood
from patronage.models.likelihoods.normal_levels import LogNormalLevelsLikelihood
from patronage.snapshots import RFM, Snapshot

__all__ = ["BestSpend", "FittedBestSpend", "SpendChoice", "choose_spend"]

_SURE: Final = 1.96
_MANY_FREE: Final = 0.005
# A spread of the logarithms of one customer's amounts at which these are the same each time.
_SAME: Final = 0.01


@final
@dataclass(frozen=True)
class SpendChoice:
    """Which model of a purchase's money suits these amounts.

    Attributes
    ----------
    model : name in the catalogue
    aic : of each model, lower is better; of the same amounts in the same currency
    vuong : log-normal against Gamma-Gamma, standard normal where both are equally near the truth;
        above 0 speaks for log-normal. None: not compared
    p_value : of both sides
    sentence : which, and why
    remarks : what these two models cannot say of these amounts
    """

    model: str
    aic: dict[str, float]
    vuong: float | None
    p_value: float | None
    sentence: str
    remarks: tuple[str, ...] = ()


def choose_spend(rfm: RFM) -> SpendChoice:
    """Compare Gamma-Gamma and log-normal spend on the amounts of repeat purchases.

    Both are densities of every single amount with three parameters (a density of means could not
    be compared), so that the difference of AIC is twice that of log-likelihoods. It is tested over
    customers (Vuong 1989, Likelihood ratio tests for model selection and non-nested hypotheses);
    where the test cannot tell, Gamma-Gamma is taken.

    Raises
    ------
    NotEnoughDataError : there is no money
    EventSchemaError : of several purchases only the mean is known
    """
    sums, money = log_amounts(rfm, use_first=False)
    table = amounts_of(sums, money=money, weight=rfm.weights, logarithmic=True)
    remarks = _remarks(rfm)
    n = float(table.weight.sum())
    if n < FEW_CUSTOMERS or table.all_equal or table.spread_within < _SAME:
        sentence = (
            f"Gamma-Gamma: {n:.0f} customers with repeat purchases"
            f"{'' if n < FEW_CUSTOMERS else ' of the same amount each'} do not tell models apart"
        )
        return SpendChoice("gamma_gamma", {}, None, None, sentence, remarks)
    likelihoods: dict[str, Likelihood[Amounts]] = {
        "gamma_gamma": GammaGammaAmountsLikelihood(),
        "log_normal_spend": LogNormalLevelsLikelihood(),
    }
    reports = {name: maximum_likelihood(one, table) for name, one in likelihoods.items()}
    aic = {name: 6.0 - 2.0 * report.log_likelihood for name, report in reports.items()}
    gamma, log_normal = (
        one.log_likelihood(reports[name].theta, table) for name, one in likelihoods.items()
    )
    z = _vuong(log_normal - gamma, table.weight)
    better = aic["log_normal_spend"] < aic["gamma_gamma"]
    model = "log_normal_spend" if better and z > _SURE else "gamma_gamma"
    gap = abs(aic["log_normal_spend"] - aic["gamma_gamma"])
    sure = abs(z) > _SURE
    word = {"log_normal_spend": "log-normal", "gamma_gamma": "Gamma-Gamma"}[model]
    why = (
        f"the amounts of {n:.0f} customers are more likely under it (AIC lower by {gap:.0f}; "
        f"Vuong z = {abs(z):.1f})"
        if sure
        else f"the amounts of {n:.0f} customers do not tell it and log-normal apart "
        f"(AIC {gap:.0f} {'higher' if better else 'lower'}, Vuong z = {abs(z):.1f})"
    )
    return SpendChoice(model, aic, z, 2 * float(ndtr(-abs(z))), f"{word}: {why}", remarks)


def _vuong(gain: Float[np.ndarray, " rows"], weight: Float[np.ndarray, " rows"]) -> float:
    """Sum of the gains by its standard error; models with as many parameters need no correction."""
    total, n = float(weight @ gain), float(weight.sum())
    spread = float(np.sqrt(weight @ (gain - total / n) ** 2))
    return total / spread if spread > 1e-9 * n else 0.0


def _remarks(rfm: RFM) -> tuple[str, ...]:
    found = []
    free = 0.0 if rfm.free is None else float(rfm.weights @ rfm.free)
    share = free / max(free + float(rfm.weights @ rfm.frequency), 1.0)
    if share >= _MANY_FREE:
        found.append(
            f"{100 * share:.1f} % of repeat purchases cost nothing and are not counted; "
            "ZeroInflatedSpend counts them"
        )
    if rfm.nets is not None and (rfm.nets.total < 0).any():
        found.append(
            f"{int((rfm.nets.total < 0).sum())} customers have given back more than they spent; "
            "NormalSpend knows net money below zero"
        )
    return tuple(found)


@final
@dataclass(frozen=True)
class FittedBestSpend:
    """The model chosen, and why.

    Attributes
    ----------
    fitted : the model chosen
    choice : why
    """

    fitted: FittedSpend
    choice: SpendChoice

    @property
    def name(self) -> str:
        return self.fitted.name

    @property
    def features(self) -> tuple[str, ...]:
        return self.fitted.features

    @property
    def is_net(self) -> bool:
        return self.fitted.is_net

    @property
    def report(self) -> FitReport | None:
        return self.fitted.report

    @property
    def warnings(self) -> tuple[str, ...]:
        return (*self.fitted.warnings, *self.choice.remarks)

    @property
    def facts(self) -> Mapping[str, Any]:
        return {**self.fitted.facts, "choice": asdict(self.choice)}

    def spend(self, rfm: RFM) -> AbstractSpend:
        return self.fitted.spend(rfm)

    def mean_gradient(self, rfm: RFM) -> Float[np.ndarray, "customers k"]:
        return self.fitted.mean_gradient(rfm)

    @property
    def mean_root(self) -> Float[np.ndarray, "k k"]:
        return self.fitted.mean_root


@final
@dataclass(frozen=True)
class BestSpend:
    """No settings: Gamma-Gamma or log-normal, as the amounts say (`choose_spend`)."""

    features: ClassVar[tuple[str, ...]] = ("amounts", "nets", "free")
    counts_free: ClassVar[bool] = False

    def fit(
        self, snapshot: Snapshot, horizon: Horizon | None = None, *, seed: int = 0
    ) -> FittedBestSpend:
        """Choose and fit on the customers with a purchase."""
        del horizon, seed
        return self.fit_rfm(buyers_of(snapshot, self.features))

    def fit_rfm(self, rfm: RFM, *, seed: int = 0) -> FittedBestSpend:
        """Choose on the amounts of repeat purchases, and fit what is chosen.

        Raises
        ------
        NotEnoughDataError : no amounts, or none above zero
        EventSchemaError : of several purchases only the mean is known
        """
        choice = choose_spend(rfm)
        chosen = LogNormalSpend() if choice.model == "log_normal_spend" else GammaGamma()
        return FittedBestSpend(chosen.fit_rfm(rfm, seed=seed), choice)
