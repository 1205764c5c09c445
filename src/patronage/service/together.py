"""Together: requests that wait at the same time share one call in one thread."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from patronage.service.problems import Problem

__all__ = ["Together"]

Item = TypeVar("Item")
Result = TypeVar("Result")


class Together(Generic[Item, Result]):
    """Gathers what comes while a call is under way, and does it in the next.

    Parameters
    ----------
    work : called in a thread of its own with some items; a result or an error for each
    at_once : size that one call takes; a larger item goes alone
    most : size that may wait; what is beyond is refused at once
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Sequence[Result | Exception]],
        *,
        name: str,
        at_once: int,
        most: int,
    ) -> None:
        self._work, self._at_once, self._most = work, at_once, most
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._waiting: deque[tuple[Item, int, asyncio.Future[Result]]] = deque()
        self._size = 0
        self._runner: asyncio.Task[None] | None = None

    async def __call__(self, item: Item, size: int = 1) -> Result:
        """The item's result, once it is done.

        Raises
        ------
        Problem : too much waits (503)
        """
        if self._waiting and self._size + size > self._most:
            raise Problem(503, "Too much waits already; nothing was done. Send it again.")
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, size, future))
        self._size += size
        if self._runner is None:
            self._runner = asyncio.create_task(self._run())
        return await future

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
                try:
                    results = await loop.run_in_executor(self._thread, self._work, items)
                except Exception as error:
                    results = [error] * len(some)
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
        return some

    def close(self) -> None:
        """Let the call at hand end."""
        self._thread.shutdown(wait=True)
