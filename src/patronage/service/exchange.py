"""A request and its answer, for handlers that stand before FastAPI."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from patronage.service.problems import Problem

__all__ = [
    "JSON",
    "Answer",
    "App",
    "Asked",
    "Message",
    "Receive",
    "Send",
    "json_answer",
    "read_body",
]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

JSON: Final = "application/json"
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Asked:
    """A request that was let in: its key holds the scope, its body lies within its bounds.

    Attributes
    ----------
    parameter : of the path
    query : without the mark
    content_type : without parameters, in lower case; empty where none was sent
    """

    parameter: str
    query: bytes
    content_type: str
    body: bytes

    def query_values(self, *names: str) -> dict[str, str]:
        """Parameters of the query by name.

        Raises
        ------
        Problem : there is one of another name, or one twice (422)
        """
        found: dict[str, str] = {}
        if not self.query:
            return found
        for name, value in parse_qsl(self.query.decode("latin-1"), keep_blank_values=True):
            if name not in names or name in found:
                raise Problem(
                    422, f"The query may hold, once each: {', '.join(names) or 'nothing'}"
                )
            found[name] = value
        return found


@dataclass(slots=True)
class Answer:
    """What is sent back."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


def json_answer(told: Any, status: int = 200) -> Answer:
    """A struct as JSON."""
    return Answer(status, _encode(told))


async def read_body(
    receive: Receive, headers: dict[bytes, bytes], *, most: int, seconds: float
) -> bytes:
    """The whole body, never more of it than `most` bytes, also after decompression.

    Raises
    ------
    Problem : too large (413), packed in a form that is not gzip (415), damaged (422), or too slow
        (408)
    """
    packed = headers.get(b"content-encoding", b"identity").strip().lower()
    if packed not in (b"identity", b"gzip", b""):
        raise Problem(415, "A body may be packed by gzip, or not at all.")
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > most:
        raise _too_large(most)
    try:
        async with asyncio.timeout(seconds):
            body = await _read(receive, most)
    except TimeoutError:
        raise Problem(
            408, f"The body took longer than {seconds:g} s.", headers={"connection": "close"}
        ) from None
    return _unpacked(body, most) if packed == b"gzip" and body else body


async def _read(receive: Receive, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            raise _too_large(most)
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _unpacked(body: bytes, most: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        found = unpacker.decompress(body, most + 1)
    except zlib.error:
        raise Problem(422, "The body is not what gzip packs.") from None
    if len(found) > most:
        raise _too_large(most)
    if not unpacker.eof or unpacker.unused_data:
        raise Problem(422, "The body is not one whole gzip stream.")
    return found


def _too_large(most: int) -> Problem:
    # Why close: the rest of the body is on its way, and nobody will read it.
    return Problem(
        413,
        f"The body is longer than {most} bytes. Send it in parts.",
        headers={"connection": "close"},
    )
