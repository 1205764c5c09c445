"""Normal amounts around a level of the customer, levels normal over customers.

Amounts y_1 … y_n ~ N(m, σ²) independent given m, and m ~ N(μ, τ²): one-way random effects, whose
marginal density depends on n, the mean ȳ and the scatter S = Σ (y − ȳ)² alone; with D = σ² + n τ²

    ln f = -(n/2) ln 2π - (n-1) ln σ - S / 2σ² - ½ ln D - n (ȳ - μ)² / 2D.

Where only the mean is known, ȳ ~ N(μ, D / n). (Searle, Casella & McCulloch 1992, Variance
Components, chapter 3.) The log-normal spend takes y = ln z, and its density of money is 1/z times
that of y for each amount.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Float

from patronage.models.likelihoods.amounts import Amounts
from patronage.models.likelihoods.base import Limit, Moments

__all__ = ["LogNormalLevelsLikelihood", "NormalLevelsLikelihood", "level_moments"]

_LOG_2PI: Final = float(np.log(2 * np.pi))
_ALIKE: Final = "customers do not differ in what they spend"
_LIMITS: Final = (
    Limit("spend", (0, 0, -1), "one spend level", _ALIKE),
    Limit("spend", (0, -1, 0), "constant spend", "a customer spends the same each time"),
)

Value = float | Float[np.ndarray, " rows"]


def level_moments(mu: Value, log_sigma: Value, log_tau: Value, table: Amounts) -> Moments:
    """ln f of each row and its derivatives with respect to (μ, ln σ, ln τ), unweighted."""
    n, dof, S = table.n, table.dof, table.scatter
    s2, t2 = np.exp(2 * np.asarray(log_sigma)), n * np.exp(2 * np.asarray(log_tau))
    D, r = s2 + t2, table.mean - mu
    known = dof > 0
    value = -0.5 * np.log(D) - n * r**2 / (2 * D) - dof * log_sigma - S / (2 * s2)
    # Of all amounts, or of the mean of n.
    value = value - 0.5 * _LOG_2PI * (dof + 1) + np.where(known, 0.0, 0.5 * np.log(n))
    slope = -1 / (2 * D) + n * r**2 / (2 * D**2)
    bend = 1 / (2 * D**2) - n * r**2 / D**3
    gradient = np.stack([n * r / D, 2 * s2 * slope - dof + S / s2, 2 * t2 * slope], axis=-1)
    hessian = np.empty((len(n), 3, 3))
    hessian[:, 0, 0] = -n / D
    hessian[:, 0, 1] = hessian[:, 1, 0] = -2 * s2 * n * r / D**2
    hessian[:, 0, 2] = hessian[:, 2, 0] = -2 * t2 * n * r / D**2
    hessian[:, 1, 1] = 4 * s2**2 * bend + 4 * s2 * slope - 2 * S / s2
    hessian[:, 1, 2] = hessian[:, 2, 1] = 4 * s2 * t2 * bend
    hessian[:, 2, 2] = 4 * t2**2 * bend + 4 * t2 * slope
    return Moments(value, gradient, hessian)


def _summed(rows: Moments, weight: Float[np.ndarray, " rows"]) -> Moments:
    return Moments(
        np.asarray(weight @ rows.value),
        weight @ rows.gradient,
        np.einsum("r,rij->ij", weight, rows.hessian),
    )


def _spreads(table: Amounts) -> list[tuple[float, float]]:
    """σ and τ to begin from: by moments, then others around."""
    between = max(table.spread_between, 1e-3)
    within = table.spread_within
    within = max(within, 1e-3) if np.isfinite(within) else between
    spent = float(table.weight @ (1 / table.n) / table.weight.sum()) * within**2
    levels = np.sqrt(max(between**2 - spent, 0.05 * between**2))
    return [(within, levels), (within, 0.3 * levels), (0.3 * within, between), (3 * within, levels)]


@final
@dataclass(frozen=True)
class LogNormalLevelsLikelihood:
    """θ = ln (level, sigma, tau): y = ln money, and μ = ln level, the typical customer's."""

    parameter_names: tuple[str, ...] = ("level", "sigma", "tau")
    unit_bearing: tuple[bool, ...] = (True, False, False)
    limits: tuple[Limit, ...] = _LIMITS

    @property
    def effects(self) -> Mapping[str, tuple[float, ...]]:
        """On the mean spend, which is in proportion to the level."""
        return {"spend": (1.0, 0.0, 0.0)}

    def starts(self, table: Amounts) -> Float[np.ndarray, "starts 3"]:
        """By moments, then others around."""
        middle = float(table.weight @ table.mean / table.weight.sum())
        return np.array([[middle, np.log(s), np.log(t)] for s, t in _spreads(table)])

    def log_likelihood(
        self, theta: Float[np.ndarray, "*rows 3"], table: Amounts
    ) -> Float[np.ndarray, " rows"]:
        """Of each row, in money, at one θ or its own."""
        return np.asarray(self._moments(theta, table).value - table.n * table.mean)

    def row_moments(self, theta: Float[np.ndarray, "rows 3"], table: Amounts) -> Moments:
        """Value, gradient and Hessian of each row at its own θ."""
        found = self._moments(theta, table)
        return found._replace(value=found.value - table.n * table.mean)

    def _moments(self, theta: Float[np.ndarray, "*rows 3"], table: Amounts) -> Moments:
        mu, log_sigma, log_tau = theta.T
        return level_moments(mu, log_sigma, log_tau, table)

    def moments(self, theta: Float[np.ndarray, " 3"], table: Amounts) -> Moments:
        """Weighted sums over the rows at one θ."""
        return _summed(self.row_moments(np.tile(theta, (len(table), 1)), table), table.weight)


