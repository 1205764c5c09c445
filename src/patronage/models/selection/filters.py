"""What columns tell by themselves: nothing, what another tells, or something else every year."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Float32, Int
from scipy.stats import rankdata

__all__ = ["Twins", "find_twins", "is_constant", "stability"]


@dataclass(frozen=True)
class Twins:
    """Of each feature, the earliest one that tells the same.

    Attributes
    ----------
    of : index of the feature that is kept instead; −1 where none is
    rho : Spearman's ρ with it; 0 where there is none
    """

    of: Int[np.ndarray, " features"]
    rho: Float[np.ndarray, " features"]


def is_constant(matrix: Float32[np.ndarray, "rows features"]) -> Bool[np.ndarray, " features"]:
    """Features with one value, or none, in every row; being missing is a value too."""
    first = matrix[:1]
    same = (matrix == first) | (np.isnan(matrix) & np.isnan(first))
    return np.asarray(same.all(axis=0))


def find_twins(matrix: Float32[np.ndarray, "rows features"], *, max_rho: float) -> Twins:
    """Features that repeat an earlier one, exactly or in all but their scale.

    Ranks are compared, for trees see nothing else. A missing value is the lowest rank.

    max_rho : |ρ| from which on two features tell the same
    """
    n_features = matrix.shape[1]
    of, rho = np.full(n_features, -1), np.zeros(n_features)
    if len(matrix) < 2 or n_features == 0:
        return Twins(of, rho)
    lowest = np.where(np.isnan(matrix), -np.inf, matrix)
    ranks = np.asarray(rankdata(lowest, axis=0), dtype=np.float64)
    ranks -= ranks.mean(axis=0)
    norms = np.sqrt((ranks**2).sum(axis=0))
    ranks /= np.where(norms > 0, norms, 1.0)
    correlation = ranks.T @ ranks
    for k in range(n_features):
        kept = np.flatnonzero(of[:k] < 0)
        if not len(kept):
            continue
        best = kept[np.argmax(np.abs(correlation[k, kept]))]
        if abs(correlation[k, best]) >= max_rho:
            of[k], rho[k] = best, np.clip(correlation[k, best], -1.0, 1.0)
    return Twins(of, rho)


def stability(
    matrix: Float32[np.ndarray, "rows features"],
    time_block: Int[np.ndarray, " rows"],
    *,
    n_bins: int = 10,
) -> Float[np.ndarray, " features"]:
    """The largest population stability index of each feature between following blocks of time.

    PSI = Σ (p − q) ln(p / q) over the deciles of the earlier block and the missing, with half a row
    added to every bin, so that an empty one counts but not without bound.
    """
    blocks = np.unique(time_block)
    largest = np.zeros(matrix.shape[1])
    for earlier, later in pairwise(blocks):
        before, after = matrix[time_block == earlier], matrix[time_block == later]
        for k in range(matrix.shape[1]):
            found = _psi(before[:, k], after[:, k], n_bins)
            largest[k] = max(largest[k], found)
    return largest


def _psi(
    before: Float32[np.ndarray, " earlier"], after: Float32[np.ndarray, " later"], n_bins: int
) -> float:
    there = before[~np.isnan(before)]
    inner = np.unique(np.quantile(there, np.arange(1, n_bins) / n_bins)) if len(there) else there
    shares = []
    for column in (before, after):
        present = column[~np.isnan(column)]
        counts = np.bincount(np.searchsorted(inner, present), minlength=len(inner) + 1)
        filled = np.append(counts, len(column) - len(present)) + 0.5
        shares.append(filled / filled.sum())
    p, q = shares
    return float(((p - q) * np.log(p / q)).sum())
