"""Models with covariates: who takes them, and whether they tell anything."""

from dataclasses import fields, replace
from typing import Any

from scipy.stats import chi2

from patronage.errors import SettingsError
from patronage.horizon import days_per
from patronage.models.btyd.model import AbstractBTYD
from patronage.models.btyd.spending import FittedSpend
from patronage.models.encoders.covariates import Covariates
from patronage.models.fitting.report import FitReport

__all__ = ["likelihood_ratios", "with_covariates"]


def with_covariates(model: Any, covariates: Covariates) -> Any:
    """The model with covariates; those of spend go to its spend model.

    Raises
    ------
    SettingsError : it takes none
    """
    if not isinstance(model, AbstractBTYD):
        return replace(_taking(model), covariates=covariates)
    spend = model.spend
    if covariates.spend:
        spend = replace(_taking(spend), covariates=covariates.only("spend"))
    acting = covariates.only("purchases", "dropout")
    return replace(model, spend=spend, covariates=acting if acting.formulas else None)


def _taking(model: Any) -> Any:
    if model is None or "covariates" not in {one.name for one in fields(model)}:
        raise SettingsError(
            f"{type(model).__name__} takes no covariates.\n"
            "To mend: choose a buy-till-you-die model or gamma_gamma; `patronage models` lists all."
        )
    return model


def likelihood_ratios(fitted: object, plain: object, *, unit: str) -> dict[str, Any]:
    """Of purchases and of spend: twice the gain in log-likelihood, χ² if no effect is real.

    The p-value is None where a penalty held effects back: the gain is then no such χ².
    """
    tests = {}
    without = _reports(plain, unit)
    for name, report in _reports(fitted, unit).items():
        bare = without.get(name)
        if bare is None or not report.effects:
            continue
        gain = 2 * (report.log_likelihood - bare.log_likelihood)
        n = len(report.effects)
        free = not (report.penalised or bare.penalised or report.has_prior)
        tests[name] = {
            "log_likelihood_without": bare.log_likelihood,
            "statistic": gain,
            "degrees_of_freedom": n,
            "p_value": float(chi2.sf(max(gain, 0.0), n)) if free else None,
        }
    return tests


def _reports(fitted: Any, unit: str) -> dict[str, FitReport]:
    if isinstance(fitted, FittedSpend):
        found = {"spend": fitted.report}
    else:
        spend = None if fitted.spend is None else fitted.spend.report
        found = {"purchases": fitted.report.in_unit(days_per(unit)), "spend": spend}
    return {name: report for name, report in found.items() if report is not None}
