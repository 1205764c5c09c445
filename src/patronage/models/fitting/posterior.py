"""Posterior: weighted draws of what a fit does not know for certain."""

from dataclasses import dataclass, replace
from typing import Any, Final, Literal, final

import numpy as np
from jaxtyping import Float

__all__ = ["Posterior", "Uncertainty"]

Uncertainty = Literal["laplace", "psis", "nuts", "bootstrap", "auto"]

_LEVEL: Final = 0.95


@final
@dataclass(frozen=True)
class Posterior:
    """Draws of the coefficients: logarithms of the natural parameters in days, then effects.

    Attributes
    ----------
    names : of the coefficients: parameters, then effects
    n_parameters : how many of them are logarithms of parameters
    unit_bearing : parameter → power of the unit of time or money in it, as in a FitReport
    draws : one row per draw
    weights : of the draws; they sum to 1
    method : how they were drawn: laplace, psis, nuts or bootstrap
    k_hat : shape of the tail of the importance ratios; above `psis.highest_k` they cannot be
        trusted. None where nothing was re-weighted
    ess : effective number of draws; of the worst coefficient where draws depend on each other
    r_hat : largest split R-hat over the coefficients; None without chains
    n_divergent : divergent transitions; None without chains
    warnings : sentences that say what is doubtful and what to do about it
    """

    names: tuple[str, ...]
    n_parameters: int
    unit_bearing: dict[str, int]
    draws: Float[np.ndarray, "draws coefficients"]
    weights: Float[np.ndarray, " draws"]
    method: str
    k_hat: float | None
    ess: float
    r_hat: float | None = None
    n_divergent: int | None = None
    warnings: tuple[str, ...] = ()

    @property
    def covariance(self) -> Float[np.ndarray, "coefficients coefficients"]:
        """Of the coefficients."""
        away = self.draws - self.weights @ self.draws
        return np.asarray((away * self.weights[:, None]).T @ away)

    @property
    def natural(self) -> Float[np.ndarray, "draws coefficients"]:
        """Natural parameters (times in days), then effects, of each draw."""
        k = self.n_parameters
        return np.concatenate([np.exp(self.draws[:, :k]), self.draws[:, k:]], axis=1)

    def mapped(
        self,
        matrix: Float[np.ndarray, "coefficients coefficients"],
        offset: Float[np.ndarray, " coefficients"],
    ) -> "Posterior":
        """The same draws in other coordinates: coefficients → matrix · coefficients + offset."""
        return replace(self, draws=self.draws @ matrix.T + offset)

    def resampled(self, n_draws: int, *, seed: int = 0) -> "Posterior":
        """Draws of equal weight, in random order; systematic, so that little is lost."""
        rng = np.random.default_rng([seed, n_draws])
        at = (np.arange(n_draws) + rng.random()) / n_draws
        order = rng.permutation(len(self.weights))
        # Why the minimum: the weights sum to 1 but for rounding.
        found = np.searchsorted(np.cumsum(self.weights[order]), at)
        picked = rng.permutation(order[np.minimum(found, len(order) - 1)])
        equal = np.full(n_draws, 1 / n_draws)
        return replace(self, draws=self.draws[picked], weights=equal)

    def summary(self, unit: float | int = 1.0, *, level: float = _LEVEL) -> dict[str, Any]:
        """Mean, sd and central interval of each natural parameter and effect, ready for JSON.

        Parameters
        ----------
        unit : days of the unit of time in which they are told: 7 for weeks
        level : probability between the bounds
        """
        power = np.array([self.unit_bearing.get(name, 0) for name in self.names], dtype=float)
        natural = self.natural / unit**power
        mean = self.weights @ natural
        sd = np.sqrt(self.weights @ (natural - mean) ** 2)
        bounds = weighted_quantiles(natural, self.weights, (0.5 - level / 2, 0.5 + level / 2))

        def named(values: Float[np.ndarray, "coefficients *some"]) -> dict[str, Any]:
            return dict(zip(self.names, values.tolist(), strict=True))

        return {
            "method": self.method,
            "n_draws": len(self.draws),
            "k_hat": self.k_hat,
            "ess": self.ess,
            "r_hat": self.r_hat,
            "n_divergent": self.n_divergent,
            "mean": named(mean),
            "sd": named(sd),
            "interval": named(bounds.T),
            "level": level,
        }


def weighted_quantiles(
    values: Float[np.ndarray, "draws columns"],
    weights: Float[np.ndarray, " draws"],
    levels: tuple[float, ...],
) -> Float[np.ndarray, "levels columns"]:
    """Quantiles of each column, draws being weighted; linear between the middles of the steps."""
    order = np.argsort(values, axis=0)
    rising = np.take_along_axis(values, order, axis=0)
    mass = weights[order]
    middle = np.cumsum(mass, axis=0) - mass / 2
    columns = [
        np.interp(levels, middle[:, column], rising[:, column]) for column in range(values.shape[1])
    ]
    return np.column_stack(columns)
