"""The protocol of learners: a table and targets in, predictors and honest predictions out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from patronage.errors import SettingsError
from patronage.models.learners.binned import BinnedTable

__all__ = [
    "Grown",
    "GrownJointly",
    "Head",
    "JointLearner",
    "JointLoss",
    "JointPredictor",
    "Learner",
    "Loss",
    "Predictor",
    "refuse_loss",
]

Loss = Literal["binary", "gamma", "poisson", "tweedie", "squared", "quantile"]


@dataclass(frozen=True)
class Head:
    """One thing to learn: the expectation or a quantile of a target.

    Attributes
    ----------
    target : what each row is to be predicted as
    loss : the deviance that is minimised; its optimum is the conditional mean, or with "quantile"
        (the pinball loss) the quantile at `level`
    rows : the rows that say anything of it; None: all
    power : variance power of the Tweedie deviance
    level : of the quantile
    """

    target: Float[np.ndarray, " rows"]
    loss: Loss
    rows: Bool[np.ndarray, " all_rows"] | None = None
    power: float = 1.5
    level: float = 0.5


@runtime_checkable
class Predictor(Protocol):
    """A frozen dataclass of texts and arrays that predicts the rows of a table."""

    def predict(self, matrix: Float32[np.ndarray, "rows features"]) -> Float[np.ndarray, " rows"]:
        """The expected target (or its quantile) of each row, on the target's own scale."""
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


def refuse_loss(learner: object, loss: Loss) -> SettingsError:
    """The error of a learner that is asked for a loss it has no means for."""
    return SettingsError(
        f"{type(learner).__name__} learns no {loss} heads.\n"
        "To mend: give the model another learner, such as LightGBM, XGBoost or GradientBoosting."
    )


@runtime_checkable
class JointLoss(Protocol):
    """A loss of several scores per row at once, such as a likelihood of several parameters."""

    def start(self, target: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " scores"]:
        """The scores that all rows begin with."""
        ...

    def value(
        self, target: Float[np.ndarray, " rows"], scores: Float[np.ndarray, "rows scores"]
    ) -> Float[np.ndarray, " rows"]:
        """The loss of each row."""
        ...

    def gradient(
        self, target: Float[np.ndarray, " rows"], scores: Float[np.ndarray, "rows scores"]
    ) -> tuple[Float[np.ndarray, "rows scores"], Float[np.ndarray, "rows scores"]]:
        """Gradient by score, and a positive curvature for the step."""
        ...


@runtime_checkable
class JointPredictor(Protocol):
    """A frozen dataclass of texts and arrays that predicts several scores of each row."""

    def predict(
        self, matrix: Float32[np.ndarray, "rows features"]
    ) -> Float[np.ndarray, "rows scores"]:
        """The scores of each row."""
        ...


@dataclass(frozen=True)
class GrownJointly:
    """A predictor, and the scores of each row by the member that never saw it."""

    predictor: JointPredictor
    unseen: Float[np.ndarray, "rows scores"]


@runtime_checkable
class JointLearner(Learner, Protocol):
    """A learner that can also grow several scores together, on a loss that it is given."""

    def grow_jointly(
        self,
        table: BinnedTable,
        fold: Int[np.ndarray, " rows"],
        target: Float[np.ndarray, " rows"],
        loss: JointLoss,
        *,
        seed: int,
    ) -> GrownJointly:
        """One member per fold on the rows outside it, as `grow` does."""
        ...
