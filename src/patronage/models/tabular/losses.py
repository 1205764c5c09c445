"""Customers who will have cost more than they paid: how likely, and how much."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Float, Float32

from patronage.models.learners.base import Head, Learner, Predictor
from patronage.models.tabular.lesson import Lesson

__all__ = ["Losses", "learn_losses"]

# With fewer rows of a net loss, what they cost is taken off everybody's gains instead.
_FEWEST: Final = 60
# With fewer, every loss is expected to be as large.
_FEWEST_FOR_SIZE: Final = 400


@final
@dataclass(frozen=True)
class Losses:
    """Learned of rows whose net cash was not above 0.

    Attributes
    ----------
    chance : P(net cash < 0 | net cash <= 0)
    size : expected loss, if any; None: the same for all
    scale : what the expected loss is multiplied with, so that unseen losses sum right
    ratios : quantiles of the loss over its expectation, with mean 1
    """

    chance: Predictor
    size: Predictor | None
    scale: float
    ratios: Float[np.ndarray, " levels"]

    def predict(
        self, matrix: Float32[np.ndarray, "rows features"]
    ) -> tuple[Float[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
        """P(net cash < 0 | net cash <= 0), and the expected loss if there is one."""
        chance = np.clip(self.chance.predict(matrix), 0.0, 1.0)
        size = np.ones(len(matrix)) if self.size is None else self.size.predict(matrix)
        return chance, size * self.scale


def learn_losses(
    lesson: Lesson,
    learner: Learner,
    paying: Float[np.ndarray, " rows"],
    levels: Float[np.ndarray, " levels"],
    *,
    seed: int,
) -> Losses | None:
    """Learn them, or None where there are too few.

    Parameters
    ----------
    paying : P(cash > 0) of each row by the member that never saw it
    levels : of the quantiles, from 0 to 1
    """
    lost, rest = lesson.net < 0, lesson.net <= 0
    if min(int((lost & (lesson.fold == k)).sum()) for k in range(learner.n_folds)) < _FEWEST / 3:
        return None
    heads = [Head(lost[rest].astype(np.float64), "binary", rows=rest)]
    if int(lost.sum()) >= _FEWEST_FOR_SIZE:
        heads.append(Head(-lesson.net[lost], "gamma", rows=lost))
    grown = learner.grow(lesson.table, lesson.fold, heads, seed=seed)
    size = grown[1].unseen if len(grown) > 1 else np.ones(len(lost))
    expected = (1.0 - paying) * np.clip(grown[0].unseen, 0.0, 1.0) * size
    ratios = np.quantile(-lesson.net[lost] / size[lost], levels)
    # Linear between the levels, so the mean is that of neighbours.
    mean = float((ratios[1:] + ratios[:-1]) / 2.0 @ np.diff(levels))
    return Losses(
        grown[0].predictor,
        grown[1].predictor if len(grown) > 1 else None,
        float(-lesson.net[lost].sum() / expected.sum()),
        ratios / mean,
    )
