"""Several serving processes on one socket: started, watched, stopped together."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Final

from prometheus_client.multiprocess import mark_process_dead

from patronage.config import ServeSettings

__all__ = ["serve_with_workers"]

_LOOK_EVERY: Final = 0.5
# A worker that dies again and again is not started for ever.
_MOST_STARTS_A_MINUTE: Final = 10
_STOP_SECONDS: Final = 20


def serve_with_workers(sock: socket.socket, settings: ServeSettings) -> int:
    """Run the workers until a signal stops them; one that dies is replaced. The exit code."""
    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        del number, frame
        stopping = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    # Nobody writes to it. Why a pipe: the kernel closes our end however we end, and who reads there
    # is told of that, where nobody else would tell the workers that we were killed.
    ended, ours = os.pipe()
    # Why a folder: each worker writes its numbers there, and whoever is asked tells their sums.
    with TemporaryDirectory(prefix="patronage-metrics-") as metrics:
        try:
            return _watch(
                lambda: _start(sock, ended, settings, metrics),
                settings.workers,
                sock,
                metrics,
                is_stopping=lambda: stopping,
            )
        finally:
            os.close(ours)
            os.close(ended)


def _watch(
    start: Callable[[], subprocess.Popen[bytes]],
    n_workers: int,
    sock: socket.socket,
    metrics: str,
    *,
    is_stopping: Callable[[], bool],
) -> int:
    workers = [start() for _ in range(n_workers)]
    starts: list[float] = []
    while not is_stopping():
        time.sleep(_LOOK_EVERY)
        for place, worker in enumerate(workers):
            if worker.poll() is None:
                continue
            now = time.monotonic()
            starts = [*(one for one in starts if one > now - 60), now]
            if worker.returncode == 2 or len(starts) > _MOST_STARTS_A_MINUTE:
                _stop(sock, workers)
                return worker.returncode or 1
            mark_process_dead(worker.pid, metrics)  # type: ignore[no-untyped-call]
            workers[place] = start()
    _stop(sock, workers)
    return 0


def _start(
    sock: socket.socket, ended: int, settings: ServeSettings, metrics: str
) -> subprocess.Popen[bytes]:
    told = {
        f"PATRONAGE_SERVE_{name.upper()}": value
        for name, value in {
            "workspace": str(settings.workspace),
            "host": settings.host,
            "port": str(settings.port),
            "workers": str(settings.workers),
            "events": settings.events.get_secret_value(),
            "online": settings.online.get_secret_value(),
            "high_value": "" if settings.high_value is None else str(settings.high_value),
            "rate_limit": str(settings.rate_limit),
            "max_waiting_seconds": str(settings.max_waiting_seconds),
            "history_days": str(settings.history_days),
            "log_format": settings.log_format,
        }.items()
    }
    return subprocess.Popen(
        [sys.executable, "-m", "patronage.service.worker", str(sock.fileno()), str(ended)],
        env={**os.environ, **told, "PROMETHEUS_MULTIPROC_DIR": metrics},
        pass_fds=[sock.fileno(), ended],
    )


def _stop(sock: socket.socket, workers: list[subprocess.Popen[bytes]]) -> None:
    # Why: who connects now must be refused at once, not kept until the last worker has ended.
    sock.close()
    for worker in workers:
        if worker.poll() is None:
            worker.send_signal(signal.SIGTERM)
    for worker in workers:
        try:
            worker.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            worker.kill()
