"""How fast the service is: each case beside a no-op route of the same server, in the same run.

    python benchmarks/load/run.py [--seconds 20] [--online redis://…] [--events postgresql://…]

A shop of 5,000 customers is simulated and fitted (BG/NBD), and `patronage serve` started on it in a
process of its own; this process is the load. The server's work is told in its own CPU seconds, for
client and server share the machine. Writes RESULTS.md; the load average stands in it.
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from client import Load, closed, paced

from patronage.datasets import SimulationSettings, simulate
from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.live.workspace import Workspace, write_workspace
from patronage.models.catalog import make_model
from patronage.registry import Artifact, load_artifact, save_artifact
from patronage.scoring import score, scoring_of
from patronage.snapshots import take_snapshot
from patronage.value import Economics

HERE = Path(__file__).parent
CUSTOMERS = 5_000
COMMAND = "from patronage.cli import main; main()"
TICKS = os.sysconf("SC_CLK_TCK")


def make_workspace(folder: Path) -> Workspace:
    start, end = date(2025, 1, 1), date(2026, 1, 1)
    shop = simulate(SimulationSettings(n_customers=CUSTOMERS, start=start, end=end), seed=1)
    log = EventLog.from_frame(shop.events.filter(kind="purchase"), currency="EUR")
    snapshot, horizon = take_snapshot(log.compact(), as_of=end), Horizon(26, "week")
    fitted = make_model("bg_nbd").fit(snapshot, horizon)
    place = folder / "models" / "bg_nbd"
    save_artifact(Artifact("bg_nbd", fitted, horizon, end, "EUR"), place)
    scores = score(snapshot, scoring_of(load_artifact(place), Economics()))
    return write_workspace(folder, place, snapshot, Economics(), scores)


class Server:
    """`patronage serve`, in a process of its own."""

    def __init__(self, folder: Path, more: list[str]) -> None:
        self.folder, self.more, self.key = folder, more, ""
        self.start()

    def start(self) -> float:
        """Seconds until it is ready."""
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-c", COMMAND, "serve", "--workspace", str(self.folder)),
                *("--port", "0", *self.more),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            # One key is the load of many.
            env={**os.environ, "PYTHONUNBUFFERED": "1", "PATRONAGE_SERVE_RATE_LIMIT": "1000000"},
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("pk_"):
                self.key = line.strip()
            if found := re.search(r"http://([\d.]+):(\d+)", line):
                self.host, self.port = found[1], int(found[2])
                break
        while asyncio.run(self.status("/ready")) != 200:
            time.sleep(0.05)
        return time.perf_counter() - began

    async def status(self, path: str) -> int:
        try:
            load = await closed(
                self.host, self.port, lambda _: self.get(path), in_flight=1, seconds=0.001
            )
        except OSError:
            return 0
        return 200 if load.seconds else 0

    def get(self, path: str) -> bytes:
        return (
            f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.key}\r\n\r\n".encode()
        )

    def post(self, path: str, body: bytes) -> bytes:
        return (
            f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body

    def cpu(self) -> float:
        """CPU seconds of the server's processes so far."""
        return sum(int(stat[11]) + int(stat[12]) for stat in self.processes().values()) / TICKS

    def processes(self) -> dict[int, list[str]]:
        """The server and its workers: process → what /proc says of it after its name."""
        found = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                stat = path.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if str(self.process.pid) in (path.parent.name, stat[1]):
                found[int(path.parent.name)] = stat
        return found

    def metric(self, name: str) -> float:
        """One number of /metrics."""
        import httpx

        url = f"http://{self.host}:{self.port}/metrics"
        text = httpx.get(url, headers={"Authorization": f"Bearer {self.key}"}).text
        return float(re.findall(rf"^{re.escape(name)} (\S+)$", text, re.M)[0])

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()

    def kill(self) -> None:
        """As the kernel does it: no process has a say."""
        for process in self.processes():
            os.kill(process, signal.SIGKILL)
        self.process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--online", default="")
    parser.add_argument("--events", default="")
    parser.add_argument("--workers", type=int, default=1)
    told = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="patronage-load-"))
    stores = [f"--{name}={getattr(told, name)}" for name in ("online", "events")]
    more = [one for one in stores if not one.endswith("=")]
    more += [f"--workers={told.workers}"] if told.workers > 1 else []
    try:
        workspace = make_workspace(folder)
        server = Server(folder, more)
        ids = [str(one) for one in take_ids(workspace)]
        wait_until_scored(server, ids)
        rows = list(measure(server, ids, told.seconds))
        server.kill()
        again = server.start()
        rows.append(("kill -9 → serving again", f"{again:.1f} s", "", "", "", ""))
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    write(rows, told)


