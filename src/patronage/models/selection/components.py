"""Principal components of features: learned on some rows, computed for any."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Float32

from patronage.errors import SettingsError

__all__ = ["Components", "learn_components"]


@final
@dataclass(frozen=True)
class Components:
    """Directions in which standardised features vary together, the widest first.

    Attributes
    ----------
    names : the features that they are made of
    filling : what a missing value is taken for: the median of the rows learned from
    mean, scale : of the filled features
    directions : one row per component, of length 1
    share : of the variance of all features, each component's
    """

    names: tuple[str, ...]
    filling: Float[np.ndarray, " features"]
    mean: Float[np.ndarray, " features"]
    scale: Float[np.ndarray, " features"]
    directions: Float[np.ndarray, "components features"]
    share: Float[np.ndarray, " components"]

    def transform(
        self, matrix: Float32[np.ndarray, "rows features"]
    ) -> Float[np.ndarray, "rows components"]:
        """The components of each row of the features `names`."""
        filled = np.where(np.isnan(matrix), self.filling, matrix.astype(np.float64))
        return np.asarray((filled - self.mean) / self.scale @ self.directions.T)


def learn_components(
    matrix: Float32[np.ndarray, "rows features"], names: tuple[str, ...], *, share: float
) -> Components:
    """As many components as have the share of the variance, from the correlation matrix.

    The sign of a component is such that its largest loading is positive.

    Raises
    ------
    SettingsError : share outside (0, 1], or fewer than two rows
    """
    if not 0 < share <= 1 or len(matrix) < 2 or not names:
        raise SettingsError(
            f"components need a share of the variance above 0 and up to 1, 2 rows and 1 feature; "
            f"{share:g}, {len(matrix)} and {len(names)} given."
        )
    empty = np.isnan(matrix).all(axis=0)
    filling = np.zeros(matrix.shape[1])
    filling[~empty] = np.nanmedian(matrix[:, ~empty].astype(np.float64), axis=0)
    filled = np.where(np.isnan(matrix), filling, matrix.astype(np.float64))
    mean, scale = filled.mean(axis=0), filled.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    standard = (filled - mean) / scale
    values, vectors = np.linalg.eigh(standard.T @ standard / len(standard))
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    shares = values / values.sum() if values.sum() > 0 else values
    n = min(int(np.searchsorted(np.cumsum(shares), share - 1e-12)) + 1, len(values))
    directions = vectors[:, :n].T
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
    return Components(names, filling, mean, scale, directions * np.sign(largest), shares[:n])
