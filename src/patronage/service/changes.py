"""Changes of scores, told to who waits for one and to open streams."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final, final

import msgspec

from patronage.live.scores import Change
from patronage.service.answers import change_answer
from patronage.service.metrics import Metrics
from patronage.service.problems import Problem

__all__ = ["Changes", "Stream"]

_MOST_TOLD: Final = 10_000
_BEAT: Final = b": still here\n\n"
_SLOW: Final = b'event: dropped\ndata: {"reason": "you read too slowly; some changes are lost"}\n\n'
_OVER: Final = b'event: closed\ndata: {"reason": "the service ends"}\n\n'


@final
class Stream:
    """What one reader has not read yet; bounded, and cut off where it is full."""

    def __init__(self, most: int, metrics: Metrics) -> None:
        self._most, self._metrics = most, metrics
        self._waiting: deque[bytes] = deque()
        self._there = asyncio.Event()
        self._last: bytes | None = None

    def put(self, event: bytes) -> bool:
        """Add an event; False: the reader was too slow, and its stream ends."""
        if self._last is not None:
            return False
        if len(self._waiting) >= self._most:
            self._metrics.streams_dropped.inc()
            self._waiting.clear()
            self.end(_SLOW)
            return False
        self._waiting.append(event)
        self._there.set()
        return True

    def end(self, last: bytes = _OVER) -> None:
        """Send `last` after what waits, and close."""
        self._last = last
        self._there.set()

    async def events(self, heartbeat_seconds: float) -> AsyncGenerator[bytes, None]:
        """Events as they come, and signs of life where none do."""
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            if self._last is not None:
                yield self._last
                return
            self._there.clear()
            try:
                async with asyncio.timeout(heartbeat_seconds):
                    await self._there.wait()
            except TimeoutError:
                yield _BEAT


@final
class Changes:
    """Between the scoring thread, which must not wait, and readers in the event loop."""

    def __init__(
        self, metrics: Metrics, *, most_streams: int, stream_events: int, shared: bool = False
    ) -> None:
        self._metrics, self._shared = metrics, shared
        self._most_streams, self._stream_events = most_streams, stream_events
        self._streams: set[Stream] = set()
        self._waiting: dict[str, set[asyncio.Future[Change]]] = {}
        self._told: OrderedDict[tuple[int | str, datetime], None] = OrderedDict()
        self._loop: asyncio.AbstractEventLoop | None = None

    def listen(self, changes: Sequence[Change]) -> None:
        """Called by the scorer, from its thread."""
        for change in changes:
            self._metrics.changes.labels(change.trigger).inc()
        loop = self._loop
        if loop is not None and self.is_heard:
            # Why suppress: the loop may have ended with the service.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self.tell, changes)

    @property
    def is_heard(self) -> bool:
        """Whether anybody waits for changes."""
        return bool(self._streams or self._waiting)

    def expect(self, event_id: str) -> "asyncio.Future[Change]":
        """The change that an event will lead to; ask before the event is committed."""
        self._loop = asyncio.get_running_loop()
        future: asyncio.Future[Change] = self._loop.create_future()
        self._waiting.setdefault(event_id, set()).add(future)
        future.add_done_callback(lambda done: self._forget(event_id, done))
        return future

    def open(self) -> Stream:
        """A new stream of all changes from now on.

        Raises
        ------
        Problem : too many are open (503)
        """
        if len(self._streams) >= self._most_streams:
            raise Problem(503, f"{self._most_streams} streams are open; there is no room for more.")
        self._loop = asyncio.get_running_loop()
        stream = Stream(self._stream_events, self._metrics)
        self._streams.add(stream)
        self._metrics.streams.set(len(self._streams))
        return stream

    def leave(self, stream: Stream) -> None:
        """The reader has gone."""
        self._streams.discard(stream)
        self._metrics.streams.set(len(self._streams))

    def close(self) -> None:
        """End all streams; their readers are told."""
        for stream in self._streams:
            stream.end()

    def close_from_thread(self) -> None:
        """The same from a signal handler or another thread."""
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self.close)

    def _is_news(self, change: Change) -> bool:
        key = change.customer_id, change.scored_at
        if key in self._told:
            return False
        self._told[key] = None
        if len(self._told) > _MOST_TOLD:
            self._told.popitem(last=False)
        return True

    def _forget(self, event_id: str, done: "asyncio.Future[Change]") -> None:
        there = self._waiting.get(event_id)
        if there is not None:
            there.discard(done)
            if not there:
                del self._waiting[event_id]

    def tell(self, changes: Sequence[Change]) -> None:
        """Tell them to everybody who waits; within the event loop.

        Where stores are shared, what our own scorer told is read from the store once more.
        """
        if self._shared:
            changes = [change for change in changes if self._is_news(change)]
        for change in changes:
            for event_id in change.event_ids:
                for future in self._waiting.get(event_id, ()):
                    if not future.done():
                        future.set_result(change)
        if self._streams:
            events = [_event(change) for change in changes]
            for stream in tuple(self._streams):
                if not all(stream.put(event) for event in events):
                    self._streams.discard(stream)
            self._metrics.streams.set(len(self._streams))


def _event(change: Change) -> bytes:
    return b"event: score\ndata: " + msgspec.json.encode(change_answer(change)) + b"\n\n"
