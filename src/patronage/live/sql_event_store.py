"""The event store over a database: SQLite or PostgreSQL."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, final

import msgspec

from patronage.errors import SettingsError
from patronage.live.arrivals import Arrival, Refusal
from patronage.live.database import Database, Transaction
from patronage.live.event_store import Receipt, Record, Task
from patronage.live.exporting import write_log
from patronage.live.intake import Intake
from patronage.live.lanes import LANES, Lane
from patronage.live.rows import arrival, instant, micros, spelt, text_of
from patronage.live.scores import Change, Held, Score
from patronage.live.spelling import Spelling
from patronage.live.store_format import settle_format

__all__ = ["SqlEventStore"]

# Who was lent a task and died is followed by another after so long.
_LENT: Final = timedelta(seconds=5)
# Lent, and cleared, by one at a time.
_OUTBOX: Final = "outbox"
_CHANGES: Final = "changes"


@final
class SqlEventStore:
    """See `EventStore`.

    Parameters
    ----------
    database : where the tables are
    spelling : of ids and times, and what events without an amount are worth
    lanes : rules, the first that takes an event has it

    Raises
    ------
    StoreError : the store is of another format
    """

    def __init__(
        self,
        database: Database,
        spelling: Spelling,
        lanes: Sequence[Lane] = LANES,
    ) -> None:
        try:
            settle_format(database)
        except BaseException:
            database.close()
            raise
        self.database, self.spelling = database, spelling
        self.lanes = tuple(lanes)
        self._intake = Intake(database, spelling, self.lanes)

    def take_in(
        self,
        batch: Sequence[Arrival | Refusal],
        *,
        now: datetime,
        source: str | None = None,
        offset: int | None = None,
    ) -> Receipt:
        return self._intake.take_in(batch, now=now, source=source, offset=offset)

    def continue_from(self, log: str) -> None:
        with self.database.writing() as tx:
            tx.run("INSERT INTO notes VALUES ('log', ?) ON CONFLICT (name) DO NOTHING", (log,))
            ((there,),) = tx.rows("SELECT text FROM notes WHERE name = 'log'")
        if there != log:
            raise SettingsError(
                "the event store continues the log of another run: the folder was run into again, "
                "or --events names the store of another folder.\n"
                "To mend: run into a new folder (its live events: `patronage export`), or move the "
                "old store away to begin with this log."
            )

    def bring(self, history: Sequence[Arrival], *, offset: int) -> int:
        return self._intake.bring(history, offset=offset)

    def replay(self, letters: Mapping[int, Arrival], *, now: datetime) -> Receipt:
        return self._intake.replay(letters, now=now)

    def offset(self, source: str) -> int | None:
        with self.database.reading() as tx:
            found = tx.rows("SELECT position FROM offsets WHERE source = ?", (source,))
        return found[0][0] if found else None

    def due(self, now: datetime, *, limit: int) -> list[Task]:
        with self.database.writing() as tx:
            tx.alone(_OUTBOX)
            # Why row by row: an index gives the first ones, however many wait behind them.
            rows = tx.rows(
                "SELECT customer_id FROM outbox WHERE due <= ? AND lent_until <= ? "
                "ORDER BY weight DESC, seq LIMIT ?",
                (micros(now), micros(now), limit),
            )
            customers = list(dict.fromkeys(who for (who,) in rows))
            # Why: ledger and outbox of a customer must be of one moment.
            tx.lock(customers)
            waiting = defaultdict(list)
            for row in tx.rows(
                "SELECT customer_id, seq, event_id, lane, cause FROM outbox "
                "WHERE customer_id = ANY(?) ORDER BY weight DESC, seq",
                (customers,),
            ):
                waiting[row[0]].append(row[1:])
            tx.run(
                "UPDATE outbox SET lent_until = ? WHERE customer_id = ANY(?)",
                (micros(now + _LENT), customers),
            )
            held = {str(one.customer_id): one for one in self._held(tx, customers) if one}
        return [_task(held[who], waiting[who]) for who in customers]

    def mark(
        self, trigger: str, *, now: datetime, customer_ids: Sequence[Any] | None = None
    ) -> int:
        insert = (
            "INSERT INTO outbox (customer_id, event_id, lane, weight, cause, due) "
            "SELECT customer_id, NULL, ?, 0.0, ?, 0 FROM ledgers WHERE NOT EXISTS ("
            # Why: another process may have marked them; who is lent was taken before this.
            "SELECT 1 FROM outbox WHERE outbox.customer_id = ledgers.customer_id "
            "AND cause = ? AND lent_until <= ?)"
        )
        told = (trigger, trigger, trigger, micros(now))
        with self.database.writing() as tx:
            # Why: `finish` takes out all up to a number, so no lower one may come after `due`.
            tx.alone(_OUTBOX)
            if customer_ids is None:
                return tx.run(insert, told)
            some = [str(one) for one in customer_ids]
            return tx.run(f"{insert} AND customer_id = ANY(?)", (*told, some))

    def finish(self, done: Sequence[tuple[Task, Held, Change]]) -> None:
        with self.database.writing() as tx:
            tx.lock([str(held.customer_id) for _, held, _ in done])
            tx.run_many(
                "UPDATE ledgers SET score = ?, scored_at = ?, fingerprint = ? "
                "WHERE customer_id = ? AND (scored_at IS NULL OR scored_at < ?)",
                [
                    (text_of(held.score), at, held.fingerprint, str(held.customer_id), at)
                    for _, held, change in done
                    for at in (micros(change.scored_at),)
                ],
            )
            tx.insert(
                "changes",
                [
                    {
                        "customer_id": str(held.customer_id),
                        "scored_at": micros(change.scored_at),
                        "body": text_of(change),
                    }
                    for _, held, change in done
                ],
            )
            tx.run_many(
                "DELETE FROM outbox WHERE customer_id = ? AND seq <= ?",
                [(str(task.held.customer_id), task.up_to) for task, _, _ in done],
            )

    def held(self, customer_ids: Sequence[Any]) -> list[Held | None]:
        with self.database.reading() as tx:
            return self._held(tx, [str(one) for one in customer_ids])

    def lent(self, customer_ids: Sequence[Any]) -> set[Any]:
        asked = "SELECT customer_id FROM outbox WHERE lent_until > 0 AND customer_id = ANY(?)"
        with self.database.reading() as tx:
            rows = tx.rows(asked, ([str(one) for one in customer_ids],))
        return {spelt(who, self.spelling) for (who,) in rows}

    def _held(self, tx: Transaction, customers: Sequence[str]) -> list[Held | None]:
        rows = tx.rows(f"{_HELD} WHERE customer_id = ANY(?)", (list(customers),))
        found = {row[0]: self._as_held(row) for row in rows}
        return [found.get(one) for one in customers]

    def _as_held(self, row: tuple[Any, ...]) -> Held:
        who, version, ledger, score, scored_at, fingerprint = row
        told = None if score is None else msgspec.json.decode(score, type=Score)
        at = None if scored_at is None else instant(scored_at)
        return Held(spelt(who, self.spelling), version, ledger, told, at, fingerprint)

    def all_held(self, *, batch: int = 1_000) -> Iterator[list[Held]]:
        last = ""
        while True:
            with self.database.reading() as tx:
                rows = tx.rows(
                    f"{_HELD} WHERE customer_id > ? ORDER BY customer_id LIMIT ?", (last, batch)
                )
            if not rows:
                return
            yield [self._as_held(row) for row in rows]
            last = rows[-1][0]

    def records(self, *, batch: int = 500) -> Iterator[list[Record]]:
        last = ""
        while True:
            with self.database.reading() as tx:
                rows = tx.rows(
                    f"{_HELD} WHERE customer_id > ? ORDER BY customer_id LIMIT ?", (last, batch)
                )
                customers = [row[0] for row in rows]
                events = defaultdict[str, list[Arrival]](list)
                asked = "SELECT customer_id, body FROM events WHERE customer_id = ANY(?)"
                for who, body in tx.rows(asked, (customers,)):
                    events[who].append(arrival(body))
                asked = "SELECT DISTINCT customer_id FROM outbox WHERE customer_id = ANY(?)"
                waiting = {who for (who,) in tx.rows(asked, (customers,))}
            if not rows:
                return
            yield [
                Record(self._as_held(row), tuple(events[row[0]]), row[0] in waiting) for row in rows
            ]
            last = customers[-1]

    def unmatched(self) -> tuple[int, int]:
        with self.database.reading() as tx:
            ((lost,),) = tx.rows(
                "SELECT count(*) FROM (SELECT event_id FROM event_ids "
                "EXCEPT SELECT event_id FROM events) AS lost"
            )
            ((again,),) = tx.rows("SELECT count(*) - count(DISTINCT event_id) FROM events")
        return int(lost), int(again)

    def last_change(self) -> int:
        with self.database.reading() as tx:
            ((last,),) = tx.rows("SELECT max(seq) FROM changes")
        return last or 0

    def change_numbers(self, *, after: int) -> list[int]:
        with self.database.reading() as tx:
            rows = tx.rows("SELECT seq FROM changes WHERE seq > ? ORDER BY seq", (after,))
        return [number for (number,) in rows]

    def changes(self, numbers: Sequence[int]) -> list[Change]:
        with self.database.reading() as tx:
            rows = tx.rows(
                "SELECT body FROM changes WHERE seq = ANY(?) ORDER BY seq", (list(numbers),)
            )
        return [msgspec.json.decode(body, type=Change) for (body,) in rows]

    def history(self, customer_id: Any, *, limit: int = 100) -> list[Change]:
        with self.database.reading() as tx:
            rows = tx.rows(
                "SELECT body FROM changes WHERE customer_id = ? ORDER BY scored_at DESC LIMIT ?",
                (str(customer_id), limit),
            )
        return [msgspec.json.decode(body, type=Change) for (body,) in rows]

    def events(self, customer_id: Any, *, limit: int = 1_000) -> list[Arrival]:
        with self.database.reading() as tx:
            rows = tx.rows(
                "SELECT body FROM events WHERE customer_id = ? AND counts = 1 "
                "ORDER BY event_time DESC, event_id LIMIT ?",
                (str(customer_id), limit),
            )
        return [arrival(body) for (body,) in rows]

    def first_purchases(
        self, customer_ids: Sequence[Any], *, kinds: Sequence[str], before: date
    ) -> list[Arrival]:
        bound = micros(datetime(before.year, before.month, before.day))
        known = (
            "customer_id = ANY(?) AND kind = ANY(?) AND counts = 1 "
            "AND event_time < ? AND known_time < ?"
        )
        asked = ([str(one) for one in customer_ids], list(kinds), bound, bound)
        with self.database.reading() as tx:
            rows = tx.rows(
                "SELECT body FROM events JOIN (SELECT customer_id AS who, min(event_time) AS began "
                f"FROM events WHERE {known} GROUP BY customer_id) AS firsts "
                f"ON customer_id = who AND event_time = began WHERE {known}",
                (*asked, *asked),
            )
        return [arrival(body) for (body,) in rows]

    def export(self, path: Path) -> int:
        with self.database.reading() as tx:
            bodies = tx.rows("SELECT body FROM events WHERE counts = 1")
        return write_log((arrival(body) for (body,) in bodies), path, self.spelling)

    def dead_letters(self, *, limit: int = 100) -> list[Mapping[str, Any]]:
        with self.database.reading() as tx:
            rows = tx.rows(f"{_LETTERS} ORDER BY id DESC LIMIT ?", (limit,))
        return [_letter(row) for row in rows]

    def dead_letter(self, number: int) -> Mapping[str, Any] | None:
        with self.database.reading() as tx:
            rows = tx.rows(f"{_LETTERS} AND id = ?", (number,))
        return _letter(rows[0]) if rows else None

    def reviews(self, *, limit: int = 100) -> list[Mapping[str, Any]]:
        with self.database.reading() as tx:
            rows = tx.rows(
                "SELECT id, customer_id, event_id, lane, weight, created FROM reviews "
                "WHERE decided IS NULL ORDER BY weight DESC, id LIMIT ?",
                (limit,),
            )
        return [
            {
                "id": number,
                "customer_id": spelt(who, self.spelling),
                "event_id": event,
                "lane": lane,
                "weight": weight,
                "created": instant(created),
            }
            for number, who, event, lane, weight, created in rows
        ]

    def decide(self, review: int, *, decision: str, by: str, now: datetime) -> bool:
        with self.database.writing() as tx:
            changed = tx.run(
                "UPDATE reviews SET decision = ?, decided_by = ?, decided = ? "
                "WHERE id = ? AND decided IS NULL",
                (decision, by, micros(now), review),
            )
        return changed == 1

    def counts(self) -> Mapping[str, int]:
        with self.database.reading() as tx:
            return {
                name: int(tx.rows(f"SELECT count(*) FROM {table}")[0][0])
                for name, table in _COUNTED.items()
            }

    def clear_before(self, day: date, *, limit: int) -> int:
        bound = micros(datetime(day.year, day.month, day.day))
        with self.database.writing() as tx:
            tx.alone(_CHANGES)
            # Why by number: it rises with time, so that no further index need find the oldest.
            return tx.run(
                "DELETE FROM changes WHERE seq IN (SELECT seq FROM (SELECT seq, scored_at "
                "FROM changes ORDER BY seq LIMIT ?) AS oldest WHERE scored_at < ?)",
                (limit, bound),
            )

    def close(self) -> None:
        self.database.close()


_HELD: Final = "SELECT customer_id, version, ledger, score, scored_at, fingerprint FROM ledgers"
_LETTERS: Final = (
    "SELECT id, received, reason, body, tries FROM dead_letters WHERE replayed IS NULL"
)
_COUNTED: Final = {
    "events": "event_ids",
    "customers": "ledgers",
    "waiting": "outbox",
    "dead_letters": "dead_letters WHERE replayed IS NULL",
    "reviews": "reviews WHERE decided IS NULL",
}


def _letter(row: tuple[Any, ...]) -> Mapping[str, Any]:
    number, received, reason, body, tries = row
    return {
        "id": number,
        "received": instant(received),
        "reason": reason,
        "body": bytes(body).decode("utf-8", "replace"),
        "tries": tries,
    }


def _task(held: Held, waiting: Sequence[tuple[Any, ...]]) -> Task:
    events = tuple(event for _, event, _, _ in waiting if event is not None)
    causes = [cause for _, _, _, cause in waiting]
    return Task(
        held,
        max(seq for seq, _, _, _ in waiting),
        events,
        tuple(dict.fromkeys(lane for _, event, lane, _ in waiting if event is not None)),
        "event" if "event" in causes else causes[0],
    )
