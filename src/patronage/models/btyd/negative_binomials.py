"""Mixtures of negative binomials: purchases at a gamma-distributed rate over several exposures."""

import numpy as np
from jaxtyping import Float

__all__ = ["mixed_negative_binomials"]


def mixed_negative_binomials(
    size: Float[np.ndarray, " rows"],
    odds: Float[np.ndarray, "rows nodes"],
    mass: Float[np.ndarray, "rows nodes"],
    n_max: int,
) -> Float[np.ndarray, "rows counts"]:
    """Σ_k mass_k × NB(n; size, mean size × odds_k) for n = 0 … n_max."""
    log_none = -size[:, None] * np.log1p(odds)
    share = odds / (1.0 + odds)
    found = np.empty((len(size), n_max + 1))
    # Why: with a large expectation P(0) underflows and a product from it would stay at zero.
    if log_none.min(initial=0.0) > -600.0:
        term = mass * np.exp(log_none)
        found[:, 0] = term.sum(axis=1)
        for n in range(1, n_max + 1):
            term *= share
            term *= ((size + (n - 1)) / n)[:, None]
            found[:, n] = term.sum(axis=1)
        return found
    with np.errstate(divide="ignore"):
        log_term, log_share = log_none + np.log(mass), np.log(share)
    found[:, 0] = np.exp(log_term).sum(axis=1)
    for n in range(1, n_max + 1):
        log_term += log_share + np.log((size + (n - 1)) / n)[:, None]
        found[:, n] = np.exp(log_term).sum(axis=1)
    return found
