"""A small shop with two models, and a real service on it in a process of its own."""

import asyncio
import atexit
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from wire import Wire

from live.servers import free_port
from patronage.datasets import SimulationSettings, simulate
from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.live.workspace import Workspace, write_workspace
from patronage.models.catalog import make_model
from patronage.registry import Artifact, load_artifact, save_artifact
from patronage.scoring import score, scoring_of
from patronage.service import KeyStore
from patronage.snapshots import take_snapshot
from patronage.value import Economics

__all__ = ["MODELS", "Service", "Shop", "make_shop"]

MODELS = ("bg_nbd", "everyone_average")
COMMAND = ("-c", "from patronage.cli import main; main()")
_READY_SECONDS = 120.0


@dataclass(frozen=True)
class Shop:
    """What is served.

    Attributes
    ----------
    ids : of its customers
    key : holds every scope
    """

    workspace: Workspace
    ids: Sequence[str] = field(repr=False)
    key: str = field(repr=False)

    @property
    def folder(self) -> Path:
        return self.workspace.folder


def make_shop(folder: Path, n_customers: int = 200) -> Shop:
    """Simulate and fit; the first of MODELS is the one at work."""
    start, end = date(2025, 1, 1), date(2026, 1, 1)
    shop = simulate(SimulationSettings(n_customers=n_customers, start=start, end=end), seed=1)
    log = EventLog.from_frame(shop.events.filter(kind="purchase"), currency="EUR")
    snapshot, horizon = take_snapshot(log.compact(), as_of=end), Horizon(26, "week")
    for name in reversed(MODELS):
        place = folder / "models" / name
        fitted = make_model(name).fit(snapshot, horizon)
        save_artifact(Artifact(name, fitted, horizon, end, "EUR"), place)
    scores = score(snapshot, scoring_of(load_artifact(place), Economics()))
    workspace = write_workspace(folder, place, snapshot, Economics(), scores)
    log = workspace.log()
    ids = log.engine.rows(f"SELECT DISTINCT customer_id FROM ({log.sql()}) ORDER BY 1")
    key, _ = KeyStore(folder / "live" / "keys.json").create("bench", ["read", "write", "admin"])
    return Shop(workspace, [str(one) for (one,) in ids], key)


class Service:
    """`patronage serve`, or another program that takes its arguments.

    Parameters
    ----------
    more : arguments of `patronage serve`
    program : arguments of Python in place of the command's
    rate : requests a second that one key may ask; here one key is the load of many
    """

    def __init__(
        self,
        shop: Shop,
        more: Sequence[str] = (),
        *,
        program: Sequence[str] = COMMAND,
        rate: float = 1e6,
    ) -> None:
        self.shop, self.more, self.program, self.rate = shop, list(more), list(program), rate
        self.host, self.port, self.key = "127.0.0.1", free_port(), shop.key
        self.log = shop.folder / "service.log"
        atexit.register(self._end)
        self.start()

    def start(self) -> float:
        """Seconds until it is ready."""
        began = time.perf_counter()
        told = ["serve", "--workspace", str(self.shop.folder), "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.program, *told, *self.more],
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={**os.environ, "PATRONAGE_SERVE_RATE_LIMIT": str(self.rate)},
            )
        while time.perf_counter() - began < _READY_SECONDS:
            if self.process.poll() is not None:
                raise RuntimeError(f"the service ended with {self.process.returncode}: {self.log}")
            if self.ask("GET", "/ready")[0] == 200:
                return time.perf_counter() - began
            time.sleep(0.05)
        raise TimeoutError(f"the service is not ready after {_READY_SECONDS:g} seconds")

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """One request on a connection of its own: status and body; 0 where there was no answer."""

        async def go() -> tuple[int, bytes]:
            wire = Wire(self.host, self.port)
            told = await wire.ask(self.request(method, path, body))
            wire.close()
            return told.status, told.body

        return asyncio.run(go())

    def request(self, method: str, path: str, body: object = None) -> bytes:
        """Its bytes."""
        text = b"" if body is None else json.dumps(body).encode()
        return (
            f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
        ).encode() + text

    def metric(self, name: str) -> float:
        """One number of /metrics."""
        _, text = self.ask("GET", "/metrics")
        return float(re.findall(rf"^{re.escape(name)} (\S+)$", text.decode(), re.M)[0])

    def wait_until_scored(self) -> None:
        """Until nobody waits for a score; what is counted is some seconds old."""
        time.sleep(6.0)
        while self.metric('patronage_store_rows{table="waiting"}') > 0:
            time.sleep(1.0)

    def memory(self) -> float:
        """MiB that the process holds."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def stop(self, number: int = signal.SIGTERM) -> int:
        """The exit code."""
        self.process.send_signal(number)
        return self.process.wait()

    def _end(self) -> None:
        """Where a study failed, nothing of it goes on."""
        if self.process.poll() is None:
            self.process.kill()

    def errors(self) -> int:
        """Lines of its log that tell a fault of its own."""
        with self.log.open("rb") as log:
            return sum(b'"level":"error"' in one or b"Traceback" in one for one in log)
