"""EventStore: the durable side. One transaction takes events in, exactly once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol, runtime_checkable

from patronage.live.arrivals import Arrival, Refusal
from patronage.live.scores import Change, Held

__all__ = ["EventStore", "Receipt", "Record", "Task"]


@dataclass(frozen=True)
class Receipt:
    """What became of a batch; true once it is returned, for it was committed.

    Attributes
    ----------
    accepted : event ids that were new
    duplicates : event ids that had been taken in before, with the same content
    refused : place in the batch → reason; each is a dead letter now
    versions : customer → version of the ledger after it
    """

    accepted: tuple[str, ...] = ()
    duplicates: tuple[str, ...] = ()
    refused: Mapping[int, str] = field(default_factory=dict)
    versions: Mapping[Any, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """A customer to score anew.

    Attributes
    ----------
    held : the ledger as it is now; its score is the last in the history, or None
    up_to : the last outbox row that this covers
    event_ids : events that wait since the last score
    lanes : names of their lanes, most urgent first
    trigger : event, calendar, model, link (somebody linked did something) or import
    """

    held: Held
    up_to: int
    event_ids: tuple[str, ...]
    lanes: tuple[str, ...]
    trigger: str


@dataclass(frozen=True)
class Record:
    """All that is kept of a customer, of one moment.

    Attributes
    ----------
    held : ledger and last score
    events : every one, those that were corrected too
    waits : whether it is to be scored anew
    """

    held: Held
    events: tuple[Arrival, ...]
    waits: bool


@runtime_checkable
class EventStore(Protocol):
    """Events, ledgers, outbox, dead letters, history. Every method is one transaction."""

    def take_in(
        self,
        batch: Sequence[Arrival | Refusal],
        *,
        now: datetime,
        source: str | None = None,
        offset: int | None = None,
    ) -> Receipt:
        """Insert what is absent, fold it into ledgers, put it into the outbox, keep the offset.

        An event id that comes again with other content is refused. Where `offset` is not beyond
        the one kept of `source`, the whole batch was taken in before, and nothing is done again.

        Raises
        ------
        StoreError : nothing of it was taken in
        """
        ...

    def continue_from(self, log: str) -> None:
        """Remember the log that the store begins with, by its hash.

        Raises
        ------
        SettingsError : it began with another
        """
        ...

    def bring(self, history: Sequence[Arrival], *, offset: int) -> int:
        """Take in a part of the log that the service begins with; how many were new."""
        ...

    def offset(self, source: str) -> int | None:
        """How far a source was taken in."""
        ...

    def due(self, now: datetime, *, limit: int) -> list[Task]:
        """At most so many customers whose time has come, most urgent first; lent for a while."""
        ...

    def mark(
        self, trigger: str, *, now: datetime, customer_ids: Sequence[Any] | None = None
    ) -> int:
        """Make customers due, by default all (a new day, a new model); how many."""
        ...

    def finish(self, done: Sequence[tuple[Task, Held, Change]]) -> None:
        """Keep the scores and their changes, and take the tasks out of the outbox."""
        ...

    def held(self, customer_ids: Sequence[Any]) -> list[Held | None]:
        """Ledger and last score of each, from the disk."""
        ...

    def lent(self, customer_ids: Sequence[Any]) -> set[Any]:
        """Those of them that a scorer was lent and has not finished."""
        ...

    def all_held(self, *, batch: int = 1_000) -> Iterator[list[Held]]:
        """Everybody, to fill an online store again."""
        ...

    def records(self, *, batch: int = 500) -> Iterator[list[Record]]:
        """Everybody with all events, to check the store."""
        ...

    def unmatched(self) -> tuple[int, int]:
        """Event ids that were taken in and whose event is not there; events that are there again.

        Both are 0 unless the store is damaged.
        """
        ...

    def last_change(self) -> int:
        """The greatest number of a change; 0: there is none."""
        ...

    def change_numbers(self, *, after: int) -> list[int]:
        """Numbers of changes above one, ascending."""
        ...

    def changes(self, numbers: Sequence[int]) -> list[Change]:
        """The changes of these numbers, ascending."""
        ...

    def history(self, customer_id: Any, *, limit: int = 100) -> list[Change]:
        """Changes of a customer's score, latest first."""
        ...

    def events(self, customer_id: Any, *, limit: int = 1_000) -> list[Arrival]:
        """Events of a customer that count, latest first."""
        ...

    def first_purchases(
        self, customer_ids: Sequence[Any], *, kinds: Sequence[str], before: date
    ) -> list[Arrival]:
        """Purchases of the first instant of each customer, of what happened and was known before.

        kinds : those that count as purchases
        """
        ...

    def export(self, path: Any) -> int:
        """Write all events that count to a Parquet file, as a log; how many."""
        ...

    def dead_letters(self, *, limit: int = 100) -> list[Mapping[str, Any]]:
        """id, received, reason, body, tries of what was refused and not replayed, latest first."""
        ...

    def dead_letter(self, number: int) -> Mapping[str, Any] | None:
        """One of them by its id; None where there is none that waits."""
        ...

    def replay(self, letters: Mapping[int, Arrival], *, now: datetime) -> Receipt:
        """Take dead letters in, mended; each leaves the table with that."""
        ...

    def reviews(self, *, limit: int = 100) -> list[Mapping[str, Any]]:
        """id, customer_id, event_id, lane, weight, created of what people must decide."""
        ...

    def decide(self, review: int, *, decision: str, by: str, now: datetime) -> bool:
        """Close a review; False where there is none open of that number."""
        ...

    def counts(self) -> Mapping[str, int]:
        """events, customers, waiting, dead_letters, reviews: for metrics."""
        ...

    def clear_before(self, day: date, *, limit: int) -> int:
        """Forget changes of scores before the day, the oldest first and some at a time; how many.

        0 once none is left; the last score of each customer stays with its ledger.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
