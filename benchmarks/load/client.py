"""A client that costs little: raw HTTP/1.1 over connections that are kept, from one event loop."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Load", "closed", "paced"]

Request = Callable[[int], bytes]


@dataclass
class Load:
    """What came of a load.

    Attributes
    ----------
    seconds : of each answer, in their order
    wall : how long it took in all
    wrong : answers that were no 2xx, by status, and connections that broke (0)
    """

    seconds: list[float] = field(default_factory=list)
    wall: float = 0.0
    wrong: dict[int, int] = field(default_factory=dict)

    def quantile(self, level: float) -> float:
        """In milliseconds."""
        return float(np.quantile(self.seconds, level)) * 1e3 if self.seconds else float("nan")

    @property
    def per_second(self) -> float:
        return len(self.seconds) / self.wall

    def note(self, status: int, seconds: float) -> None:
        if 200 <= status < 300:
            self.seconds.append(seconds)
        else:
            self.wrong[status] = self.wrong.get(status, 0) + 1


async def closed(host: str, port: int, make: Request, *, in_flight: int, seconds: float) -> Load:
    """Each connection asks again as soon as it is answered."""
    return await _many(host, port, make, in_flight, seconds, pause=0.0)


async def paced(host: str, port: int, make: Request, *, users: int, seconds: float) -> Load:
    """Each user asks once a second, at a moment of its own."""
    return await _many(host, port, make, users, seconds, pause=1.0)


async def _many(
    host: str, port: int, make: Request, n: int, seconds: float, *, pause: float
) -> Load:
    load, number = Load(), iter(range(10**9))
    ready = [await asyncio.open_connection(host, port) for _ in range(n)]
    began = time.perf_counter()

    async def user(place: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        due = began + pause * place / n
        while True:
            now = time.perf_counter()
            if now < due:
                await asyncio.sleep(due - now)
            if max(due, now) - began >= seconds:
                break
            # Why from when it was due: a server that stalls must not slow the clock down.
            start = due if pause else time.perf_counter()
            try:
                writer.write(make(next(number)))
                status = await _answer(reader)
            except (OSError, asyncio.IncompleteReadError):
                load.note(0, 0.0)
                break
            load.note(status, time.perf_counter() - start)
            due += pause
        writer.close()

    await asyncio.gather(*(user(k, *one) for k, one in enumerate(ready)))
    load.wall = time.perf_counter() - began
    return load


async def _answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    at = lower.find(b"content-length:")
    if at >= 0:
        await reader.readexactly(int(lower[at + 15 : lower.find(b"\r\n", at)]))
    return int(head[9:12])
