"""Columns for learners that multiply: signed logarithms, standardised, beside what is missing."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Bool, Float, Float32

__all__ = ["Standardised", "learn_columns"]

# A column further than this from its mean is taken to be so far: a line has no other bound.
_FURTHEST: Final = 5.0
_ROWS_FOR_UNITS: Final = 20_000


@final
@dataclass(frozen=True)
class Standardised:
    """From a table to columns with mean 0 and deviation 1 on the rows that it was learned from.

    Attributes
    ----------
    unit : of each feature, its median size; below it a feature enters as it is, above as a log
    mean, deviation : of the signed logarithm sign(x) log(1 + |x| / unit), where there is one
    missing : features with a column of their own that says whether they are missing
    share_missing, spread_missing : mean and deviation of these columns
    """

    unit: Float[np.ndarray, " features"]
    mean: Float[np.ndarray, " features"]
    deviation: Float[np.ndarray, " features"]
    missing: Bool[np.ndarray, " features"]
    share_missing: Float[np.ndarray, " indicators"]
    spread_missing: Float[np.ndarray, " indicators"]

    def columns(
        self, matrix: Float32[np.ndarray, "rows features"]
    ) -> Float32[np.ndarray, "rows columns"]:
        """A missing feature is at its mean, and its indicator says so."""
        logs = _signed_log(matrix, self.unit)
        values = (logs - self.mean.astype(np.float32)) / self.deviation.astype(np.float32)
        values = np.clip(np.nan_to_num(values, copy=False, nan=0.0), -_FURTHEST, _FURTHEST)
        absent = np.isnan(matrix[:, self.missing]).astype(np.float32)
        absent = (absent - self.share_missing.astype(np.float32)) / self.spread_missing
        absent = np.clip(absent, -_FURTHEST, _FURTHEST)
        return np.concatenate([values, absent.astype(np.float32)], axis=1)


def learn_columns(matrix: Float32[np.ndarray, "rows features"]) -> Standardised:
    """Units, means and deviations of the rows; a feature that never differs stays at 0."""
    absent = np.isnan(matrix)
    n_known = np.maximum(len(matrix) - absent.sum(axis=0), 1)
    unit = np.ones(matrix.shape[1])
    # Why some: a unit need only be near what is usual.
    some = matrix[:: max(1, len(matrix) // _ROWS_FOR_UNITS)]
    for column in range(matrix.shape[1]):
        sizes = np.abs(some[:, column])
        sizes = sizes[sizes > 0]
        if len(sizes):
            unit[column] = float(np.median(sizes))
    logs = _signed_log(matrix, unit)
    logs[absent] = 0.0
    mean = logs.sum(axis=0, dtype=np.float64) / n_known
    logs -= mean.astype(np.float32)
    logs[absent] = 0.0
    variance = np.square(logs, out=logs).sum(axis=0, dtype=np.float64) / n_known
    deviation = np.sqrt(variance)
    share = absent.mean(axis=0)
    # Why not every feature: an indicator that is never, or always, true says nothing.
    missing = (share > 0) & (share < 1)
    kept = share[missing]
    return Standardised(
        unit,
        mean,
        np.where(deviation > 1e-6, deviation, 1.0),
        missing,
        kept,
        np.sqrt(kept * (1.0 - kept)),
    )


def _signed_log(
    matrix: Float32[np.ndarray, "rows features"], unit: Float[np.ndarray, " features"]
) -> Float32[np.ndarray, "rows features"]:
    return np.asarray(np.sign(matrix) * np.log1p(np.abs(matrix) / unit.astype(np.float32)))
