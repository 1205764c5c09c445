"""Which of several fits to the same customers: AIC, BIC, and likelihood ratios where nested."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl

from patronage.errors import SettingsError
from patronage.models.btyd.model import FittedBTYD
from patronage.models.fitting.likelihood_ratio import likelihood_ratio, same_data

__all__ = ["compare_fits"]

_TEST: Final = ("nested", "lr", "lr_degrees", "lr_p_value")


def compare_fits(fits: Mapping[str, FittedBTYD]) -> pl.DataFrame:
    """The best by AIC first.

    Parameters
    ----------
    fits : name in the catalogue → fit, all to the same customers

    Returns
    -------
    model, n_parameters, log_likelihood (times in days), aic, bic, delta_aic (above the best);
    nested (the best of the compared models that this one contains), lr, lr_degrees, lr_p_value
    (null where there is none): a small p-value says that the simpler model does not suffice

    Raises
    ------
    SettingsError : nothing to compare, or fits to different data
    """
    reports = {name: fitted.report for name, fitted in fits.items()}
    if not same_data(*reports.values()):
        raise SettingsError(
            f"fits to different customers cannot be compared; {list(fits)} were fitted to "
            f"{[report.n_customers for report in reports.values()]}.\n"
            "To mend: fit each model to the same snapshot or RFM table."
        )
    rows = []
    for name, report in reports.items():
        k, value = len(report.coefficients), report.log_likelihood
        inside = [other for other in _inside(name, fits, ()) if other in fits]
        best = max(inside, key=lambda other: reports[other].log_likelihood, default=None)
        test = None if best is None else likelihood_ratio(report, reports[best])
        rows.append(
            {
                "model": name,
                "n_parameters": k,
                "log_likelihood": value,
                "aic": 2 * k - 2 * value,
                "bic": k * float(np.log(report.n_customers)) - 2 * value,
                "nested": best,
                "lr": None if test is None else test.statistic,
                "lr_degrees": None if test is None else test.degrees,
                "lr_p_value": None if test is None else test.p_value,
            }
        )
    kinds = {
        "nested": pl.String,
        "lr": pl.Float64,
        "lr_degrees": pl.Int64,
        "lr_p_value": pl.Float64,
    }
    table = pl.DataFrame(rows, schema_overrides=kinds).sort("aic")
    delta = (pl.col("aic") - pl.col("aic").min()).alias("delta_aic")
    return table.select("model", "n_parameters", "log_likelihood", "aic", "bic", delta, *kinds)


def _inside(name: str, fits: Mapping[str, FittedBTYD], seen: tuple[str, ...]) -> list[str]:
    """The models at the edges of this one's parameters, and at the edges of those."""
    found: list[str] = []
    if name not in fits or name in seen:
        return found
    for limit in fits[name].process.likelihood.limits:
        if limit.nested not in found and limit.nested != name:
            found += [limit.nested, *_inside(limit.nested, fits, (*seen, name))]
    return list(dict.fromkeys(found))