@final
@dataclass(frozen=True)
class NormalLevelsLikelihood:
    """θ = ln (mean + offset, sigma, tau): y is money that may be negative.

    Why the offset: parameters are positive, and a mean may not be. It is so large that the
    logarithm is nearly straight.

    Attributes
    ----------
    offset : in units of the scaled table
    """

    offset: float = 10.0
    parameter_names: tuple[str, ...] = ("mean", "sigma", "tau")
    unit_bearing: tuple[bool, ...] = (True, True, True)
    limits: tuple[Limit, ...] = _LIMITS

    @property
    def effects(self) -> Mapping[str, tuple[float, ...]]:
        """On the mean spend (with the offset)."""
        return {"spend": (1.0, 0.0, 0.0)}

    def starts(self, table: Amounts) -> Float[np.ndarray, "starts 3"]:
        """By moments, then others around."""
        middle = float(table.weight @ table.mean / table.weight.sum())
        first = np.log(max(middle + self.offset, 0.1))
        return np.array([[first, np.log(s), np.log(t)] for s, t in _spreads(table)])

    def log_likelihood(
        self, theta: Float[np.ndarray, "*rows 3"], table: Amounts
    ) -> Float[np.ndarray, " rows"]:
        """Of each row, at one θ or its own."""
        shifted, log_sigma, log_tau = theta.T
        return level_moments(np.exp(shifted) - self.offset, log_sigma, log_tau, table).value

    def row_moments(self, theta: Float[np.ndarray, "rows 3"], table: Amounts) -> Moments:
        """Value, gradient and Hessian of each row at its own θ."""
        shifted, log_sigma, log_tau = theta.T
        above = np.exp(shifted)
        found = level_moments(above - self.offset, log_sigma, log_tau, table)
        stretch = np.ones_like(theta)
        stretch[:, 0] = above
        gradient = found.gradient * stretch
        hessian = found.hessian * stretch[:, :, None] * stretch[:, None, :]
        hessian[:, 0, 0] += gradient[:, 0]
        return Moments(found.value, gradient, hessian)

    def moments(self, theta: Float[np.ndarray, " 3"], table: Amounts) -> Moments:
        """Weighted sums over the rows at one θ."""
        return _summed(self.row_moments(np.tile(theta, (len(table), 1)), table), table.weight)
