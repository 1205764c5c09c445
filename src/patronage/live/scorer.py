"""Scorer: scores who is due in the outbox, and tells the online store and listeners."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any, Final, final

from patronage.errors import StoreError
from patronage.live.event_store import EventStore, Task
from patronage.live.ledger_text import read_ledger
from patronage.live.live_model import LiveModel
from patronage.live.moved import change_of
from patronage.live.online_store import OnlineStore
from patronage.live.scores import Change, Held, Score

__all__ = ["Scorer", "coming_midnight", "utc_now"]

_log = logging.getLogger(__name__)
_AT_ONCE: Final = 200
# Who takes events in waits no longer than for so many to be forgotten.
_FORGOTTEN_AT_ONCE: Final = 1_000
_PAUSE: Final = 0.5
# Seconds. So long who takes events in goes first, and so often it is asked whether that waits.
_GIVES_WAY: Final = 1.0
_LOOKS: Final = 0.01


def utc_now() -> datetime:
    """Now, UTC, without zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def coming_midnight(now: datetime) -> date:
    """The as_of of a live score: all that is known so far counts."""
    return now.date() + timedelta(days=1)


@final
class Scorer:
    """Scores in the background who is due.

    Parameters
    ----------
    store : durable side; its outbox says who is due
    online : where scores are read; what it could not take is put there again by the next pass
    model : at work until `swap`
    now : the clock
    history_days : changes of scores are forgotten after so many days; None: never
    """

    def __init__(
        self,
        store: EventStore,
        online: OnlineStore,
        model: LiveModel,
        *,
        now: Callable[[], datetime] = utc_now,
        history_days: int | None = None,
    ) -> None:
        self.store, self.online, self._now = store, online, now
        self._history_days, self._forgetting = history_days, history_days is not None
        self._model = model
        self._listeners: list[Callable[[Sequence[Change]], None]] = []
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._day = coming_midnight(now())
        self._owed, self._owing = dict[Any, None](), threading.Lock()
        self._distrusted = False
        self._others_first: Callable[[], bool] = lambda: False

    @property
    def model(self) -> LiveModel:
        """The model at work now; take it once for all that must not be mixed."""
        return self._model

    def swap(self, model: LiveModel) -> None:
        """Put another model to work, and score everybody anew with it behind the scenes."""
        self._model = model
        self.store.mark("model", now=self._now())
        self.wake()

    def listen(self, listener: Callable[[Sequence[Change]], None]) -> None:
        """Tell `listener` of every change, from the scoring thread; it must not block."""
        self._listeners.append(listener)

    def give_way(self, others_first: Callable[[], bool]) -> None:
        """Wait before each pass as long as this says so, but never for more than a second.

        Why: both want the interpreter, and an event that cannot be taken in is refused, where a
        score only comes later. Whoever weighs most is still scored first.
        """
        self._others_first = others_first

    @property
    def owes(self) -> bool:
        """Whether the online store did not take something, and may hold what is older."""
        return self._distrusted

    def owe(self, customer_ids: Sequence[Any]) -> None:
        """The online store did not take these; they are put there once it answers.

        Why not left to readers: it may come back with what it held before, which looks well.
        """
        with self._owing:
            self._owed |= dict.fromkeys(customer_ids)
            self._distrusted = True

    def offer(self, held: Sequence[Held]) -> None:
        """Put into the online store what it was found to lack.

        Why looked at again: where it was wiped in between, it takes what is older than what it had.
        A score is put there before it is in the event store, so that whoever is lent is doubtful.

        Raises
        ------
        StoreError : it takes nothing, or the event store does not answer
        """
        self.online.put(held)
        names = [one.customer_id for one in held]
        lent = self.store.lent(names)
        moved = [
            old.customer_id
            for old, new in zip(held, self.store.held(names), strict=True)
            if old.customer_id in lent or new is None or new.version != old.version
        ]
        if moved:
            with self._owing:
                self._owed |= dict.fromkeys(moved)
            self.wake()

    def wake(self) -> None:
        """There may be work."""
        self._wake.set()

    def start(self) -> None:
        """Begin to score in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="scorer", daemon=True)
        self._thread.start()

    def stop(self, *, seconds: float = 15.0) -> None:
        """Finish the pass at hand and end."""
        self._stopping.set()
        self.wake()
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wait_for_others()
            try:
                if self.pass_once():
                    continue
            except StoreError as error:
                # Why not the end: the outbox keeps what is due, and stores come back.
                _log.warning("scoring waits: %s", error)
            except Exception:
                _log.exception("scoring failed; it is tried again")
            self._wake.wait(_PAUSE)
            self._wake.clear()

    def _wait_for_others(self) -> None:
        until = time.monotonic() + _GIVES_WAY
        while self._others_first() and time.monotonic() < until and not self._stopping.is_set():
            self._stopping.wait(_LOOKS)

    def pass_once(self, *, limit: int = _AT_ONCE) -> int:
        """Do what there is to do, some at a time; how much that was.

        First who is due is scored, then the online store gets what it lacks; where nothing waits,
        old changes are forgotten.
        """
        now = self._now()
        if coming_midnight(now) != self._day:
            self._day = coming_midnight(now)
            self._forgetting = self._history_days is not None
            self.store.mark("calendar", now=now)
        tasks = self.store.due(now, limit=limit)
        if tasks:
            self._score(tasks, self._model, now)
        return len(tasks) + self._put_owed(limit) or self._forget(now)

    def _forget(self, now: datetime) -> int:
        """Let some changes of scores go that are older than they need to be; how many."""
        if not self._forgetting or self._history_days is None:
            return 0
        day = now.date() - timedelta(days=self._history_days)
        found = self.store.clear_before(day, limit=_FORGOTTEN_AT_ONCE)
        self._forgetting = found > 0
        return found

    def _put_owed(self, limit: int) -> int:
        """Put what the online store did not take, as the event store has it now; how many."""
        if not self._owed:
            return 0
        with self._owing:
            some = list(islice(self._owed, limit))
        try:
            # Why: as long as it does not answer, the event store need not be asked.
            self.online.get([])
            self.online.put([one for one in self.store.held(some) if one is not None])
            # Why: what another process scores now may have been there, and lost since.
            paid = set(some) - self.store.lent(some)
        except StoreError:
            return 0
        with self._owing:
            for one in paid:
                del self._owed[one]
            self._distrusted = self._distrusted and bool(self._owed)
        return len(paid)

    def _score(self, tasks: Sequence[Task], model: LiveModel, now: datetime) -> None:
        try:
            done = self._changes(tasks, model, now)
        except StoreError:
            raise
        except Exception:
            # Why one by one: a customer that the model chokes on must not hold up the others. It
            # stays in the outbox, and is tried again when it has been lent for long enough.
            if len(tasks) == 1:
                _log.exception("one customer cannot be scored; it is tried again")
                return
            for task in tasks:
                self._score([task], model, now)
            return
        try:
            self.online.put([held for _, held, _ in done])
        except StoreError as error:
            # Why go on: readers fall back to the event store meanwhile.
            self.owe([held.customer_id for _, held, _ in done])
            _log.warning("the online store did not take %d scores: %s", len(done), error)
        moved = {task.held.customer_id for task in tasks if task.event_ids}
        others = {who for one in moved for who in model.linked(one)} - moved
        self.store.finish(done)
        if others:
            self.store.mark("link", now=now, customer_ids=sorted(others))
        changes = [change for _, _, change in done]
        for listener in self._listeners:
            listener(changes)

    def _changes(
        self, tasks: Sequence[Task], model: LiveModel, now: datetime
    ) -> list[tuple[Task, Held, Change]]:
        """What was scored; of whom nothing is known before as_of waits for the next day."""
        as_of = coming_midnight(now)
        ledgers = [read_ledger(task.held.ledger) for task in tasks]
        scores = model.score(ledgers, as_of)
        # Why: without its new events the customer's value has moved too, by time or another model.
        before = {
            one.customer_id: replace(one, entries=one.entries.before(task.held.score.as_of))
            for task, one in zip(tasks, ledgers, strict=True)
            if task.held.score is not None
            and task.event_ids
            and (task.held.score.as_of, task.held.score.version) != (as_of, model.version)
        }
        untouched = model.score(list(before.values()), as_of)
        found = []
        for task in tasks:
            who = task.held.customer_id
            score = scores.get(who)
            if score is not None:
                at = _after(task.held.scored_at, now)
                held = task.held.scored(score, at, model.fingerprint)
                found.append((task, held, change_of(task, score, untouched.get(who), at)))
        return found

    def fresh(self, held: Held, *, now: datetime | None = None) -> bool:
        """Whether what is held was made for today, by the model at work."""
        return (
            held.score is not None
            and held.fingerprint == self._model.fingerprint
            and held.score.as_of == coming_midnight(now or self._now())
        )

    def score_as_of(self, held: Held, as_of: date) -> Score | None:
        """What the model at work says of what was known before a past day; None: nothing was."""
        ledger = read_ledger(held.ledger)
        return self._model.score([ledger], as_of).get(held.customer_id)


def _after(last: datetime | None, now: datetime) -> datetime:
    """Now, or just after the last time where the clock was set back: stores keep what is later."""
    return now if last is None else max(now, last + timedelta(microseconds=1))
