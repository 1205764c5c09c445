"""Blend: members weighted so that the mixture had held likely what happened at earlier days."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Float

from patronage.horizon import Horizon
from patronage.models.base import Model
from patronage.models.ensembles.pool import FittedPool, FoldChances, fit_pool
from patronage.snapshots import Snapshot

__all__ = ["Blend", "mixture_weights"]

_MOST_STEPS: Final = 3_000
_GAP: Final = 1e-9


@final
@dataclass(frozen=True)
class Blend:
    """A linear opinion pool of greatest log score on out-of-time folds.

    Attributes
    ----------
    members : name → model; one for which the folds have too little history is left out
    half_life : folds after which what was seen counts half, so that weights follow a base that
        changes; None: all folds count the same
    n_folds_min, n_folds_max : earlier days to weigh on
    """

    members: Mapping[str, Model]
    half_life: float | None = None
    n_folds_min: int = 1
    n_folds_max: int = 3

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedPool:
        return fit_pool(
            self.members,
            snapshot,
            horizon,
            weigh=self._weights,
            n_folds=(self.n_folds_min, self.n_folds_max),
            seed=seed,
        )

    def _weights(self, seen: FoldChances) -> Float[np.ndarray, " members"]:
        ages = seen.fold.max() - seen.fold
        counts = np.ones(len(ages)) if self.half_life is None else 0.5 ** (ages / self.half_life)
        return mixture_weights(seen.chances, counts)


def mixture_weights(
    chances: Float[np.ndarray, "rows members"], counts: Float[np.ndarray, " rows"]
) -> Float[np.ndarray, " members"]:
    """Weights, 0 or more with sum 1, that maximise Σ counts · log(chances @ weights).

    EM, whose step is weights · gain with gain = E[chances / mixture], taken with an exponent that
    grows while it helps (Salakhutdinov & Roweis 2003, "Adaptive overrelaxed bound optimization"):
    where members are nearly alike, plain EM creeps. The problem is concave, and by Jensen no
    weights score more than log(max gain) above these, on average of the counts: that is where it
    ends. Equal weights are where it begins, so members that say the same share.
    """
    weights = np.full(chances.shape[1], 1.0 / chances.shape[1])
    share = counts / counts.sum()
    mixture = chances @ weights
    exponent = 1.0
    for _ in range(_MOST_STEPS):
        gain = share @ (chances / mixture[:, None])
        if gain.max() - 1.0 < _GAP:
            break
        with np.errstate(all="ignore"):  # a step too bold may leave a row without a chance
            bold = weights * gain**exponent
            bold /= bold.sum()
            helps = share @ np.log(chances @ bold / mixture) > 0.0
        weights = bold if helps else weights * gain
        exponent = 2.0 * exponent if helps else 1.0
        mixture = chances @ weights
    return np.asarray(weights / weights.sum())
