"""The one-step bootstrap: what other samples of customers would have said, without refits.

Each draw gives every customer a random weight (exponential, so that a compact row of w customers
gets a Gamma(w): Rubin 1981, The Bayesian bootstrap) and takes one Newton step from the maximum
on the re-weighted log-likelihood. The step's error is of the order of 1/n. Unlike the Laplace
approximation it needs no faith in the model: its covariance is the sandwich.
"""

from typing import Final

import numpy as np
from jaxtyping import Float

from patronage.models.fitting.laplace import drawn, rng_of
from patronage.models.fitting.maximum_likelihood import Summit
from patronage.models.fitting.posterior import Posterior

__all__ = ["bootstrap"]

# Random weights held at a time: 32 MiB.
_BLOCK: Final = 1 << 22
# Where the re-weighted information is below this share of the whole sample's, that is used instead.
_FLAT: Final = 0.25


def bootstrap(summit: Summit, *, n_draws: int = 1000, seed: int = 0) -> Posterior:
    """Draws of equal weight around the maximum."""
    rng, objective = rng_of(summit, seed), summit.objective
    mode, weight = summit.optimum.theta, objective.table.weight
    total = float(weight.sum())
    steps = np.empty((n_draws, len(mode)))
    size = max(1, _BLOCK // len(weight))
    for first in range(0, n_draws, size):
        block = steps[first : first + size]
        drawn_weight = rng.standard_gamma(weight, size=(len(block), len(weight)))
        drawn_weight *= total / drawn_weight.sum(axis=1, keepdims=True)
        block[:] = _steps(summit, drawn_weight)
    return drawn(
        summit, mode + steps, np.full(n_draws, 1 / n_draws), "bootstrap", ess=float(n_draws)
    )


def _steps(
    summit: Summit, weight: Float[np.ndarray, "draws rows"]
) -> Float[np.ndarray, "draws coefficients"]:
    """The Newton step of each re-weighting."""
    objective, mode = summit.objective, summit.optimum.theta
    rows = objective.row_moments(mode)
    if rows is None:
        found = [objective.reweighted(one)(mode) for one in weight]
        gradient = np.stack([each.gradient for each in found])
        hessian = np.stack([each.hessian for each in found])
    else:
        prior = objective.held(mode)
        k = len(mode)
        gradient = weight @ rows.gradient + prior.gradient
        hessian = (weight @ rows.hessian.reshape(-1, k * k)).reshape(-1, k, k) + prior.hessian
    own, whole = -hessian, -summit.optimum.moments.hessian
    # Why: a few customers with most of the weight can leave a ridge, along which a step has no end.
    flat = np.linalg.eigvalsh(own)[:, 0] < _FLAT * np.linalg.eigvalsh(whole)[0]
    own[flat] = whole
    return np.asarray(np.linalg.solve(own, gradient[:, :, None])[:, :, 0])
