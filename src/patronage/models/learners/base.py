"""The protocol of learners: a table and targets in, predictors and honest predictions out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from patronage.models.learners.binned import BinnedTable

__all__ = ["Grown", "Head", "Learner", "Loss", "Predictor"]

Loss = Literal["binary", "gamma", "poisson", "tweedie", "squared"]


@dataclass(frozen=True)
class Head:
    """One thing to learn: the expectation of a target.

    Attributes
    ----------
    target : what each row is to be predicted as
    loss : the deviance that is minimised; its optimum is the conditional mean
    rows : the rows that say anything of it; None: all
    power : variance power of the Tweedie deviance
    """

    target: Float[np.ndarray, " rows"]
    loss: Loss
    rows: Bool[np.ndarray, " all_rows"] | None = None
    power: float = 1.5


@runtime_checkable
class Predictor(Protocol):
    """A frozen dataclass of texts and arrays that predicts the rows of a table."""

    def predict(self, matrix: Float32[np.ndarray, "rows features"]) -> Float[np.ndarray, " rows"]:
        """The expected target of each row, on the target's own scale."""
        ...


@dataclass(frozen=True)
class Grown:
    """A predictor, and what each row of the table was predicted by the member that never saw it."""

    predictor: Predictor
    unseen: Float[np.ndarray, " all_rows"]


@runtime_checkable
class Learner(Protocol):
    """A frozen dataclass of settings."""

    @property
    def n_folds(self) -> int:
        """Blocks of customers; each is predicted by a member that did not learn from it."""
        ...

    def grow(
        self,
        table: BinnedTable,
        fold: Int[np.ndarray, " rows"],
        heads: Sequence[Head],
        *,
        seed: int,
    ) -> list[Grown]:
        """Learn each head, one member per fold on the rows outside it.

        Every row has a prediction from customers that do not include its own, from which spread
        and scale are learned honestly.
        """
        ...
