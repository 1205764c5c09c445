"""LogNormalSpend: money per purchase whose logarithm is normal around a level of the customer."""

from dataclasses import dataclass
from typing import ClassVar, Final, final

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy.polynomial.hermite_e import hermegauss
from scipy.special import ndtr

from patronage.errors import SettingsError
from patronage.forecast.log_normal_sums import log_normal_sums
from patronage.forecast.spend import AbstractSpend

__all__ = ["LogNormalSpend"]

_NODES, _WEIGHTS = hermegauss(16)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
# A level less certain than this share of the sum's own spread is integrated over the sum.
_NARROW: Final = 0.5


@final
@dataclass(frozen=True)
class LogNormalSpend(AbstractSpend):
    """ln of one purchase ~ N(level, sigma²), and level | history ~ N(location, variance).

    The sum of n purchases is e^level times a sum of n log-normal amounts that is the same for all
    customers (`log_normal_sums`), so that its distribution is one integral over either: over the
    level where that is well known, else over the sum. Errors of probabilities stay below 1e-6 for
    sigma up to 1.5 and 1e-4 up to 2.5 (tested).

    Attributes
    ----------
    sigma : standard deviation of the logarithm of one purchase, given the level
    location : expected level, the logarithm of money
    variance : of the level
    """

    sigma: float
    location: Float[np.ndarray, " customers"]
    variance: Float[np.ndarray, " customers"]
    lattice: ClassVar[None] = None

    def __post_init__(self) -> None:
        with np.errstate(over="ignore"):
            sound = bool(
                np.isfinite(self.sigma)
                and self.sigma > 0
                and np.all(np.isfinite(self.variance) & (self.variance >= 0))
                and np.isfinite(self.mean()).all()
            )
        if not sound:
            raise SettingsError(
                f"log-normal spend needs sigma > 0, variance >= 0 and a finite mean; seen sigma "
                f"{self.sigma:g}, location up to {np.max(self.location, initial=-np.inf):g}, "
                f"variance up to {np.max(self.variance, initial=0.0):g}.\n"
                "To mend: look for wrong amounts, or use another spend model."
            )

    def mean(self) -> Float[np.ndarray, " customers"]:
        return np.asarray(np.exp(self.location + (self.variance + self.sigma**2) / 2))

    def sum_cdf(
        self, n: int | float, total: Float[np.ndarray, " customers"]
    ) -> Float[np.ndarray, " customers"]:
        if n == 0:
            return (total >= 0).astype(float)
        return np.where(total > 0, self._of_log(n, _log(total), density=False), 0.0)

    def sum_pdf(
        self, n: int | float, total: Float[np.ndarray, " customers"]
    ) -> Float[np.ndarray, " customers"]:
        if n == 0:
            return np.zeros_like(total)
        found = self._of_log(n, _log(total), density=True)
        return np.where(total > 0, found / np.where(total > 0, total, 1.0), 0.0)

    def sample_sums(
        self, counts: Int[np.ndarray, "draws customers periods"], rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers periods"]:
        level = rng.standard_normal(counts.shape[:2]) * np.sqrt(self.variance) + self.location
        return np.asarray(np.exp(level)[:, :, None] * self._sums(counts, rng))

    def sample_each(
        self,
        n: Int[np.ndarray, " draws"],
        rows: Int[np.ndarray, " draws"],
        rng: np.random.Generator,
    ) -> Float[np.ndarray, " draws"]:
        noise = rng.standard_normal(len(rows))
        level = self.location[rows] + np.sqrt(self.variance[rows]) * noise
        return np.asarray(np.exp(level) * self._sums(n, rng))

    def standard(
        self,
    ) -> tuple["LogNormalSpend", Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        same = LogNormalSpend(self.sigma, np.zeros_like(self.location), self.variance)
        return same, np.exp(self.location), self.variance

    def take(self, rows: slice | Shaped[np.ndarray, " rows"]) -> "LogNormalSpend":
        return LogNormalSpend(self.sigma, self.location[rows], self.variance[rows])

    def _of_log(
        self, n: int | float, log_total: Float[np.ndarray, " customers"], *, density: bool
    ) -> Float[np.ndarray, " customers"]:
        """P(sum of n <= total), or the density of the sum's logarithm there."""
        y = log_total - self.location
        if n == 1:
            return _normal(y, np.sqrt(self.variance + self.sigma**2), density=density)
        sums = log_normal_sums(self.sigma, float(n))
        wide = self.variance >= (_NARROW * sums.deviation) ** 2
        found = np.empty_like(y)
        spread = np.sqrt(self.variance)
        at, mass = sums.points
        left = y[wide][:, None] - at
        found[wide] = _normal(left, spread[wide][:, None], density=density) @ mass
        left = y[~wide][:, None] - spread[~wide][:, None] * _NODES
        found[~wide] = (sums.pdf(left) if density else sums.cdf(left)) @ _WEIGHTS
        return np.asarray(found)

    def _sums(
        self, counts: Int[np.ndarray, "*shape"], rng: np.random.Generator
    ) -> Float[np.ndarray, "*shape"]:
        """Sums of that many amounts e^(sigma ε)."""
        drawn = np.where(counts > 0, np.exp(self.sigma * rng.standard_normal(counts.shape)), 0.0)
        for n in np.unique(counts[counts > 1]):
            where = counts == n
            level = rng.random(int(where.sum()))
            drawn[where] = np.exp(log_normal_sums(self.sigma, float(n)).inverse(level))
        return np.asarray(drawn)


def _log(total: Float[np.ndarray, " customers"]) -> Float[np.ndarray, " customers"]:
    return np.asarray(np.log(np.where(total > 0, total, 1.0)))


def _normal(
    y: Float[np.ndarray, "*shape"], spread: Float[np.ndarray, "..."], *, density: bool
) -> Float[np.ndarray, "*shape"]:
    z = y / spread
    return np.asarray(np.exp(-(z**2) / 2) / (np.sqrt(2 * np.pi) * spread) if density else ndtr(z))
