"""Intake over HTTP: requests that wait at the same time share one transaction."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import msgspec

from patronage.errors import StoreError
from patronage.live.arrivals import Arrival, Refusal, read_arrival, read_arrivals, valued
from patronage.live.event_store import Receipt
from patronage.live.lanes import lane_of
from patronage.live.scores import Change
from patronage.live.system import LiveSystem
from patronage.service.answers import BatchTaken, Taken, change_answer
from patronage.service.changes import Changes
from patronage.service.metrics import Metrics
from patronage.service.problems import Problem, refuse_unread
from patronage.service.settings import ServiceSettings
from patronage.service.together import Together

__all__ = ["Intake", "Sent"]

# Bodies beyond it are read in a thread, so that the others need not wait for them.
_LONG: Final = 1 << 15
_LATEST: Final = 20
# Transactions at a time: while the database works on one, the other's ledgers are folded.
_CALLS: Final = 2
# Seconds. Where an event waits longer to be committed, scores wait for events.
_BUSY: Final = 0.1
_Fate = tuple[str, str]


@dataclass(frozen=True)
class Sent:
    """What one request wants taken in."""

    batch: Sequence[Arrival | Refusal]
    source: str | None = None
    offset: int | None = None


@dataclass(frozen=True)
class _Outcome:
    """For each of the batch: accepted, duplicate, refused or in conflict, and why."""

    fates: list[_Fate]
    receipt: Receipt


@final
class Intake:
    """Events in; an answer says what is on the disk."""

    def __init__(
        self, system: LiveSystem, settings: ServiceSettings, changes: Changes, metrics: Metrics
    ) -> None:
        self._system, self._settings = system, settings
        self._changes, self._metrics = changes, metrics
        self._committing = self._together("intake", calls=_CALLS)
        # Why apart: of a source what lies below its last offset was taken in, so that no later one
        # may be committed first.
        self._in_order = self._together("intake in order", calls=1)
        system.scorer.give_way(self._is_busy)

    def _together(self, name: str, *, calls: int) -> Together[Sent, _Outcome]:
        return Together(
            self._commit_all,
            name=name,
            calls=calls,
            at_once=self._settings.commit_events,
            most=self._settings.max_waiting_events,
            seconds=self._settings.max_waiting_seconds,
        )

    def _is_busy(self) -> bool:
        both = (self._committing, self._in_order)
        return max(one.expected_wait for one in both) > _BUSY

    def _committing_of(self, source: str | None) -> Together[Sent, _Outcome]:
        return self._committing if source is None else self._in_order

    def read(self, body: bytes) -> Arrival | Refusal:
        """One event."""
        return read_arrival(body, self._system.spelling, now=self._system.now())

    async def take(self, sent: Sent) -> _Outcome:
        """Commit it, together with what others sent."""
        outcome = await self._committing_of(sent.source)(sent, len(sent.batch))
        for fate, _ in outcome.fates:
            self._metrics.events.labels(fate).inc()
        if outcome.receipt.accepted:
            self._system.scorer.wake()
        return outcome

    async def take_one(self, body: bytes, *, wait: bool = False) -> Taken:
        """One event, and with `wait` the score that it led to.

        Raises
        ------
        Problem : it is refused (422), or its id was used for another event (409)
        """
        event = self.read(body)
        expected = None
        if wait and isinstance(event, Arrival) and self._moves_at_once(event):
            expected = self._changes.expect(event.event_id)
        try:
            outcome = await self.take(Sent([event]))
            ((fate, why),) = outcome.fates
            if isinstance(event, Refusal) or fate in ("refused", "in conflict"):
                raise Problem(409 if fate == "in conflict" else 422, why)
            who = event.customer_id
            change = await self._change(event, expected) if expected is not None else None
        finally:
            if expected is not None:
                expected.cancel()
        return Taken(
            event.event_id,
            who,
            fate,
            outcome.receipt.versions.get(who) if fate == "accepted" else None,
            None if change is None else change_answer(change),
        )

    async def take_many(
        self, body: bytes, *, lines: bool, source: str | None, offset: int | None
    ) -> BatchTaken:
        """A JSON array of events, or one in each line.

        Raises
        ------
        Problem : it is neither (422), or too long (413); too much waits (503)
        """
        self._committing_of(source).admit()
        if len(body) > _LONG:
            batch = await asyncio.to_thread(self._read_many, body, lines)
        else:
            batch = self._read_many(body, lines)
        outcome = await self.take(Sent(batch, source, offset))
        places: dict[str, list[int]] = {"accepted": [], "duplicate": []}
        refused = {}
        for place, (fate, why) in enumerate(outcome.fates):
            if fate in places:
                places[fate].append(place)
            else:
                refused[place] = why
        return BatchTaken(places["accepted"], places["duplicate"], refused)

    def close(self) -> None:
        """Let the commit at hand end."""
        self._committing.close()
        self._in_order.close()

    def _moves_at_once(self, event: Arrival) -> bool:
        event = valued(event, self._system.spelling)
        return lane_of(event, self._system.lanes).pace == "at once"

    async def _change(self, event: Arrival, expected: "asyncio.Future[Change]") -> Change | None:
        try:
            async with asyncio.timeout(self._settings.wait_seconds):
                if not expected.done():
                    # Why: a duplicate was scored long ago, and another process may score it.
                    found = await asyncio.to_thread(self._in_history, event)
                    if found is not None:
                        return found
                return await asyncio.shield(expected)
        except TimeoutError:
            return await asyncio.to_thread(self._in_history, event)

    def _without_poison(self, sent: Sent, error: Exception) -> _Outcome | Exception:
        """Commit each event alone; one that the store chokes on becomes a dead letter."""
        if sent.source is not None:
            return error
        if len(sent.batch) == 1:
            (one,) = sent.batch
            if isinstance(one, Refusal):
                return error
            reason = f"it cannot be counted with ({type(error).__name__})"
            return self._commit([Sent([Refusal(reason, one.to_json())])])[0]
        fates: list[_Fate] = []
        accepted: list[str] = []
        versions: dict[Any, int] = {}
        for one in sent.batch:
            (outcome,) = self._commit([Sent([one])])
            if isinstance(outcome, Exception):
                return outcome
            fates += outcome.fates
            accepted += outcome.receipt.accepted
            versions |= outcome.receipt.versions
        return _Outcome(fates, Receipt(accepted=tuple(accepted), versions=versions))

    def _in_history(self, event: Arrival) -> Change | None:
        latest = self._system.store.history(event.customer_id, limit=_LATEST)
        return next((change for change in latest if event.event_id in change.event_ids), None)

    def _read_many(self, body: bytes, lines: bool) -> list[Arrival | Refusal]:
        if lines:
            bodies: Sequence[Any] = [line for line in body.split(b"\n") if line.strip()]
        else:
            try:
                bodies = msgspec.json.decode(body, type=list[msgspec.Raw])
            except (msgspec.MsgspecError, ValueError, RecursionError) as error:
                raise refuse_unread(error) from None
        most = self._settings.max_batch_events
        if len(bodies) > most:
            raise Problem(413, f"{len(bodies)} events at once; send {most} at most.")
        now = self._system.now()
        return read_arrivals((bytes(one) for one in bodies), self._system.spelling, now=now)

    def _commit_all(self, sent: Sequence[Sent]) -> Sequence[_Outcome | Exception]:
        """Each request's outcome; those that can share a transaction do."""
        outcomes: list[_Outcome | Exception] = []
        for group in _groups(sent):
            outcomes += self._commit(group)
        return outcomes

    def _commit(self, group: Sequence[Sent]) -> list[_Outcome | Exception]:
        began = time.perf_counter()
        batch = [one for sent in group for one in sent.batch]
        try:
            receipt = self._system.store.take_in(
                batch, now=self._system.now(), source=group[0].source, offset=group[0].offset
            )
        except StoreError as error:
            return [error for _ in group]
        except Exception as error:
            # Why one by one: what the store chokes on must not keep the others out.
            if len(group) > 1:
                return [outcome for sent in group for outcome in self._commit([sent])]
            return [self._without_poison(group[0], error)]
        self._metrics.commit_seconds.observe(time.perf_counter() - began)
        self._metrics.commit_events.observe(len(batch))
        fates = list(_fates(batch, receipt))
        outcomes: list[_Outcome | Exception] = []
        start = 0
        for sent in group:
            outcomes.append(_Outcome(fates[start : start + len(sent.batch)], receipt))
            start += len(sent.batch)
        return outcomes


def _groups(sent: Sequence[Sent]) -> Iterator[list[Sent]]:
    """Requests in their order, parted where an event id comes again or an offset is kept.

    Why parted: within one transaction the store could not tell whose event came first, and a
    stranger's mistake would be told to the owner of the id.
    """
    group: list[Sent] = []
    names: set[str] = set()
    for one in sent:
        own = {event.event_id for event in one.batch if isinstance(event, Arrival)}
        if group and (one.source is not None or group[0].source is not None or own & names):
            yield group
            group, names = [], set()
        group.append(one)
        names |= own
    if group:
        yield group


def _fates(batch: Sequence[Arrival | Refusal], receipt: Receipt) -> Iterator[_Fate]:
    new = set(receipt.accepted)
    for place, one in enumerate(batch):
        if isinstance(one, Refusal):
            yield "refused", one.reason
        elif place in receipt.refused:
            yield "in conflict", receipt.refused[place]
        elif one.event_id in new:
            new.remove(one.event_id)
            yield "accepted", ""
        else:
            yield "duplicate", ""
