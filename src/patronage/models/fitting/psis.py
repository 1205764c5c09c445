"""Pareto-smoothed importance sampling: ratios with a tamed tail, and whether to trust them.

Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, JMLR 25(72). The
largest ratios are replaced by quantiles of a generalized Pareto distribution fitted to them by
Zhang & Stephens (2009), A new and efficient estimation method for the generalized Pareto
distribution, Technometrics 51(3): a posterior mean over a grid of θ = -k/σ.
"""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float

__all__ = ["fit_pareto", "highest_k", "smoothed"]

_FEWEST: Final = 5
# Weight of a prior on k at 1/2, in observations: with few of them k is not taken at its word.
_PRIOR_WEIGHT: Final = 10.0
_GRID: Final = 30


def highest_k(n_draws: int) -> float:
    """The k̂ up to which so many draws can be trusted: min(1 - 1 / log10 S, 0.7)."""
    return min(1 - 1 / float(np.log10(max(n_draws, 11))), 0.7)


def smoothed(
    log_ratios: Float[np.ndarray, "rows draws"],
) -> tuple[Float[np.ndarray, "rows draws"], Float[np.ndarray, " rows"]]:
    """Logarithms of normalised weights, and k̂, of each row of ratios.

    k̂ is -inf where the tail has no spread at all (all ratios equal), and inf where there are too
    few finite ratios to see a tail.
    """
    n_draws = log_ratios.shape[1]
    n_tail = int(np.ceil(min(0.2 * n_draws, 3 * np.sqrt(n_draws))))
    finite = np.where(np.isfinite(log_ratios), log_ratios, -np.inf)
    log_weights = finite - finite.max(axis=1, keepdims=True, initial=-1e300)
    if n_tail < _FEWEST:
        return _normalised(log_weights), np.full(len(log_ratios), np.inf)
    order = np.argsort(log_weights, axis=1)
    tail = order[:, -n_tail:]
    highest = np.take_along_axis(log_weights, tail, axis=1)
    # The largest ratio that is not of the tail.
    edge = np.exp(np.take_along_axis(log_weights, order[:, -n_tail - 1, None], axis=1))
    excess = np.exp(highest) - edge
    k_hat = np.full(len(log_ratios), -np.inf)
    spread = excess[:, -1] > 1e-10
    seen = np.isfinite(highest).all(axis=1)
    k_hat[~seen] = np.inf
    some: Bool[np.ndarray, " rows"] = spread & seen
    if some.any():
        # Why the floor: ties with the edge have no excess, and θ's grid divides by a quartile.
        k, sigma = fit_pareto(np.maximum(excess[some], 1e-300))
        k_hat[some] = k
        at = (np.arange(n_tail) + 0.5) / n_tail
        drawn = sigma[:, None] * np.expm1(-k[:, None] * np.log1p(-at)) / k[:, None]
        smooth = np.minimum(np.log(edge[some] + drawn), 0.0)
        replaced = log_weights[some]
        np.put_along_axis(replaced, tail[some], smooth, axis=1)
        log_weights[some] = replaced
    return _normalised(log_weights), k_hat


def fit_pareto(
    excess: Float[np.ndarray, "rows tail"],
) -> tuple[Float[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
    """Shape k and scale σ of the generalized Pareto distribution of rising positive excesses.

    The distribution function is 1 - (1 + k x / σ)^(-1/k).
    """
    n = excess.shape[1]
    n_grid = _GRID + int(np.sqrt(n))
    quartile = np.maximum(excess[:, int(n / 4 + 0.5) - 1], 1e-12 * excess[:, -1])
    steps = 1 - np.sqrt(n_grid / (np.arange(n_grid) + 0.5))
    theta = 1 / excess[:, -1, None] + steps / (3 * quartile[:, None])
    shapes = np.stack([_shape(column, excess) for column in theta.T], axis=1)
    log_posterior = n * (np.log(-theta / shapes) - shapes - 1)
    weight = np.exp(log_posterior - log_posterior.max(axis=1, keepdims=True))
    mean = (weight * theta).sum(axis=1) / weight.sum(axis=1)
    k = _shape(mean, excess)
    sigma = -k / mean
    return (n * k + _PRIOR_WEIGHT / 2) / (n + _PRIOR_WEIGHT), sigma


def _shape(
    theta: Float[np.ndarray, " rows"], excess: Float[np.ndarray, "rows tail"]
) -> Float[np.ndarray, " rows"]:
    return np.asarray(np.log1p(-theta[:, None] * excess).mean(axis=1))


def _normalised(log_weights: Float[np.ndarray, "rows draws"]) -> Float[np.ndarray, "rows draws"]:
    return np.asarray(log_weights - np.log(np.exp(log_weights).sum(axis=1, keepdims=True)))
