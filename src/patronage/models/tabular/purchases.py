"""Expected purchases: the same for every model of one learner taught the same lesson."""

from patronage.horizon import Horizon
from patronage.models.learners.base import Grown, Head, Learner
from patronage.models.tabular.lesson import Lesson, LessonSettings
from patronage.snapshots import Snapshot

__all__ = ["grow_purchases"]


def grow_purchases(
    snapshot: Snapshot,
    horizon: Horizon,
    lesson: Lesson,
    *,
    taught: LessonSettings,
    learner: Learner,
    seed: int,
) -> Grown:
    """Expected counted purchase days within the lesson's horizon.

    A snapshot that remembers learns it once for all models.

    Parameters
    ----------
    lesson : made of this snapshot, with the settings `taught`, this horizon and this seed
    """

    def make() -> Grown:
        head = Head(lesson.purchases, "poisson")
        (grown,) = learner.grow(lesson.table, lesson.fold, (head,), seed=seed)
        return grown

    return snapshot.recall(
        ("purchases", horizon, taught, learner, seed),
        make,
        # Why: one number a row, where a row of a snapshot has thirty.
        n_rows=lambda grown: len(grown.unseen) // 30,
    )
