"""NormalSpend: net money per purchase, which may be negative."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy.special import ndtr

from patronage.errors import SettingsError
from patronage.forecast.codes import equal_rows
from patronage.forecast.spend import AbstractSpend

__all__ = ["NormalSpend"]


@final
@dataclass(frozen=True)
class NormalSpend(AbstractSpend):
    """Net money of one purchase ~ N(level, sigma²), and level | history ~ N(location, variance).

    So the sum of n purchases is normal, with mean n location and variance n sigma² + n² variance.

    Attributes
    ----------
    sigma : standard deviation of one purchase given the level, in currency
    location : expected level, in currency
    variance : of the level
    """

    sigma: float
    location: Float[np.ndarray, " customers"]
    variance: Float[np.ndarray, " customers"]
    lattice: ClassVar[None] = None
    positive: ClassVar[bool] = False
    signed: ClassVar[bool] = True

    def __post_init__(self) -> None:
        sound = np.isfinite(self.sigma) and self.sigma > 0 and np.isfinite(self.location).all()
        if not (sound and np.all(np.isfinite(self.variance) & (self.variance >= 0))):
            raise SettingsError(
                f"normal spend needs sigma > 0, finite locations and variance >= 0; seen sigma "
                f"{self.sigma:g}.\nTo mend: look for wrong amounts, or use another spend model."
            )

    def mean(self) -> Float[np.ndarray, " customers"]:
        return self.location

    def sum_cdf(
        self, n: int | float, total: Float[np.ndarray, " customers"]
    ) -> Float[np.ndarray, " customers"]:
        if n == 0:
            return (total >= 0).astype(float)
        return np.asarray(ndtr((total - n * self.location) / self._spread(n)))

    def sum_pdf(
        self, n: int | float, total: Float[np.ndarray, " customers"]
    ) -> Float[np.ndarray, " customers"]:
        if n == 0:
            return np.zeros_like(total)
        spread = self._spread(n)
        z = (total - n * self.location) / spread
        return np.asarray(np.exp(-(z**2) / 2) / (np.sqrt(2 * np.pi) * spread))

    def sample_sums(
        self, counts: Int[np.ndarray, "draws customers periods"], rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers periods"]:
        level = rng.standard_normal(counts.shape[:2]) * np.sqrt(self.variance) + self.location
        noise = self.sigma * np.sqrt(counts) * rng.standard_normal(counts.shape)
        return np.asarray(counts * level[:, :, None] + noise)

    def sample_each(
        self,
        n: Int[np.ndarray, " draws"],
        rows: Int[np.ndarray, " draws"],
        rng: np.random.Generator,
    ) -> Float[np.ndarray, " draws"]:
        spread = np.sqrt(n * self.sigma**2 + n.astype(float) ** 2 * self.variance[rows])
        return np.asarray(n * self.location[rows] + spread * rng.standard_normal(len(rows)))

    def standard(
        self,
    ) -> tuple["NormalSpend", Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        # Customers differ by where their money lies, not by its scale.
        return self, np.ones_like(self.location), equal_rows(self.location, self.variance)

    def take(self, rows: slice | Shaped[np.ndarray, " rows"]) -> "NormalSpend":
        return NormalSpend(self.sigma, self.location[rows], self.variance[rows])

    def _spread(self, n: int | float) -> Float[np.ndarray, " customers"]:
        return np.sqrt(n * self.sigma**2 + n**2 * self.variance)
