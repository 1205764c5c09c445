"""Together: requests that wait at the same time share one call in a thread."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Generic, TypeVar

from patronage.service.problems import Problem

__all__ = ["Together"]

Item = TypeVar("Item")
Result = TypeVar("Result")
# Seconds of work that say how fast it goes: what was before counts less and less.
_MEMORY: Final = 5.0


class Together(Generic[Item, Result]):
    """Gathers what comes while calls are under way, and does it in the next.

    Parameters
    ----------
    work : called in a thread of its own with some items; a result or an error for each
    calls : so many may be under way at a time; with one, items are done in their order
    at_once : size that one call takes; a larger item goes alone
    most : size that may wait; what is beyond is refused at once
    seconds : the longest wait; who would wait longer at the pace of the last seconds is refused at
        once, but never who can share the next call
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Sequence[Result | Exception]],
        *,
        name: str,
        calls: int = 1,
        at_once: int,
        most: int,
        seconds: float = math.inf,
    ) -> None:
        self._work, self._calls, self._at_once = work, calls, at_once
        self._most, self._seconds = most, seconds
        self._threads = ThreadPoolExecutor(calls, thread_name_prefix=name)
        self._waiting: deque[tuple[Item, int, asyncio.Future[Result]]] = deque()
        self._size = self._at_work = 0
        self._done = self._spent = 0.0
        self._runners: list[asyncio.Task[None]] = []

    async def __call__(self, item: Item, size: int = 1) -> Result:
        """The item's result, once it is done.

        Raises
        ------
        Problem : too much waits (503)
        """
        self.admit(size)
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, size, future))
        self._size += size
        self._runners = [runner for runner in self._runners if not runner.done()]
        if len(self._runners) < self._calls:
            self._runners.append(asyncio.create_task(self._run()))
        return await future

    def admit(self, size: int = 0) -> None:
        """See that more of this size may wait; to ask before it is made ready saves the work.

        Raises
        ------
        Problem : too much waits (503), with the seconds until that is done
        """
        wait = self.expected_wait
        too_much = self._waiting and self._size + size > self._most
        too_long = self._size >= self._at_once and wait > self._seconds
        if too_much or too_long:
            again = max(1, math.ceil(wait)) if wait < math.inf else 1
            raise Problem(
                503,
                "Too much waits already; nothing was done. Send it again.",
                headers={"retry-after": str(again)},
            )

    @property
    def expected_wait(self) -> float:
        """Seconds until what is here now is done; without end before a first call was measured."""
        ahead = self._at_work + self._size
        if not ahead:
            return 0.0
        return ahead * self._spent / (self._done * self._calls) if self._done else math.inf

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            some, size = self._next()
            items = [item for item, _, _ in some]
            began = time.monotonic()
            try:
                results = await loop.run_in_executor(self._threads, self._work, items)
            except Exception as error:
                results = [error] * len(some)
            self._measure(time.monotonic() - began, size)
            for (_, _, future), result in zip(some, results, strict=True):
                if future.done():
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)

    def _next(self) -> tuple[list[tuple[Item, int, "asyncio.Future[Result]"]], int]:
        """What the next call takes, and its size."""
        some = [self._waiting.popleft()]
        size = some[0][1]
        while self._waiting and size + self._waiting[0][1] <= self._at_once:
            some.append(self._waiting.popleft())
            size += some[-1][1]
        self._size -= size
        self._at_work += size
        return some, size

    def _measure(self, seconds: float, size: int) -> None:
        """A call of this size is done, and took so long."""
        kept = math.exp(-seconds / _MEMORY)
        self._done = self._done * kept + size
        self._spent = self._spent * kept + seconds
        self._at_work -= size

    def close(self) -> None:
        """Let the call at hand end."""
        self._threads.shutdown(wait=True)
