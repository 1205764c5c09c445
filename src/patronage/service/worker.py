"""One serving process; `patronage serve --workers N` starts N of them on one socket."""

import gc
import os
import signal
import socket
import sys
import threading
from typing import Final

from patronage.config import ServeSettings, serve_settings
from patronage.errors import PatronageError
from patronage.service.app import make_app
from patronage.service.keys import KeyStore
from patronage.service.opening import catch_up, open_system
from patronage.service.serving import server_of
from patronage.service.settings import ServiceSettings

__all__ = ["keys_of", "listen", "serve_on"]

# Objects more than before; Python's own 700 are fewer than a thousand requests hold.
_COLLECT_EVERY: Final = 20_000


def listen(settings: ServeSettings) -> socket.socket:
    """The socket that every worker accepts from.

    Raises
    ------
    OSError : the address is taken, or not ours
    """
    # Why TCP by name: asyncio sends small answers at once only where the socket says that it is.
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind((settings.host, settings.port))
    found.set_inheritable(True)
    return found


def keys_of(settings: ServeSettings) -> KeyStore:
    """The API keys of the workspace."""
    return KeyStore(settings.workspace / "live" / "keys.json")


def serve_on(sock: socket.socket, settings: ServeSettings) -> None:
    """Serve until told to stop; what is at work is finished first."""
    key = os.environ.get("PATRONAGE_SIGNING_KEY", "").encode() or None
    system = open_system(settings, signing_key=key)
    bounds = ServiceSettings(
        keys_file=settings.workspace / "live" / "keys.json",
        signing_key=key,
        requests_per_second=settings.rate_limit,
        burst=2 * settings.rate_limit,
        max_waiting_seconds=settings.max_waiting_seconds,
        # Why PostgreSQL too: several machines may serve over one.
        shared=settings.workers > 1 or settings.events.get_secret_value().startswith("postgres"),
    )
    app = make_app(system, bounds)
    system.scorer.start()
    catch_up(system)
    _collect_seldom()
    try:
        server_of(app, host=settings.host, port=settings.port).run(sockets=[sock])
    finally:
        system.scorer.stop()
        system.store.close()


def _collect_seldom() -> None:
    """Garbage of requests in flight is none: looking for it took a quarter of a busy server."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY, 20, 20)


def _stop_at_the_end_of(pipe: int) -> None:
    os.read(pipe, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """`python -m patronage.service.worker SOCKET PIPE`, settings in the environment.

    The pipe is at its end when the process that started this one is.
    """
    sock, pipe = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
    threading.Thread(target=_stop_at_the_end_of, args=(pipe,), daemon=True).start()
    try:
        serve_on(sock, serve_settings({}))
    except PatronageError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