def take_ids(workspace: Workspace) -> list[Any]:
    log = workspace.log()
    return [one for (one,) in log.engine.rows(f"SELECT DISTINCT customer_id FROM ({log.sql()})")]


def wait_until_scored(server: Server, ids: list[str]) -> None:
    """All scores made once, so that a case measures reading."""
    for start in range(0, len(ids), 500):
        body = json.dumps({"customer_ids": ids[start : start + 500]}).encode()
        request = server.post("/v1/score:batch", body)
        asyncio.run(
            closed(server.host, server.port, lambda _, r=request: r, in_flight=1, seconds=0.001)
        )
    while server.metric('patronage_store_rows{table="waiting"}') > 0:
        time.sleep(0.5)


def measure(server: Server, ids: list[str], seconds: float):
    noop, scores = server.get("/health"), [server.get(f"/v1/customers/{i}/score") for i in ids]

    def one_score(k: int) -> bytes:
        return scores[k * 7919 % len(scores)]

    def run(what, load, make, **how):
        before = server.cpu()
        found: Load = asyncio.run(load(server.host, server.port, make, seconds=seconds, **how))
        return row(what, found, server.cpu() - before)

    yield run("no-op, 1 in flight", closed, lambda _: noop, in_flight=1)
    yield run("score, 1 in flight", closed, one_score, in_flight=1)
    yield run("no-op, 1,000 users × 1 a second", paced, lambda _: noop, users=1_000)
    yield run("score, 1,000 users × 1 a second", paced, one_score, users=1_000)
    yield run("no-op, 1,000 in flight", closed, lambda _: noop, in_flight=1_000)
    yield run("score, 1,000 in flight", closed, one_score, in_flight=1_000)
    batch = server.post("/v1/score:batch", json.dumps({"customer_ids": ids[:500]}).encode())
    yield run("500 scores at once, 1 in flight", closed, lambda _: batch, in_flight=1)

    at = datetime.now(UTC).isoformat()

    def event(name: str, k: int) -> dict[str, Any]:
        who = ids[k * 31 % len(ids)]
        return {"event_id": f"{name}-{k}", "customer_id": who, "event_time": at, "amount": 20}

    def waited(k: int) -> bytes:
        return server.post("/v1/events?wait=true", json.dumps(event("w", k)).encode())

    yield run("event → new score, 1 in flight", closed, waited, in_flight=1)

    def many(k: int) -> bytes:
        some = [event("b", 500 * k + j) for j in range(500)]
        return server.post("/v1/events:batch", json.dumps(some).encode())

    yield run("500 events at once, 4 in flight", closed, many, in_flight=4)


def row(what: str, load: Load, cpu: float) -> tuple[str, ...]:
    n = len(load.seconds)
    wrong = ", ".join(f"{count} × {status}" for status, count in load.wrong.items()) or "none"
    return (
        what,
        f"{load.quantile(0.5):.2f}",
        f"{load.quantile(0.99):.2f}",
        rate(load.per_second),
        rate(n / cpu) if cpu > 0 else "–",
        wrong,
    )


def rate(n: float) -> str:
    return f"{n:,.1f}" if n < 100 else f"{n:,.0f}"


def write(rows: list[tuple[str, ...]], told: argparse.Namespace) -> None:
    stores = ", ".join(
        [
            "PostgreSQL" if told.events else "SQLite",
            "Redis" if told.online else "scores in the process",
            *([f"{told.workers} workers"] if told.workers > 1 else []),
        ]
    )
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    heading = f"## {stores}"
    lines = [
        heading,
        "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores shared with the client, "
        f"{CUSTOMERS:,} customers, {told.seconds:g} s a case, load average at the end {load}.",
        "",
        "| case | p50 ms | p99 ms | a second | per CPU second of the server | errors |",
        "|---|---|---|---|---|---|",
        *(f"| {' | '.join(one)} |" for one in rows),
        "",
    ]
    path = HERE / "RESULTS.md"
    page = path.read_text() if path.exists() else _HEAD
    parts = {part.split("\n", 1)[0]: part for part in re.split(r"(?m)^(?=## )", page)}
    parts[heading] = "\n".join(lines)
    path.write_text("\n".join(part.rstrip() + "\n" for part in parts.values()))
    print("\n".join(lines))


_HEAD = """# The service under load

Made by `python benchmarks/load/run.py`; a set of stores at a time, the others are left as they
were.
"""

if __name__ == "__main__":
    main()
