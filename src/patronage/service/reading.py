"""Scores as they are asked for: held ones where they are fresh, else made anew on the spot."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from typing import Any, Final, final

from patronage.errors import StoreError
from patronage.live.ledger_text import read_ledger
from patronage.live.live_model import LiveModel
from patronage.live.online_store import InProcessStore
from patronage.live.scorer import coming_midnight
from patronage.live.scores import Held, Score
from patronage.live.system import LiveSystem
from patronage.service.answers import ScoreAnswer, score_answer
from patronage.service.metrics import Metrics
from patronage.service.problems import Problem
from patronage.service.together import Together

__all__ = ["Found", "ScoreReader", "unknown_customer"]

_AT_ONCE: Final = 200
_MOST: Final = 5_000


class Found:
    """What is held of a customer, and whether the event store had to say it."""

    __slots__ = ("degraded", "held")

    def __init__(self, held: Held, degraded: bool) -> None:
        self.held, self.degraded = held, degraded


@final
class ScoreReader:
    """Reads scores; every answer is by one model from end to end."""

    def __init__(self, system: LiveSystem, metrics: Metrics) -> None:
        self._system = system
        # Why: a dictionary is read at once; all others are asked in threads, many ids at a time.
        self._at_hand = isinstance(system.online, InProcessStore)
        self._finding = Together(self._find_all, name="reading", at_once=_AT_ONCE, most=_MOST)
        self._making = Together(self._make_all, name="scoring", at_once=_AT_ONCE, most=_MOST)
        self._from_online = metrics.reads.labels("online")
        self._from_disk = metrics.reads.labels("event store")
        self._made = metrics.reads.labels("made anew")

    async def one(self, customer_id: Any) -> ScoreAnswer | None:
        """The score of a customer now; None: nothing is known of it."""
        found = await self._found(customer_id)
        if found is None:
            return None
        held = found.held
        if held.score is not None and self._fresh(held.score, held, self._system.scorer.model):
            return score_answer(held.score, held.scored_at, degraded=found.degraded)
        score, scored_at = await self._making(held)
        return None if score is None else score_answer(score, scored_at, degraded=found.degraded)

    async def many(self, customer_ids: Sequence[Any]) -> list[ScoreAnswer | None]:
        """The scores of several now, all by the model that was at work when they were asked for."""
        return await asyncio.to_thread(self._many, customer_ids)

    async def on_day(self, customer_id: Any, as_of: date) -> ScoreAnswer | None:
        """What the model at work says of what was known before a day.

        Raises
        ------
        Problem : the day is yet to come (422)
        """
        today = coming_midnight(self._system.now())
        if as_of > today:
            raise Problem(
                422, f"as_of {as_of} lies ahead: give {today} at the latest, for all that is known."
            )
        if as_of == today:
            return await self.one(customer_id)
        found = await self._found(customer_id)
        if found is None:
            return None
        score = await asyncio.to_thread(self._system.scorer.score_as_of, found.held, as_of)
        return None if score is None else score_answer(score, degraded=found.degraded)

    def held(self, customer_ids: Sequence[Any]) -> list[Found | None]:
        """What is held of each, online or else on the disk; it may wait for both."""
        system = self._system
        store, online = system.store, system.online
        held = None
        # Why not while it is owed: a store that takes nothing may still answer, with old scores.
        if not system.scorer.owes:
            with suppress(StoreError):
                held = online.get(customer_ids)
        if held is None:
            self._from_disk.inc(len(customer_ids))
            return [None if one is None else Found(one, True) for one in store.held(customer_ids)]
        found = [None if one is None else Found(one, False) for one in held]
        absent = [place for place, one in enumerate(found) if one is None]
        if absent:
            self._from_disk.inc(len(absent))
            read = store.held([customer_ids[place] for place in absent])
            for place, one in zip(absent, read, strict=True):
                found[place] = None if one is None else Found(one, False)
            # Why: an online store that lost something is filled again by who asks for it.
            with suppress(StoreError):
                system.scorer.offer(
                    [one for one in read if one is not None and one.score is not None]
                )
        self._from_online.inc(len(found) - len(absent))
        return found

    def close(self) -> None:
        """Let the calls at hand end."""
        self._finding.close()
        self._making.close()

    async def _found(self, customer_id: Any) -> Found | None:
        if self._at_hand:
            (held,) = self._system.online.get((customer_id,))
            if held is not None:
                self._from_online.inc()
                return Found(held, False)
        return await self._finding(customer_id)

    def _find_all(self, customer_ids: Sequence[Any]) -> Sequence[Found | None]:
        return self.held(customer_ids)

    def _make_all(self, held: Sequence[Held]) -> Sequence[tuple[Score | None, Any]]:
        """Scores of now; what was found of one customer twice is scored once."""
        newest = {one.customer_id: one for one in sorted(held, key=lambda one: one.stamp)}
        made = self._make(list(newest.values()), self._system.scorer.model)
        return [(made[one.customer_id].score, made[one.customer_id].scored_at) for one in held]

    def _make(self, held: Sequence[Held], model: LiveModel) -> dict[Any, Held]:
        now = self._system.now()
        self._made.inc(len(held))
        ledgers = [read_ledger(one.ledger) for one in held]
        scores = model.score(ledgers, coming_midnight(now))
        made = {
            one.customer_id: one.scored(scores.get(one.customer_id), now, model.fingerprint)
            for one in held
        }
        # Why suppress: the answer is at hand, and the scorer puts it there in time.
        with suppress(StoreError):
            self._system.scorer.offer([one for one in made.values() if one.score is not None])
        return made

    def _many(self, customer_ids: Sequence[Any]) -> list[ScoreAnswer | None]:
        model = self._system.scorer.model
        found = self.held(customer_ids)
        stale = {
            one.held.customer_id: one.held
            for one in found
            if one is not None
            and not (one.held.score and self._fresh(one.held.score, one.held, model))
        }
        made = self._make(list(stale.values()), model) if stale else {}
        answers: list[ScoreAnswer | None] = []
        for one in found:
            held = None if one is None else made.get(one.held.customer_id, one.held)
            if one is None or held is None or held.score is None:
                answers.append(None)
            else:
                answers.append(score_answer(held.score, held.scored_at, degraded=one.degraded))
        return answers

    def _fresh(self, score: Score, held: Held, model: LiveModel) -> bool:
        """As `Scorer.fresh`, by a model that was taken before."""
        today = coming_midnight(self._system.now())
        return held.fingerprint == model.fingerprint and score.as_of == today


def unknown_customer(customer_id: Any) -> Problem:
    """Nothing is known of a customer of this id."""
    return Problem(
        404,
        f"No event of customer {str(customer_id)[:200]!r} is known: write the id as in the log.",
    )
