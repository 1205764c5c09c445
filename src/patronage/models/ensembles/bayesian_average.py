"""Bayesian model averaging: members weighted by how probable each is, given earlier days."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np
from jaxtyping import Float

from patronage.horizon import Horizon
from patronage.models.base import Model
from patronage.models.ensembles.pool import FittedPool, FoldChances, fit_pool
from patronage.snapshots import Snapshot

__all__ = ["BayesianAverage", "model_probabilities"]


@final
@dataclass(frozen=True)
class BayesianAverage:
    """Pseudo-Bayesian averaging over folds (pseudo-BMA+, Yao et al. 2018, eq. 9).

    The evidence of a member is its log score on out-of-time folds; resampling customers by the
    Bayesian bootstrap keeps one lucky fold from silencing all other members.

    Attributes
    ----------
    members : name → model; one for which the folds have too little history is left out
    n_folds_min, n_folds_max : earlier days to judge on
    n_resamples : of the bootstrap
    """

    members: Mapping[str, Model]
    n_folds_min: int = 1
    n_folds_max: int = 3
    n_resamples: int = 1000

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedPool:
        return fit_pool(
            self.members,
            snapshot,
            horizon,
            weigh=partial(model_probabilities, n_resamples=self.n_resamples, seed=seed),
            n_folds=(self.n_folds_min, self.n_folds_max),
            seed=seed,
        )


def model_probabilities(
    seen: FoldChances, *, n_resamples: int, seed: int
) -> Float[np.ndarray, " members"]:
    """Mean over resamples of customers of softmax(Σ log chance)."""
    scores = np.log(seen.chances)
    # Why centred: only differences between members count, and their sums lose fewer digits.
    scores = scores - scores.mean(axis=1, keepdims=True)
    rng = np.random.default_rng(seed)
    total = np.zeros(scores.shape[1])
    for _ in range(n_resamples):
        draw = rng.standard_exponential(len(scores))
        evidence = len(scores) * (draw / draw.sum()) @ scores
        likely = np.exp(evidence - evidence.max())
        total += likely / likely.sum()
    return np.asarray(total / n_resamples)
