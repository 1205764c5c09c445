"""The process model's vote: its part in the forecast beside the trees, learned with them.

Trees answer with the mean of a leaf, whoever is in it; a process model knows no more than counts
and times, but tells the heaviest from the heavy. Where it adds nothing its vote comes out as 0.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from patronage.models.base import FittedModel
from patronage.models.blending import blend, blend_weights
from patronage.models.expectations import expectations_of
from patronage.models.folds import Summary, summarise
from patronage.models.tabular.lesson import Lesson
from patronage.snapshots import Snapshot

__all__ = ["Voted", "learn_vote", "with_vote"]

# Why not 1: a process model may expect exactly nothing, about which no outcome has a spread.
_MOST: Final = 0.9

# Why bounds: a process model that misses by more than this says nothing of a season.
_LEAST_BEYOND: Final = 0.5
_MOST_BEYOND: Final = 2.0


@dataclass(frozen=True)
class Voted:
    """What the process model brings.

    Attributes
    ----------
    weight : its part in what is forecast within the learned horizon, 0 to 0.9
    beyond : what purchases after the learned horizon are multiplied with: those that the process
        model expected of the lesson's rows over those that came. The windows learned from have
        their season; the process model has the level of the whole history.
    told : the blend that it makes with the trees on the lesson's rows
    """

    weight: float
    beyond: float
    told: Summary


def learn_vote(
    process: FittedModel | None, snapshot: Snapshot, lesson: Lesson, trees: Summary
) -> Voted:
    """The process model's weight, and its level beside what came.

    Parameters
    ----------
    process : fitted today: that its few parameters have seen what followed is a leak too small
        to matter, and saves a fit at every origin
    lesson : made of this snapshot
    trees : what each row of the lesson was told by the member that never saw its customer
    """
    if process is None:
        return Voted(0.0, 1.0, trees)
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
    return Voted(weight, _beyond(expected, lesson), with_vote(trees, expected, weight))


def with_vote(trees: Summary, process: Summary | None, weight: float) -> Summary:
    """The trees' forecast blended with the process model's, where there is one."""
    if process is None:
        return trees
    return blend((trees, process), np.array([1.0 - weight, weight]))


def _beyond(expected: Summary, lesson: Lesson) -> float:
    came = float(lesson.purchases.sum())
    told = float(expected.purchases.sum())
    return float(np.clip(told / came, _LEAST_BEYOND, _MOST_BEYOND)) if came > 0 else 1.0
