"""A steady load of events and of questions, from a thread of its own; every answer is noted."""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any

import numpy as np
from shop import Service
from wire import Told, Wire

__all__ = ["Answer", "Steady", "event", "phase_row"]

PHASE_HEAD = (
    "| | s | batches of events | p99 ms | scores | p99 ms | from the event store |\n"
    "|---|---|---|---|---|---|---|"
)
_BATCH = 20
_PAUSE = 0.1


@dataclass(frozen=True)
class Answer:
    """What came of one request.

    Attributes
    ----------
    at, seconds : when it was asked (monotonic), and how long it took
    what : events or scores
    status : as in `wire.Told`
    degraded : the event store answered, for the online store did not
    """

    at: float
    seconds: float
    what: str
    status: int
    degraded: bool = False

    @property
    def is_usual(self) -> bool:
        return 200 <= self.status < 300 and not self.degraded


class Steady:
    """Senders send batches until they are acknowledged, readers ask for scores; a context.

    Parameters
    ----------
    name : of the load; event ids begin with it
    senders, readers : each at most one request at a time, `pause` seconds apart
    ids : whose events are sent; None: everybody's
    make : another event of a name and a customer
    """

    def __init__(
        self,
        service: Service,
        name: str,
        *,
        senders: int = 4,
        readers: int = 8,
        pause: float = _PAUSE,
        ids: Sequence[str] | None = None,
        make: Callable[[str, str], dict[str, Any]] | None = None,
    ) -> None:
        self.service, self.name = service, name
        self.senders, self.readers, self.pause = senders, readers, pause
        self._ids, self._make = ids or service.shop.ids, make or event
        self.answers: list[Answer] = []
        self.acknowledged: set[str] = set()
        self.refused: Counter[str] = Counter()
        self.cut_off: set[str] = set()
        self.scores: list[dict[str, Any]] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()))

    def __enter__(self) -> "Steady":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def for_(self, seconds: float) -> tuple[float, float]:
        """Let it go on so long; from when to when."""
        began = time.monotonic()
        time.sleep(seconds)
        return began, time.monotonic()

    def between(self, began: float, ended: float, what: str = "") -> list[Answer]:
        """Answers to what was asked then."""
        return [one for one in self.answers if began <= one.at < ended and what in ("", one.what)]

    def late(self, span: tuple[float, float]) -> float:
        """Seconds into the span until the last answer that was refused, or came from elsewhere."""
        some = self.between(span[0] - 60.0, span[1])
        ends = [one.at + one.seconds - span[0] for one in some if not one.is_usual]
        return max(0.0, *ends, 0.0)

    async def _all(self) -> None:
        senders = (self._send(k) for k in range(self.senders))
        await asyncio.gather(*senders, *(self._read(k) for k in range(self.readers)))

    async def _ask(self, wire: Wire, what: str, request: bytes) -> Told:
        at = time.monotonic()
        told = await wire.ask(request)
        degraded = b'"degraded":true' in told.body
        self.answers.append(Answer(at, time.monotonic() - at, what, told.status, degraded))
        return told

    async def _send(self, place: int) -> None:
        wire, number, ids = Wire(self.service.host, self.service.port), 0, self._ids
        while not self._stopping.is_set():
            start = _BATCH * (self.senders * number + place)
            names = [f"{self.name}-{place}-{number}-{k}" for k in range(_BATCH)]
            events = [
                self._make(one, ids[(start + k) * 7 % len(ids)]) for k, one in enumerate(names)
            ]
            if number % 10 == 9:
                # Sent before, and told to be there.
                events[0] = self._first
            request = self.service.request("POST", "/v1/events:batch", events)
            while True:
                told = await self._ask(wire, "events", request)
                if told.status == 200:
                    self._note(events, json.loads(told.body))
                    self._first = events[-1]
                    break
                if self._stopping.is_set():
                    if told.status <= 0:
                        self.cut_off |= {one["event_id"] for one in events} - self.acknowledged
                    break
                await asyncio.sleep(self.pause)
            number += 1
            await asyncio.sleep(self.pause)
        wire.close()

    def _note(self, events: Sequence[dict[str, Any]], told: dict[str, Any]) -> None:
        for k in (*told["accepted"], *told["duplicates"]):
            self.acknowledged.add(events[k]["event_id"])
        for why in told["refused"].values():
            self.refused[why] += 1

    async def _read(self, place: int) -> None:
        wire, number, ids = Wire(self.service.host, self.service.port), place, self.service.shop.ids
        while not self._stopping.is_set():
            path = f"/v1/customers/{ids[number * 31 % len(ids)]}/score"
            told = await self._ask(wire, "scores", self.service.request("GET", path))
            if told.status == 200:
                self.scores.append(json.loads(told.body))
            number += self.readers
            await asyncio.sleep(self.pause)
        wire.close()


def event(name: str, who: str) -> dict[str, Any]:
    # Why of the name: sent again it must be the same to the letter.
    of_name = int.from_bytes(name.encode()[-6:], "big")
    at = datetime(2026, 1, 2) + timedelta(seconds=of_name % 10_000_000)
    return {"event_id": name, "customer_id": who, "event_time": at.isoformat(), "amount": "9.50"}


def phase_row(what: str, load: Steady, span: tuple[float, float]) -> str:
    """A row of the table that PHASE_HEAD begins."""
    events, scores = (load.between(*span, kind) for kind in ("events", "scores"))
    degraded = sum(one.degraded for one in scores)
    cells = [what, f"{span[1] - span[0]:.0f}"]
    for some in (events, scores):
        cells += [statuses(some), quantile(some)]
    return f"| {' | '.join([*cells, f'{degraded:,}'])} |"


def statuses(answers: Sequence[Answer]) -> str:
    told = Counter(one.status for one in answers)
    names = {0: "no connection", -1: "no answer"}
    return ", ".join(f"{n:,} × {names.get(k, k)}" for k, n in sorted(told.items())) or "none"


def quantile(answers: Sequence[Answer], level: float = 0.99) -> str:
    """In milliseconds, of those that were answered as they should be."""
    taken = [one.seconds for one in answers if 200 <= one.status < 300]
    return f"{float(np.quantile(taken, level)) * 1e3:,.0f}" if taken else "–"
