"""Whether the stores hold what they must: each event once, in its ledger, in its score."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, Final

from patronage.live.corrections import those_that_count
from patronage.live.event_store import EventStore, Record
from patronage.live.ledger_text import written_ledger
from patronage.live.live_model import LiveModel
from patronage.live.online_store import OnlineStore
from patronage.live.scores import Held, Score
from patronage.snapshots import CustomerLedger
from patronage.snapshots.grains import Entries

__all__ = ["Consistency", "check_stores"]

_NUMBERS: Final = ("clv", "clv_p10", "clv_p90", "p_alive", "expected_purchases")
_TOLERANCE: Final = 1e-9


@dataclass(frozen=True)
class Consistency:
    """What a check found.

    Attributes
    ----------
    events, customers : that were looked at
    waiting : customers that are to be scored anew; their scores are not compared
    unscored : customers without a score of this model that do not wait for one: nobody has served
        the store since it was filled, or since another model was chosen
    absent : customers that the online store lacks; who asks for one puts it there
    lost : event ids that were taken in and whose event is not there
    twice : events that are there again
    ledgers : customers whose ledger is not that of their events
    scores : customers whose score is not that of batch
    online : customers of whom the online store holds something older, or another number
    """

    events: int = 0
    customers: int = 0
    waiting: int = 0
    unscored: int = 0
    absent: int = 0
    lost: int = 0
    twice: int = 0
    ledgers: int = 0
    scores: int = 0
    online: int = 0

    @property
    def is_well(self) -> bool:
        """Nothing is lost, counted twice or other than it must be."""
        return not (self.lost or self.twice or self.ledgers or self.scores or self.online)

    def __add__(self, other: "Consistency") -> "Consistency":
        told = asdict(other)
        return Consistency(**{k: n + told[k] for k, n in asdict(self).items()})


def check_stores(
    store: EventStore, model: LiveModel, online: OnlineStore | None = None
) -> Consistency:
    """Fold every customer's events anew, score them anew, and compare; a service may be at work.

    online : None: it is not looked at

    Raises
    ------
    StoreError : a store cannot be read
    """
    lost, twice = store.unmatched()
    found = Consistency(lost=lost, twice=twice)
    for some in store.records():
        found += _checked(some, model, online)
    return found


def _checked(
    records: Sequence[Record], model: LiveModel, online: OnlineStore | None
) -> Consistency:
    place = model.workspace
    folded = {}
    for one in records:
        empty = CustomerLedger(one.held.customer_id, Entries(place.has_clock, place.rated_kinds))
        folded[one.held.customer_id] = empty.after(
            *(event.row() for event in those_that_count(one.events))
        )
    settled = [one.held for one in records if not one.waits]
    scored = [held for held in settled if held.score and held.fingerprint == model.fingerprint]
    batch = dict(_scores(scored, folded, model))
    found = Consistency(
        events=sum(len(one.events) for one in records),
        customers=len(records),
        waiting=len(records) - len(settled),
        unscored=len(settled) - len(scored),
        ledgers=sum(
            written_ledger(folded[one.held.customer_id]) != one.held.ledger for one in records
        ),
        scores=sum(not _same(held.score, batch.get(held.customer_id)) for held in scored),
    )
    if online is None:
        return found
    there = online.get([held.customer_id for held in settled])
    return replace(
        found,
        absent=sum(one is None for one in there),
        online=sum(_differs(*pair) for pair in zip(settled, there, strict=True)),
    )


def _scores(
    held: Sequence[Held], folded: dict[Any, CustomerLedger], model: LiveModel
) -> Iterator[tuple[Any, Score]]:
    """What batch says of each at the day of its score."""
    by_day: dict[date, list[CustomerLedger]] = {}
    for one in held:
        assert one.score is not None
        by_day.setdefault(one.score.as_of, []).append(folded[one.customer_id])
    for as_of, ledgers in by_day.items():
        yield from model.score(ledgers, as_of).items()


def _differs(held: Held, there: Held | None) -> bool:
    """Whether the online store answers something that the event store would not.

    What is newer does not: a service is at work. Nor does what is of another day or model: it is
    made anew for who asks.
    """
    if there is None or there.version > held.version:
        return False
    if (there.version, there.ledger) != (held.version, held.ledger):
        return True
    if there.score is None or held.score is None:
        return False
    if (there.fingerprint, there.score.as_of) != (held.fingerprint, held.score.as_of):
        return False
    return not _same(there.score, held.score)


def _same(one: Score | None, other: Score | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.as_of, one.version) == (other.as_of, other.version) and all(
        _near(getattr(one, name), getattr(other, name)) for name in _NUMBERS
    )


def _near(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
