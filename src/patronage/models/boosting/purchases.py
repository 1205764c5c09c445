"""The forest of expected purchases: the same for every boosting model taught the same lesson."""

from patronage.horizon import Horizon
from patronage.models.boosting.lesson import Lesson, LessonSettings
from patronage.models.boosting.trees import Grown, Head, TreeSettings, grow
from patronage.snapshots import Snapshot

__all__ = ["grow_purchases"]


def grow_purchases(
    snapshot: Snapshot,
    horizon: Horizon,
    lesson: Lesson,
    *,
    taught: LessonSettings,
    trees: TreeSettings,
    seed: int,
) -> Grown:
    """Expected counted purchase days within the lesson's horizon.

    A snapshot that remembers grows it once for all models.

    Parameters
    ----------
    lesson : made of this snapshot, with the settings `taught`, this horizon and this seed
    """

    def make() -> Grown:
        head = Head(lesson.purchases, {"objective": "poisson"})
        (grown,) = grow(lesson.table, lesson.fold, (head,), settings=trees, seed=seed)
        return grown

    return snapshot.recall(
        ("purchases", horizon, taught, trees, seed),
        make,
        # Why: one number a row, where a row of a snapshot has thirty.
        n_rows=lambda grown: len(grown.unseen) // 30,
    )
