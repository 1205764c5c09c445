"""The process model's vote: its part in the forecast beside the trees, learned with them.

Trees answer with the mean of a leaf, whoever is in it; a process model knows no more than counts
and times, but tells the heaviest from the heavy. Where it adds nothing its vote comes out as 0.
"""

from typing import Final

import numpy as np

from patronage.models.base import FittedModel
from patronage.models.blending import blend, blend_weights
from patronage.models.expectations import expectations_of
from patronage.models.folds import Summary, summarise
from patronage.models.tabular.lesson import Lesson
from patronage.snapshots import Snapshot

__all__ = ["learn_vote", "with_vote"]

# Why not 1: a process model may expect exactly nothing, about which no outcome has a spread.
_MOST: Final = 0.9


def learn_vote(
    process: FittedModel | None, snapshot: Snapshot, lesson: Lesson, trees: Summary
) -> tuple[float, Summary]:
    """The weight of the process model, 0 to 0.9, and the blend that it makes with the trees.

    Parameters
    ----------
    process : fitted today: that its few parameters have seen what followed is a leak too small
        to matter, and saves a fit at every origin
    lesson : made of this snapshot
    trees : what each row of the lesson was told by the member that never saw its customer
    """
    if process is None:
        return 0.0, trees
    told = [
        summarise(forecast)
        for origin in lesson.origins
        for forecast in expectations_of(process, snapshot.rewind(origin), [lesson.horizon])
    ]
    columns = (
        np.concatenate([getattr(one, name) for one in told])[lesson.rows]
        for name in ("cash", "purchases", "p_positive")
    )
    expected = Summary(*columns)
    found = blend_weights((trees, expected), lesson.cash, lesson.purchases)
    weight = min(float(found[1]), _MOST)
    return weight, with_vote(trees, expected, weight)


def with_vote(trees: Summary, process: Summary | None, weight: float) -> Summary:
    """The trees' forecast blended with the process model's, where there is one."""
    if process is None:
        return trees
    return blend((trees, process), np.array([1.0 - weight, weight]))
