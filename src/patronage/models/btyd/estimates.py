"""What a fitted buy-till-you-die model estimated, in the unit of time a reader asks for."""

from dataclasses import asdict, fields, is_dataclass
from typing import Any, Protocol, runtime_checkable

from patronage.horizon import days_per
from patronage.models.btyd.correlated import FittedCorrelated
from patronage.models.btyd.spending import FittedSpend
from patronage.models.encoders.covariates import FittedCovariates
from patronage.models.fitting.posterior import Posterior
from patronage.models.fitting.report import FitReport

__all__ = ["estimates"]


@runtime_checkable
class _Reported(Protocol):
    report: FitReport | None


def estimates(fitted: object, *, unit: str) -> dict[str, Any] | None:
    """Parameters, standard errors and log-likelihood, ready for JSON; None for other models.

    Times are in `unit`, and so is the log-likelihood; a spend model stands under "spend", in the
    currency of the data, and the correlation of both, where one is modelled, under "correlation".
    """
    if isinstance(fitted, FittedSpend):
        return _spend(fitted)
    if not isinstance(fitted, _Reported) or fitted.report is None:
        return None
    told = _told(fitted.report.in_unit(days_per(unit))) | _drawn(fitted, days_per(unit))
    told["warnings"] = _warnings(fitted, told["warnings"])
    process = getattr(fitted, "process", None)
    if is_dataclass(process) and fields(process):
        # What was set, or chosen by likelihood: k of regular timing, the period of opportunities.
        told["settings"] = {
            field.name: getattr(process, field.name)
            for field in fields(process)
            if isinstance(getattr(process, field.name), str | int | float)
        }
    covariates = getattr(fitted, "covariates", None)
    if isinstance(covariates, FittedCovariates):
        told |= covariates.facts
    spend = getattr(fitted, "spend", None)
    if spend is not None:
        told["spend"] = _spend(spend)
        told["warnings"] = [*told["warnings"], *told["spend"]["warnings"]]
    if isinstance(fitted, FittedCorrelated):
        told["correlation"] = None if fitted.sarmanov is None else fitted.sarmanov.facts
        more = () if fitted.sarmanov is None else fitted.sarmanov.warnings
        told["warnings"] = [*told["warnings"], *more]
    return told


def _spend(fitted: FittedSpend) -> dict[str, Any]:
    told = {} if fitted.report is None else _told(fitted.report) | _drawn(fitted, 1.0)
    warnings = _warnings(fitted, [*told.get("warnings", []), *fitted.warnings])
    return {
        "model": fitted.name,
        "parameters": {},
        "standard_errors": {},
        "log_likelihood": None,
        **told,
        **fitted.facts,
        "warnings": list(dict.fromkeys(warnings)),
    }


def _told(report: FitReport) -> dict[str, Any]:
    facts = asdict(report)
    for name in ("covariance", "unit_bearing", "unit_power"):
        del facts[name]
    return {**facts, "warnings": list(report.warnings)}


def _drawn(fitted: object, unit: float) -> dict[str, Any]:
    """The posterior's summary, where there is a posterior."""
    posterior: Posterior | None = getattr(fitted, "posterior", None)
    return {} if posterior is None else {"posterior": posterior.summary(unit)}


def _warnings(fitted: object, known: list[str]) -> list[str]:
    posterior: Posterior | None = getattr(fitted, "posterior", None)
    return known if posterior is None else [*known, *posterior.warnings]
