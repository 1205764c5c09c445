"""Random probes: a feature that gains no more than noise does is noise to the learner."""

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from patronage.models.learners.base import Head
from patronage.models.learners.binned import BinnedTable
from patronage.models.learners.importance import gains
from patronage.models.learners.lightgbm import LightGBM, Trees

__all__ = ["beats_probes"]


def beats_probes(
    matrix: Float32[np.ndarray, "rows features"],
    target: Float[np.ndarray, " rows"],
    fold: Int[np.ndarray, " rows"],
    *,
    n_probes: int,
    learner: LightGBM,
    seed: int,
) -> tuple[Bool[np.ndarray, " features"], Float[np.ndarray, " features"]]:
    """Which features gain more than the best of the probes, and the share of the gain of each.

    A probe is a feature of the table, drawn at random, with its rows shuffled: it has the same
    values and tells nothing.

    Parameters
    ----------
    target : 0 or more, learned by the Tweedie deviance
    fold : blocks of customers; a member stops growing by those that it never saw
    """
    rng = np.random.default_rng(seed)
    drawn = rng.choice(matrix.shape[1], size=n_probes)
    probes = np.stack([rng.permutation(matrix[:, k]) for k in drawn], axis=1)
    table = BinnedTable(np.ascontiguousarray(np.hstack([matrix, probes])), seed)
    (grown,) = learner.grow(table, fold, [Head(target, "tweedie")], seed=seed)
    assert isinstance(grown.predictor, Trees)
    gained = gains(grown.predictor)
    n = matrix.shape[1]
    return gained[:n] > gained[n:].max(), gained[:n]
