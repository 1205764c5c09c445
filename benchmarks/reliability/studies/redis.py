"""Redis away at the start, killed, hanging, refusing, wiped; the event store answers meanwhile."""

import argparse
import signal
import subprocess
from pathlib import Path

from shop import Service, make_shop
from steady import PHASE_HEAD, Steady, phase_row
from verdict import arguments, named, verdict

from live.servers import own_postgres, own_redis


def study(folder: Path, told: argparse.Namespace) -> tuple[str, list[str]]:
    """One after the other; between them all is well again."""
    rows, back = list[str](), list[str]()
    with own_postgres(settings="") as postgres, own_redis(folder / "redis") as redis:
        shop = make_shop(folder / "shop")
        redis.stop()
        service = Service(shop, arguments(postgres, redis))
        with Steady(service, "redis") as load:

            def part(what: str) -> None:
                span = load.for_(told.seconds)
                rows.append(phase_row(what, load, span))

            def again(what: str) -> None:
                back.append(f"{what} {load.late(load.for_(told.seconds)):.1f} s")

            def cli(*command: str) -> None:
                told = ["redis-cli", "-p", str(redis.port), *command]
                subprocess.run(told, check=True, capture_output=True, timeout=30)

            part("away since the start")
            redis.start()
            again("started")
            part("all is well")
            redis.stop()
            part("killed")
            redis.start()
            again("started anew, empty")
            redis.signal(signal.SIGSTOP)
            part("hanging (SIGSTOP)")
            redis.signal(signal.SIGCONT)
            again("going on (SIGCONT)")
            cli("CLIENT", "PAUSE", str(round(told.seconds * 1e3)), "ALL")
            part("pausing (CLIENT PAUSE)")
            again("after the pause")
            cli("CONFIG", "SET", "maxmemory", "1")
            part("without memory (maxmemory 1)")
            cli("CONFIG", "SET", "maxmemory", "0")
            again("with memory")
            began = load.for_(0.0)[0]
            for _ in range(5):
                cli("FLUSHALL")
                load.for_(told.seconds / 5)
            rows.append(phase_row("wiped 5 times (FLUSHALL)", load, (began, load.for_(0.0)[1])))
        service.wait_until_scored()
        service.stop()
        found = verdict(service, load.acknowledged, events=postgres.url, redis=redis)
        errors = service.errors()
    lines = [
        PHASE_HEAD,
        *rows,
        "",
        "Until every answer came from the online store again: " + ", ".join(back) + ".",
        "",
        "| | |",
        "|---|---|",
        *found,
        f"| faults in the log | {errors} |",
    ]
    return f"Redis away, {named(postgres, redis)}", lines
