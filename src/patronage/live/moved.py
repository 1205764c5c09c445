"""What moved a score: events, time, or another model; the parts add up."""

from datetime import datetime

from patronage.live.event_store import Task
from patronage.live.scores import Change, Score

__all__ = ["change_of"]


def change_of(task: Task, score: Score, untouched: Score | None, now: datetime) -> Change:
    """The change from the last score of the task's customer to this one.

    untouched : what the customer would be worth now without the events that wait; None: the same
        as the last score
    """
    previous = task.held.score
    if previous is None:
        by_events, rest = score.clv, 0.0
    elif not task.event_ids:
        by_events, rest = 0.0, score.clv - previous.clv
    else:
        would_be = previous.clv if untouched is None else untouched.clv
        by_events, rest = score.clv - would_be, would_be - previous.clv
    other_model = previous is not None and previous.version != score.version
    return Change(
        customer_id=task.held.customer_id,
        scored_at=now,
        trigger=task.trigger,
        score=score,
        previous=previous,
        by_events=by_events,
        by_time=0.0 if other_model else rest,
        by_model=rest if other_model else 0.0,
        event_ids=task.event_ids,
        lanes=task.lanes,
    )
