"""One connection over which one request at a time is asked, made again when it is lost."""

import asyncio
from dataclasses import dataclass

__all__ = ["Told", "Wire"]

_LONGEST = 60.0


@dataclass(frozen=True)
class Told:
    """An answer.

    Attributes
    ----------
    status : 0: the connection was refused or broke, -1: no answer within a minute
    head : in small letters
    """

    status: int
    head: bytes = b""
    body: bytes = b""


class Wire:
    """To one service."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._there: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> Told:
        """The answer, whatever becomes of it."""
        try:
            async with asyncio.timeout(_LONGEST):
                if self._there is None:
                    self._there = await asyncio.open_connection(self._host, self._port)
                reader, writer = self._there
                writer.write(request)
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                at = head.find(b"content-length:")
                body = b""
                if at >= 0:
                    body = await reader.readexactly(int(head[at + 15 : head.find(b"\r\n", at)]))
                if b"connection: close" in head:
                    self.close()
                return Told(int(head[9:12]), head, body)
        except TimeoutError:
            self.close()
            return Told(-1)
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return Told(0)

    def close(self) -> None:
        if self._there is not None:
            self._there[1].close()
            self._there = None
