"""The sum of n independent log-normal amounts, n whole or not: its distribution to about 1e-7.

No closed form exists, and one log-normal with the same two moments (Fenton & Wilkinson) is wrong in
both tails. The Laplace transform of one amount e^(σε) is, about the saddle point of its integrand
(Asmussen, Jensen & Rojas-Nandayapa 2016, On the Laplace transform of the lognormal distribution),

    ln E[e^(-s e^(σε))] = -(W² + 2W) / 2σ² + ln E[exp(-W/σ² (e^(σε) - 1 - σε))]

with Lambert's W of sσ², where the last expectation has an integrand that hardly oscillates for any
s right of the imaginary axis. Its n-th power is inverted by a Fourier series with Euler's summation
(Abate & Whitt 1992, The Fourier-series method for inverting transforms of probability
distributions).
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, final

import numpy as np
from jaxtyping import Complex, Float
from scipy.special import comb, lambertw, ndtr, ndtri

__all__ = ["LogNormalSums", "log_normal_sums"]

# e^-_DAMPING is the error of the series; e^(_DAMPING / 2) multiplies that of rounding.
_DAMPING: Final = 20.0
_EULER: Final = comb(14, np.arange(15)) / 2.0**14
_TAIL: Final = 1e-11
_PER_DEVIATION: Final = 8
# Below this squared coefficient of variation the sum is normal but for its skewness.
_NEARLY_NORMAL: Final = 2e-4


@final
@dataclass(frozen=True)
class LogNormalSums:
    """Distribution of y, the logarithm of the sum, on an even grid that leaves out 1e-11.

    Attributes
    ----------
    grid : values of y
    reached : P(Y <= y)
    density : of y
    deviation : the scale on which the distribution changes
    """

    grid: Float[np.ndarray, " grid"]
    reached: Float[np.ndarray, " grid"]
    density: Float[np.ndarray, " grid"]
    deviation: float

    def cdf(self, y: Float[np.ndarray, "*rows"]) -> Float[np.ndarray, "*rows"]:
        """P(Y <= y), by the cubic that has the grid's values and densities."""
        step = float(self.grid[1] - self.grid[0])
        place = np.clip((y - self.grid[0]) / step, 0.0, len(self.grid) - 1.0)
        left = np.minimum(place.astype(np.intp), len(self.grid) - 2)
        t = place - left
        low, high = self.reached[left], self.reached[left + 1]
        rise_low, rise_high = step * self.density[left], step * self.density[left + 1]
        cubic = low + t * (
            rise_low
            + t * (3 * (high - low) - 2 * rise_low - rise_high)
            + t**2 * (rise_low + rise_high - 2 * (high - low))
        )
        return np.asarray(np.clip(cubic, 0.0, 1.0))

    def pdf(self, y: Float[np.ndarray, "*rows"]) -> Float[np.ndarray, "*rows"]:
        """Density of Y, between the grid's by straight lines."""
        return np.asarray(np.interp(y, self.grid, self.density, left=0.0, right=0.0))

    def inverse(self, level: Float[np.ndarray, " draws"]) -> Float[np.ndarray, " draws"]:
        """The y at which the distribution reaches each level."""
        return np.asarray(np.interp(level, self.reached, self.grid))

    @cached_property
    def points(self) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]:
        """Every third of the grid, and the probability of each by the trapezoidal rule, which is
        exact to 1e-9 for what changes as slowly as the distribution itself.
        """
        density = self.density[::3]
        return self.grid[::3], density / density.sum()


@lru_cache(maxsize=4096)
def log_normal_sums(sigma: float, n: float) -> LogNormalSums:
    """The sum of n amounts e^(σε), ε standard normal.

    Parameters
    ----------
    sigma : standard deviation of the logarithm of one amount, above 0
    n : number of amounts, 1 or more
    """
    relative = float(np.expm1(sigma**2)) / n
    deviation = float(np.sqrt(np.log1p(relative)))
    mean = n * float(np.exp(sigma**2 / 2))
    # The sum is at least n times the geometric mean of its terms; and it is large by many terms
    # above their mean, or by one that is larger than all others together.
    low = np.log(n) + float(ndtri(_TAIL)) * sigma / np.sqrt(n)
    single = np.exp(-sigma * float(ndtri(_TAIL / n))) - mean / n
    high = np.log(mean + max(7.0 * mean * np.sqrt(relative), single))
    deviation = min(deviation, sigma)
    size = int(
        np.clip(np.ceil((high - low) / deviation * _PER_DEVIATION * max(1.0, sigma)), 64, 1024)
    )
    grid = np.linspace(low, high, size)
    if relative < _NEARLY_NORMAL:
        skewness = (np.exp(sigma**2) + 2) * np.sqrt(relative)
        reached, density = _edgeworth(np.exp(grid) / mean, np.sqrt(relative), skewness)
    else:
        reached, density = _inverted(sigma, n, grid, n_terms=int(24 + 3.0 / np.sqrt(relative)))
    reached = np.maximum.accumulate(np.clip(reached, 0.0, 1.0))
    return LogNormalSums(grid, reached, np.maximum(density, 0.0), deviation)


def _edgeworth(
    total: Float[np.ndarray, " grid"], deviation: float, skewness: float
) -> tuple[Float[np.ndarray, " grid"], Float[np.ndarray, " grid"]]:
    """Distribution and density of y, at totals in units of the mean."""
    z = (total - 1) / deviation
    normal = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    reached = ndtr(z) - skewness / 6 * (z**2 - 1) * normal
    return reached, normal * (1 + skewness / 6 * (z**3 - 3 * z)) * total / deviation


def _inverted(
    sigma: float, n: float, y: Float[np.ndarray, " grid"], *, n_terms: int
) -> tuple[Float[np.ndarray, " grid"], Float[np.ndarray, " grid"]]:
    """Distribution and density of y, at totals t = e^y."""
    total = np.exp(y)
    order = np.arange(n_terms + len(_EULER))
    s = (_DAMPING / 2 + 1j * np.pi * order) / total[:, None]
    transform = np.exp(n * _log_laplace(sigma, s) + _DAMPING / 2)
    # Alternating terms: all of the first n_terms, and Euler's average of the partial sums after.
    share = np.concatenate([np.ones(n_terms), 1.0 - np.cumsum(_EULER) + _EULER])
    share = share * np.where(order % 2 == 0, 1.0, -1.0)
    share[0] *= 0.5
    reached = (transform / s).real @ share / total
    return reached, transform.real @ share


def _log_laplace(
    sigma: float, s: Complex[np.ndarray, "grid terms"]
) -> Complex[np.ndarray, "grid terms"]:
    """ln E[e^(-s e^(σε))] of one amount, real part of s above 0 (module docstring)."""
    W = lambertw(s * sigma**2, 0)
    # Why finer with sigma: the integrand falls as steeply as e^-e^(σε).
    nodes = np.linspace(-7.5, 7.5, int(60 * max(1.0, sigma**2)) + 1)
    weight = np.exp(-(nodes**2) / 2) * (nodes[1] - nodes[0]) / np.sqrt(2 * np.pi)
    beyond = np.expm1(sigma * nodes) - sigma * nodes
    rest = np.zeros_like(W)
    for each, bend in zip(weight, beyond, strict=True):
        rest += each * np.exp(-W / sigma**2 * bend)
    return np.asarray(np.log(rest) - (W**2 + 2 * W) / (2 * sigma**2))
