"""What is answered, as types; the OpenAPI describes these, and the client reads them."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

import msgspec

from patronage.live.arrivals import Arrival
from patronage.live.scores import Change, Score
from patronage.scoring.score import LEVEL

__all__ = [
    "BatchTaken",
    "ChangeAnswer",
    "Interval",
    "Moved",
    "ScoreAnswer",
    "ScoresAnswer",
    "Taken",
    "change_answer",
    "in_utc",
    "score_answer",
    "shown",
]


class Interval(msgspec.Struct, frozen=True):
    """Bounds that hold what they bound with probability `level`."""

    low: float
    high: float
    level: float = LEVEL


class ScoreAnswer(msgspec.Struct, frozen=True):
    """What a customer is worth.

    Attributes
    ----------
    clv : present value of the expected margin over the horizon
    interval : of this customer's outcome
    mean_interval : of the expectation; null where the model does not know its own uncertainty
    as_of : first day that is not known
    scored_at : when it was made; null for a past day
    degraded : the online store failed, and the event store answered
    """

    customer_id: int | str
    clv: float
    interval: Interval
    mean_interval: Interval | None
    p_alive: float | None
    expected_purchases: float | None
    segment: str
    as_of: date
    horizon_days: float
    currency: str
    model: str
    version: str
    scored_at: datetime | None = None
    degraded: bool = False


class ScoresAnswer(msgspec.Struct, frozen=True):
    """Scores of several customers, all by one model.

    Attributes
    ----------
    missing : a problem, in a sentence, for each id that is not known
    """

    scores: list[ScoreAnswer]
    missing: dict[str, str]


class Moved(msgspec.Struct, frozen=True):
    """Parts of a change of clv; they add up to it."""

    events: float
    time: float
    model: float


class ChangeAnswer(msgspec.Struct, frozen=True):
    """From one score to the next, and what moved it.

    Attributes
    ----------
    trigger : event, calendar, model or import
    previous : null where there was none
    event_ids, lanes : of the events that count since the previous score
    """

    customer_id: int | str
    scored_at: datetime
    trigger: str
    previous: ScoreAnswer | None
    score: ScoreAnswer
    moved: Moved
    event_ids: tuple[str, ...]
    lanes: tuple[str, ...]


class Taken(msgspec.Struct, frozen=True):
    """One event that was taken in; true once it is answered, for it was committed.

    Attributes
    ----------
    status : accepted or duplicate
    version : of the customer's ledger after it; null for a duplicate
    change : with `wait`: the score that it led to; null where that was not made in time
    """

    event_id: str
    customer_id: int | str
    status: str
    version: int | None = None
    change: ChangeAnswer | None = None


class BatchTaken(msgspec.Struct, frozen=True):
    """What became of each of many events, by its place from 0.

    Attributes
    ----------
    refused : place → what is wrong with it; each is a dead letter now
    """

    accepted: list[int]
    duplicates: list[int]
    refused: Mapping[int, str]


def in_utc(moment: datetime) -> datetime:
    """An instant of our clocks with its zone."""
    return moment.replace(tzinfo=UTC)


def score_answer(
    score: Score, scored_at: datetime | None = None, *, degraded: bool = False
) -> ScoreAnswer:
    """A score as it is told."""
    low, high = score.clv_mean_low, score.clv_mean_high
    return ScoreAnswer(
        score.customer_id,
        score.clv,
        Interval(score.clv_p10, score.clv_p90),
        None if low is None or high is None else Interval(low, high),
        score.p_alive,
        score.expected_purchases,
        score.segment,
        score.as_of,
        score.horizon_days,
        score.currency,
        score.model,
        score.version,
        None if scored_at is None else in_utc(scored_at),
        degraded,
    )


def change_answer(change: Change) -> ChangeAnswer:
    """A change as it is told."""
    return ChangeAnswer(
        change.customer_id,
        in_utc(change.scored_at),
        change.trigger,
        None if change.previous is None else score_answer(change.previous),
        score_answer(change.score, change.scored_at),
        Moved(change.by_events, change.by_time, change.by_model),
        change.event_ids,
        change.lanes,
    )


def shown(event: Arrival) -> Arrival:
    """An event with the zone of its times."""
    known = event.known_time
    return msgspec.structs.replace(
        event,
        event_time=in_utc(event.event_time),
        known_time=None if known is None else in_utc(known),
    )
