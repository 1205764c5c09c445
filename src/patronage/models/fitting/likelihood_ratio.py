"""Whether a simpler model suffices: the likelihood-ratio test of two fits to the same rows."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from scipy.stats import chi2

from patronage.errors import SettingsError
from patronage.models.fitting.report import FitReport

__all__ = ["LikelihoodRatio", "against_nested", "likelihood_ratio", "same_data"]


@dataclass(frozen=True)
class LikelihoodRatio:
    """Attributes

    statistic : 2 × the gain in log-likelihood
    degrees : parameters that the gain costs
    p_value : of χ² with these degrees
    """

    statistic: float
    degrees: int
    p_value: float


def same_data(*reports: FitReport) -> bool:
    """As far as reports tell: as many customers, and as many repeat purchases."""
    return len({(r.n_customers, round(r.unit_power, 6)) for r in reports}) == 1


def likelihood_ratio(whole: FitReport, nested: FitReport) -> LikelihoodRatio:
    """Test `nested`, a special case of `whole`, against it.

    A simpler model often lies at the edge of the larger one's parameters (no dropout at all); the
    p-value is then too large, about twofold for each such parameter (Self & Liang 1987).
    """
    degrees = len(whole.coefficients) - len(nested.coefficients)
    if degrees < 1 or not same_data(whole, nested):
        raise SettingsError(
            f"a nested model has fewer parameters and the same data: {len(nested.coefficients)} "
            f"parameters on {nested.n_customers} customers against {len(whole.coefficients)} on "
            f"{whole.n_customers} given.\nTo mend: give the larger model first, both fitted to the "
            "same table."
        )
    statistic = max(2 * (whole.log_likelihood - nested.log_likelihood), 0.0)
    return LikelihoodRatio(statistic, degrees, float(chi2.sf(statistic, degrees)))


def against_nested(report: FitReport, fit_nested: Callable[[str], FitReport | None]) -> FitReport:
    """The report with the test against the simpler model that it points to, said in its warnings.

    fit_nested : name → its fit to the same table; None where there is no such model
    """
    for name in (report.nested or "").split(" + "):
        simpler = fit_nested(name) if name else None
        if simpler is None or not same_data(report, simpler):
            continue
        if len(simpler.coefficients) >= len(report.coefficients):
            continue
        test = likelihood_ratio(report, simpler)
        sentence = (
            f"{name}, with {test.degrees} parameter{'s' * (test.degrees > 1)} fewer, reaches a "
            f"log-likelihood of {simpler.log_likelihood:.3f} against {report.log_likelihood:.3f} "
            "(times in days): "
            f"likelihood ratio {test.statistic:.3g}, p = {test.p_value:.2g}"
        )
        return replace(
            report,
            nested_lr=test.statistic,
            nested_p_value=test.p_value,
            warnings=(*report.warnings, sentence),
        )
    return report
