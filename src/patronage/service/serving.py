"""A uvicorn server for the app: patient with slow networks, not with those who play slow."""

import asyncio
import signal
import socket
from types import FrameType
from typing import Any, Final, final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from patronage.service.gate import Gate

__all__ = ["LiveServer", "server_of"]

_HEAD_SECONDS: Final = 10.0
_LARGEST_HEAD: Final = 64 << 10
# Beyond it a request is cut off, so that a stop takes less than twenty seconds.
_DRAIN_SECONDS: Final = 12
_BACKLOG: Final = 2_048
_TELL_EVERY: Final = 0.1


@final
class LiveServer(uvicorn.Server):
    """Ends streams on SIGTERM and SIGINT; requests at work are answered before it stops."""

    def __init__(self, config: uvicorn.Config, app: Gate) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called by the signal, and once more by one that does not want to wait.

        Why not the base's: it kills the process by the same signal after `run`, and nobody could
        stop the scorer and close the store then.
        """
        del frame
        self._app.parts.changes.close_from_thread()
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what is at work, and close every connection."""
        telling = asyncio.create_task(self._tell_connections())
        try:
            await super().shutdown(sockets)
        finally:
            telling.cancel()

    async def _tell_connections(self) -> None:
        """Tell those that there are to end, again and again.

        Why: one that was accepted in the last moment is made after the others were told, and would
        be served until it is cut off.
        """
        while True:
            await asyncio.sleep(_TELL_EVERY)
            for connection in list(self.server_state.connections):
                connection.shutdown()

    def stop(self) -> None:
        """The same from a thread."""
        self.handle_exit(signal.SIGTERM, None)


def server_of(app: Gate, *, host: str, port: int, log_level: str = "warning") -> LiveServer:
    """A server that is started by its `run`, which may be given sockets that are bound already."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=PatientProtocol,
        # Why not uvloop, which answers more of few connections: with a thousand busy ones it reads
        # from half of them alone, and the others wait for seconds.
        loop="asyncio",
        ws="none",
        lifespan="on",
        access_log=False,
        log_level=log_level,
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    return LiveServer(config, app)


@final
class PatientProtocol(HttpToolsProtocol):
    """Closes connections whose head is not there in time, or is too large.

    Why: uvicorn bounds neither, and a few slow or endless heads would hold every connection.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_timer: asyncio.TimerHandle | None = None
        self._head_size = 0

    def connection_made(self, transport: Any) -> None:
        """A head is to come."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is to come."""
        self._head_is_there()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Refuse a head that is too large, however it comes."""
        super().data_received(data)
        if self._head_timer is not None:
            self._head_size += len(data)
            if self._head_size > _LARGEST_HEAD and not self.transport.is_closing():
                self._head_is_there()
                self.send_400_response("The head is too large.")

    def on_message_begin(self) -> None:
        """The next request of the connection."""
        super().on_message_begin()
        self._expect_head()

    def on_headers_complete(self) -> None:
        """The head is whole; from now on the app keeps the time."""
        self._head_is_there()
        super().on_headers_complete()

    def _expect_head(self) -> None:
        self._head_size = 0
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(_HEAD_SECONDS, self._too_slow)

    def _head_is_there(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.close()
