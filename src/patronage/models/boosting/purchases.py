"""The forest of expected purchases: the same for every boosting model taught the same lesson."""

from patronage.horizon import Horizon
from patronage.models.boosting.lesson import Lesson, LessonSettings
from patronage.models.boosting.trees import Head, Trees, TreeSettings, grow
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
) -> Trees:
    """Expected counted purchase days within the lesson's horizon.

    A snapshot that remembers grows it once for all models.

    Parameters
    ----------
    lesson : made of this snapshot, with the settings `taught`, this horizon and this seed
    """

    def make() -> Trees:
        head = Head(lesson.purchases, {"objective": "poisson"})
        (grown,) = grow(lesson.table, lesson.fold, (head,), settings=trees, seed=seed)
        return grown.trees

    return snapshot.recall(("purchases", horizon, taught, trees, seed), make, n_rows=lambda _: 0)
