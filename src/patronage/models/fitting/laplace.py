"""Draws around the maximum, as if the log-density were quadratic; and the same, weighted right.

`laplace` believes the quadratic form. `importance` draws from a t distribution around it, whose
tails are longer than those of the posterior, weighs each draw by posterior / proposal, and tells by
k̂ whether the weights can be trusted: with thousands of customers they can, at a thousand passes
over the compact table, where NUTS makes tens of thousands.
"""

from typing import Final
from zlib import crc32

import numpy as np
from jaxtyping import Float

from patronage.models.fitting.maximum_likelihood import Summit
from patronage.models.fitting.posterior import Posterior
from patronage.models.fitting.psis import highest_k, smoothed

__all__ = ["drawn", "importance", "laplace", "rng_of", "root"]

# Degrees of freedom of the proposal. Measured on CDNOW's Pareto/NBD, whose beta is skewed, over six
# seeds: k̂ reaches 0.63 with 7 and 0.57 with 5, and of 1,000 draws 884 and 843 are effective.
_FREEDOM: Final = 5.0


def laplace(summit: Summit, *, n_draws: int = 1000, seed: int = 0) -> Posterior:
    """Draws of equal weight from the normal distribution with the observed information."""
    rng = rng_of(summit, seed)
    z = rng.standard_normal((n_draws, len(summit.optimum.theta)))
    draws = summit.optimum.theta + z @ root(summit).T
    return drawn(summit, draws, np.full(n_draws, 1 / n_draws), "laplace", ess=float(n_draws))


def importance(summit: Summit, *, n_draws: int = 1000, seed: int = 0) -> Posterior:
    """Draws from a t distribution around the maximum, with Pareto-smoothed importance weights."""
    rng = rng_of(summit, seed)
    k = len(summit.optimum.theta)
    z = rng.standard_normal((n_draws, k))
    z *= np.sqrt(_FREEDOM / rng.chisquare(_FREEDOM, n_draws))[:, None]
    draws = summit.optimum.theta + z @ root(summit).T
    log_proposal = -(_FREEDOM + k) / 2 * np.log1p((z**2).sum(axis=1) / _FREEDOM)
    log_ratios = summit.objective.values(draws) - log_proposal
    log_weights, k_hat = smoothed(log_ratios[None])
    weights = np.exp(log_weights[0])
    worst, bound = float(k_hat[0]), highest_k(n_draws)
    warnings: tuple[str, ...] = ()
    if worst > bound:
        sentence = (
            f"the posterior is far from normal (k̂ = {worst:.2f}, above {bound:.2f}): importance "
            "sampling around the maximum cannot be trusted; ask for uncertainty='nuts', or give a "
            "prior"
        )
        warnings = (sentence,)
    ess = 1 / float(weights @ weights)
    return drawn(summit, draws, weights, "psis", ess=ess, k_hat=worst, warnings=warnings)


def root(summit: Summit) -> Float[np.ndarray, "coefficients coefficients"]:
    """L, lower triangular, with L Lᵀ the inverse of the observed information."""
    return np.linalg.cholesky(summit.covariance)


def rng_of(summit: Summit, seed: int) -> np.random.Generator:
    """A generator of the likelihood's own.

    Why: purchases and spend that are fitted with one seed must not share their draws, or they
    would be correlated where money is made of both.
    """
    names = ",".join(summit.objective.likelihood.parameter_names)
    return np.random.default_rng([seed, crc32(names.encode())])


def drawn(
    summit: Summit,
    draws: Float[np.ndarray, "draws coefficients"],
    weights: Float[np.ndarray, " draws"],
    method: str,
    *,
    ess: float,
    k_hat: float | None = None,
    r_hat: float | None = None,
    n_divergent: int | None = None,
    warnings: tuple[str, ...] = (),
) -> Posterior:
    """A Posterior of draws that are in the scaled unit."""
    likelihood, encoder = summit.objective.likelihood, summit.objective.encoder
    names = likelihood.parameter_names
    powers = zip(names, likelihood.unit_bearing, strict=True)
    return Posterior(
        (*names, *encoder.effect_names),
        len(names),
        {name: power for name, power in powers if power},
        draws + summit.shift,
        weights,
        method,
        k_hat,
        ess,
        r_hat,
        n_divergent,
        warnings,
    )
