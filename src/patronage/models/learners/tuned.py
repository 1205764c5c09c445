"""Several learners; each head keeps the one that told unseen customers best."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Int

from patronage.errors import SettingsError
from patronage.models.learners.base import Grown, Head, Learner
from patronage.models.learners.binned import BinnedTable
from patronage.models.learners.crossing import deviance
from patronage.models.learners.lightgbm import LightGBM

__all__ = ["Tuned"]

# Random cuts forecast shops better, the best cuts what follows from a few columns by rule, such as
# the claims of an insurance; how many leaves are right goes by the rows.
_AMONG: Final = (
    LightGBM(),
    LightGBM(learning_rate=0.05, num_leaves=31),
    LightGBM(random_cuts=False, num_leaves=7),
    LightGBM(random_cuts=False, learning_rate=0.05),
)


@final
@dataclass(frozen=True)
class Tuned:
    """The learner of a head is chosen by the loss of rows that its members did not learn from.

    Attributes
    ----------
    among : learners with as many folds as each other; where two tell alike, the earlier one is kept
    """

    among: tuple[Learner, ...] = _AMONG

    def __post_init__(self) -> None:
        if len({one.n_folds for one in self.among}) != 1:
            raise SettingsError(
                f"learners to choose among have {[one.n_folds for one in self.among]} folds.\n"
                "To mend: give at least one, all with the same n_folds."
            )

    @property
    def n_folds(self) -> int:
        """As each of them."""
        return self.among[0].n_folds

    def grow(
        self,
        table: BinnedTable,
        fold: Int[np.ndarray, " rows"],
        heads: Sequence[Head],
        *,
        seed: int,
    ) -> list[Grown]:
        """Each head by the learner that tells it best."""
        grown = [one.grow(table, fold, heads, seed=seed) for one in self.among]
        return [
            _best(head, some) for head, some in zip(heads, zip(*grown, strict=True), strict=True)
        ]


def _best(head: Head, grown: Sequence[Grown]) -> Grown:
    def loss(one: Grown) -> float:
        unseen = one.unseen if head.rows is None else one.unseen[head.rows]
        return deviance(head, head.target, unseen)

    return min(grown, key=loss)
