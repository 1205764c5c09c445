"""kill -9 at random points of the running service: what was acknowledged is there, once.

    python benchmarks/reliability/run.py [--kills 100]

`patronage serve` runs in a process of its own on a small shop; senders post batches of events, a
tenth of them again, and note what was acknowledged. The process is killed after a random while and
started anew. At the end every acknowledged event must be in the store once, every customer's ledger
must be that of its events folded at once, and every score that of batch. Writes RESULTS.md.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "load"))

import run as load  # noqa: E402

from patronage.live.arrivals import Arrival, Spelling  # noqa: E402
from patronage.live.corrections import those_that_count  # noqa: E402
from patronage.live.live_model import load_live_model  # noqa: E402
from patronage.live.scorer import coming_midnight, utc_now  # noqa: E402
from patronage.live.sql_event_store import SqlEventStore  # noqa: E402
from patronage.live.sqlite import SQLite  # noqa: E402
from patronage.snapshots import CustomerLedger  # noqa: E402
from patronage.snapshots.grains import Entries  # noqa: E402

SENDERS, BATCH = 4, 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    kills = parser.parse_args().kills
    folder = Path(tempfile.mkdtemp(prefix="patronage-kills-"))
    load.CUSTOMERS = 200
    try:
        workspace = load.make_workspace(folder)
        ids = [str(one) for one in load.take_ids(workspace)]
        acknowledged, seconds = killed(folder, ids, kills)
        wrong = checked(folder, acknowledged)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    seconds.sort()
    lines = [
        "# kill -9 at random points",
        "",
        f"Made by `python benchmarks/reliability/run.py --kills {kills}`; "
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, SQLite, load average "
        f"{os.getloadavg()[1]:.1f} on {os.cpu_count()} cores.",
        "",
        "| | |",
        "|---|---|",
        f"| kills | {kills} |",
        f"| events acknowledged | {len(acknowledged):,} |",
        *(f"| {what} | {n} |" for what, n in wrong.items()),
        f"| from kill to serving again, median and longest | {seconds[len(seconds) // 2]:.1f} s, "
        f"{seconds[-1]:.1f} s |",
        "",
    ]
    (HERE / "RESULTS.md").write_text("\n".join(lines))
    print("\n".join(lines))


def killed(folder: Path, ids: list[str], kills: int) -> tuple[set[str], list[float]]:
    """Event ids that were acknowledged, and seconds from each kill to serving again."""
    chance, acknowledged, seconds = random.Random(1), set[str](), list[float]()
    server = load.Server(folder, [])
    for round_ in range(kills):
        asyncio.run(send_until_killed(server, ids, round_, acknowledged, chance))
        began = time.perf_counter()
        server.start()
        seconds.append(time.perf_counter() - began)
    while server.metric('patronage_store_rows{table="waiting"}') > 0:
        time.sleep(1.0)
    server.stop()
    return acknowledged, seconds


async def send_until_killed(
    server: load.Server, ids: list[str], round_: int, acknowledged: set[str], chance: random.Random
) -> None:
    async def sender(place: int) -> None:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        for number in range(10**6):
            events = [
                event(f"{round_}-{place}-{number}-{k}", ids[(7 * number + k) % len(ids)])
                for k in range(BATCH)
            ]
            if number % 10 == 9:
                events[0] = event(
                    f"{round_}-{place}-{number - 1}-0", ids[7 * (number - 1) % len(ids)]
                )
            try:
                writer.write(server.post("/v1/events:batch", json.dumps(events).encode()))
                head = await reader.readuntil(b"\r\n\r\n")
                at = head.lower().find(b"content-length:")
                body = await reader.readexactly(int(head[at + 15 : head.find(b"\r\n", at)]))
            except (OSError, asyncio.IncompleteReadError):
                break
            if head[9:12] == b"200":
                told = json.loads(body)
                for k in (*told["accepted"], *told["duplicates"]):
                    acknowledged.add(events[k]["event_id"])
        writer.close()

    async def killer() -> None:
        await asyncio.sleep(chance.uniform(0.05, 1.0))
        server.process.send_signal(signal.SIGKILL)

    await asyncio.gather(killer(), *(sender(k) for k in range(SENDERS)))
    server.process.wait()


def event(name: str, who: str) -> dict[str, object]:
    # Why of the name: sent again it must be the same to the letter.
    at = datetime(2026, 1, 2) + timedelta(seconds=hash_of(name) % 10_000_000)
    return {"event_id": name, "customer_id": who, "event_time": at.isoformat(), "amount": "9.50"}


def hash_of(name: str) -> int:
    return int.from_bytes(name.encode()[-6:], "big")


def checked(folder: Path, acknowledged: set[str]) -> dict[str, int]:
    workspace = load.Workspace.open(folder)
    spelling = Spelling(workspace.whole_ids, workspace.has_clock)
    store = SqlEventStore(SQLite(folder / "live" / "events.db"), spelling)
    with store.database.reading() as tx:
        bodies = [body for (body,) in tx.rows("SELECT body FROM events")]
    events = [msgspec.json.decode(body, type=Arrival) for body in bodies]
    names = [one.event_id for one in events]
    model, today = load_live_model(workspace, store=store), coming_midnight(utc_now())
    ledgers = other = 0
    for some in store.all_held():
        folded = [CustomerLedger.from_json(one.ledger) for one in some]
        scores = model.score(folded, today)
        for held in some:
            own = [one for one in events if one.customer_id == held.customer_id]
            empty = CustomerLedger(held.customer_id, Entries(workspace.has_clock))
            text = empty.after(*(one.row() for one in those_that_count(own))).to_json()
            ledgers += text != held.ledger
            batch = scores.get(held.customer_id)
            told = None if held.score is None else held.score.clv
            other += told is None or batch is None or abs(told - batch.clv) > 1e-9 * abs(batch.clv)
    store.close()
    return {
        "acknowledged events that are lost": len(acknowledged - set(names)),
        "events that are there twice": len(names) - len(set(names)),
        "ledgers that are not those of their events": ledgers,
        "scores that are not those of batch": other,
    }


if __name__ == "__main__":
    main()
