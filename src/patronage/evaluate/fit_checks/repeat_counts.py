"""How many customers bought again how often: counted, and as the model has it."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import chi2

from patronage.evaluate.fit_checks.alike import require_alike
from patronage.models.btyd.model import FittedBTYD
from patronage.snapshots import RFM

__all__ = ["RepeatCounts", "repeat_counts"]


@dataclass(frozen=True)
class RepeatCounts:
    """Counts, and how well they agree.

    Attributes
    ----------
    table : frequency (0 … n_max, the last "and more"), actual and expected customers
    chi_square, degrees, p_value : Pearson's test; a degree less for each parameter fitted
    """

    table: pl.DataFrame
    chi_square: float
    degrees: int
    p_value: float


def repeat_counts(fitted: FittedBTYD, rfm: RFM, *, n_max: int = 7) -> RepeatCounts:
    """Repeat purchases of the customers that a model was fitted to.

    A customer observed for T days is expected to show n of them with the probability that a new
    customer makes n purchases in T days; T is taken in whole days.
    """
    require_alike(fitted)
    T, which = np.unique(np.rint(rfm.T), return_inverse=True)
    customers = np.bincount(which, weights=rfm.weights, minlength=len(T))
    new = fitted.new_customer()
    expected = np.zeros(n_max + 1)
    for days, n in zip(T, customers, strict=True):
        pmf = new.pmf(float(days), n_max - 1)[0]
        expected += n * np.append(pmf, max(1.0 - pmf.sum(), 0.0))
    seen = np.minimum(rfm.frequency, n_max).astype(np.int64)
    actual = np.bincount(seen, weights=rfm.weights, minlength=n_max + 1)
    statistic = float(((actual - expected) ** 2 / np.maximum(expected, 1e-300)).sum())
    degrees = max(n_max - len(fitted.report.coefficients), 1)
    table = pl.DataFrame(
        {"frequency": np.arange(n_max + 1), "actual": actual, "expected": expected}
    )
    return RepeatCounts(table, statistic, degrees, float(chi2.sf(statistic, degrees)))
