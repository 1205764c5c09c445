"""Intake: events into the tables, exactly once, with ledgers and outbox in the same transaction."""

from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, final

from patronage.live.arrivals import Arrival, Refusal, valued
from patronage.live.corrections import those_that_count
from patronage.live.database import Database, Transaction
from patronage.live.event_store import Receipt
from patronage.live.lanes import Lane, lane_of
from patronage.live.ledger_text import text_after, written_ledger
from patronage.live.rows import arrival, digest_of, event_row, micros, spelt
from patronage.live.spelling import Spelling
from patronage.snapshots import CustomerLedger
from patronage.snapshots.grains import Entries

__all__ = ["Intake"]

_MOST_LEDGERS: Final = 50_000
_HISTORY: Final = "history"
_KEEP_OFFSET: Final = (
    "INSERT INTO offsets VALUES (?, ?) "
    "ON CONFLICT (source) DO UPDATE SET position = excluded.position "
    "WHERE offsets.position < excluded.position"
)


@final
class Intake:
    """The writing half of `SqlEventStore`; its methods are those of `EventStore`."""

    def __init__(
        self,
        database: Database,
        spelling: Spelling,
        lanes: tuple[Lane, ...],
    ) -> None:
        self.database, self.spelling = database, spelling
        self.lanes = lanes
        # Texts of ledgers. Why a version beside each: another process may have moved it.
        self._read: OrderedDict[str, tuple[int, str]] = OrderedDict()

    def take_in(
        self,
        batch: Sequence[Arrival | Refusal],
        *,
        now: datetime,
        source: str | None = None,
        offset: int | None = None,
    ) -> Receipt:
        with self.database.writing() as tx:
            known = source is not None and offset is not None
            if known and not tx.run(_KEEP_OFFSET, (source, offset)):
                return Receipt(
                    duplicates=tuple(one.event_id for one in batch if isinstance(one, Arrival))
                )
            receipt, taken = self._take_in(tx, batch, now)
        self._remember(taken)
        return receipt

    def replay(self, letters: Mapping[int, Arrival], *, now: datetime) -> Receipt:
        with self.database.writing() as tx:
            open_ = [
                number
                for number in sorted(letters)
                if tx.run(
                    "UPDATE dead_letters SET replayed = ? WHERE id = ? AND replayed IS NULL",
                    (micros(now), number),
                )
            ]
            receipt, taken = self._take_in(tx, [letters[number] for number in open_], now)
        self._remember(taken)
        return receipt

    def bring(self, history: Sequence[Arrival], *, offset: int) -> int:
        """Take in a part of the log that the service begins with: nobody is told of it.

        offset : number of the part; one that was brought before is not brought again

        Returns
        -------
        events that were new
        """
        with self.database.writing() as tx:
            if not tx.run(_KEEP_OFFSET, (_HISTORY, offset)):
                return 0
            fresh = tx.insert_ids([(one.event_id, digest_of(one)) for one in history])
            self._fold(tx, [valued(one, self.spelling) for one in history if one.event_id in fresh])
        return len(fresh)

    def _take_in(
        self, tx: Transaction, batch: Sequence[Arrival | Refusal], now: datetime
    ) -> tuple[Receipt, dict[str, tuple[int, str]]]:
        refused = {place: one for place, one in enumerate(batch) if isinstance(one, Refusal)}
        first: dict[str, tuple[int, Arrival, bytes]] = {}
        duplicates, conflicts = [], dict[int, Arrival]()
        for place, one in enumerate(batch):
            if isinstance(one, Arrival):
                digest = digest_of(one)
                seen = first.setdefault(one.event_id, (place, one, digest))
                if seen[0] != place:
                    if seen[2] == digest:
                        duplicates.append(one.event_id)
                    else:
                        conflicts[place] = one
        fresh = tx.insert_ids([(name, digest) for name, (_, _, digest) in first.items()])
        known = _digests(tx, [name for name in first if name not in fresh])
        new = []
        for name, (place, one, digest) in first.items():
            if name in fresh:
                # Why only now: the digest is of what was said, whatever the rates are by a retry.
                new.append(valued(one, self.spelling))
            elif known[name] == digest:
                duplicates.append(name)
            else:
                conflicts[place] = one
        for place, one in conflicts.items():
            refused[place] = Refusal(
                f"event_id {one.event_id!r} was taken in before with other content: give a new "
                "event an id of its own; to correct one, send a new id and replaces",
                one.to_json(),
            )
        tx.run_many(
            "INSERT INTO dead_letters (received, reason, body) VALUES (?, ?, ?)",
            [(micros(now), one.reason, one.body) for one in refused.values()],
        )
        taken = self._fold(tx, new)
        self._announce(tx, new, now)
        versions = {spelt(who, self.spelling): version for who, (version, _) in taken.items()}
        reasons = {place: refused[place].reason for place in sorted(refused)}
        accepted = tuple(one.event_id for one in new)
        return Receipt(accepted, tuple(duplicates), reasons, versions), taken

    def _fold(self, tx: Transaction, new: Sequence[Arrival]) -> dict[str, tuple[int, str]]:
        by_customer = defaultdict(list)
        for event in new:
            by_customer[str(event.customer_id)].append(event)
        customers = list(by_customer)
        tx.lock(customers)
        tx.make_room([micros(event.event_time) for event in new])
        tx.insert("events", [event_row(event) for event in new])
        there = self._ledgers(tx, customers)
        taken, corrected = {}, {}
        for who, events in by_customer.items():
            version, ledger, was_corrected = there.get(who) or (0, self._empty(who), False)
            corrected[who] = was_corrected or any(one.replaces is not None for one in events)
            counted = events
            if corrected[who]:
                ledger, counted = self._empty(who), self._counted(tx, who)
            taken[who] = (version + 1, text_after(ledger, (one.row() for one in counted)))
        tx.insert(
            "ledgers",
            [
                {
                    "customer_id": who,
                    "version": version,
                    "ledger": ledger,
                    "corrected": int(corrected[who]),
                }
                for who, (version, ledger) in taken.items()
            ],
            key="customer_id",
        )
        return taken

    def _counted(self, tx: Transaction, who: str) -> list[Arrival]:
        """The events that count. What was put together in sums and extremes cannot be undone, so
        that a customer with corrections is folded again from them."""
        events = [
            arrival(body)
            for (body,) in tx.rows("SELECT body FROM events WHERE customer_id = ?", (who,))
        ]
        counted = those_that_count(events)
        names = {event.event_id for event in counted}
        tx.run_many(
            "UPDATE events SET counts = ? WHERE customer_id = ? AND event_id = ?",
            [(int(event.event_id in names), who, event.event_id) for event in events],
        )
        return counted

    def _empty(self, who: str) -> str:
        entries = Entries(self.spelling.has_clock, self.spelling.rated_kinds)
        return written_ledger(CustomerLedger(spelt(who, self.spelling), entries))

    def _ledgers(
        self, tx: Transaction, customers: Sequence[str]
    ) -> dict[str, tuple[int, str, bool]]:
        there = {
            who: (version, bool(corrected))
            for who, version, corrected in tx.rows(
                "SELECT customer_id, version, corrected FROM ledgers "
                "WHERE version > 0 AND customer_id = ANY(?)",
                (list(customers),),
            )
        }
        kept = {who: one for who in there if (one := self._read.get(who))}
        moved = [who for who, (version, _) in there.items() if kept.get(who, (0,))[0] != version]
        asked = "SELECT customer_id, version, ledger FROM ledgers WHERE customer_id = ANY(?)"
        kept |= {who: (version, text) for who, version, text in tx.rows(asked, (moved,))}
        return {who: (*kept[who], corrected) for who, (_, corrected) in there.items()}

    def _remember(self, taken: Mapping[str, tuple[int, str]]) -> None:
        """Keep what was committed, so that a busy customer's ledger is not read again."""
        self._read.update(taken)
        while len(self._read) > _MOST_LEDGERS:
            self._read.popitem(last=False)

    def _announce(self, tx: Transaction, new: Sequence[Arrival], now: datetime) -> None:
        laned = [(event, lane_of(event, self.lanes)) for event in new]
        tx.insert(
            "outbox",
            [
                {**_told(event, lane), "cause": "event", "due": micros(lane.due(now))}
                for event, lane in laned
            ],
        )
        tx.insert(
            "reviews",
            [
                {**_told(event, lane), "created": micros(now)}
                for event, lane in laned
                if lane.review or lane.alert
            ],
        )


def _told(event: Arrival, lane: Lane) -> dict[str, Any]:
    return {
        "customer_id": str(event.customer_id),
        "event_id": event.event_id,
        "lane": lane.name,
        "weight": lane.weight,
    }


def _digests(tx: Transaction, names: Sequence[str]) -> dict[str, bytes]:
    rows = tx.rows("SELECT event_id, digest FROM event_ids WHERE event_id = ANY(?)", (list(names),))
    return {name: bytes(digest) for name, digest in rows}
