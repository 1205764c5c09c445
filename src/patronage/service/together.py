"""Together: requests that wait at the same time share one call in one thread."""

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
    """Gathers what comes while a call is under way, and does it in the next.

    Parameters
    ----------
    work : called in a thread of its own with some items; a result or an error for each
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
        at_once: int,
        most: int,
        seconds: float = math.inf,
    ) -> None:
        self._work, self._at_once = work, at_once
        self._most, self._seconds = most, seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._waiting: deque[tuple[Item, int, asyncio.Future[Result]]] = deque()
        self._size = self._at_work = 0
        self._done = self._spent = 0.0
        self._runner: asyncio.Task[None] | None = None

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
        if self._runner is None:
            self._runner = asyncio.create_task(self._run())
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
        return ahead * self._spent / self._done if self._done else math.inf

    @property
    def size(self) -> int:
        """Of what waits."""
        return self._size

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                some = self._next()
                items = [item for item, _, _ in some]
                began = time.monotonic()
                try:
                    results = await loop.run_in_executor(self._thread, self._work, items)
                except Exception as error:
                    results = [error] * len(some)
                self._measure(time.monotonic() - began)
                for (_, _, future), result in zip(some, results, strict=True):
                    if future.done():
                        continue
                    if isinstance(result, Exception):
                        future.set_exception(result)
                    else:
                        future.set_result(result)
        finally:
            self._runner = None

    def _next(self) -> list[tuple[Item, int, "asyncio.Future[Result]"]]:
        some, size = [self._waiting.popleft()], 0
        size = some[0][1]
        while self._waiting and size + self._waiting[0][1] <= self._at_once:
            some.append(self._waiting.popleft())
            size += some[-1][1]
        self._size -= size
        self._at_work = size
        return some

    def _measure(self, seconds: float) -> None:
        """The call at hand is done, and took so long."""
        kept = math.exp(-seconds / _MEMORY)
        self._done = self._done * kept + self._at_work
        self._spent = self._spent * kept + seconds
        self._at_work = 0

    def close(self) -> None:
        """Let the call at hand end."""
        self._thread.shutdown(wait=True)
