"""PostgreSQL started anew, in order and by force, while events come in."""

import argparse
import statistics
from pathlib import Path

from shop import Service, make_shop
from steady import PHASE_HEAD, Steady, phase_row
from verdict import arguments, named, verdict

from live.servers import own_postgres, own_redis

_TIMES = 5


def study(folder: Path, told: argparse.Namespace) -> tuple[str, list[str]]:
    """Some times each; the server is away for a second."""
    rows, back = list[str](), list[str]()
    with own_postgres(settings="") as postgres, own_redis(folder / "redis") as redis:
        shop = make_shop(folder / "shop")
        service = Service(shop, arguments(postgres, redis))
        service.wait_until_scored()
        with Steady(service, "postgres") as load:
            rows.append(phase_row("all is well", load, load.for_(told.seconds)))
            for how in ("fast", "immediate"):
                seconds, began = [], load.for_(0.0)[0]
                for _ in range(_TIMES):
                    postgres.stop(how)
                    load.for_(1.0)
                    postgres.start()
                    seconds.append(load.late(load.for_(max(3.0, told.seconds / _TIMES))))
                span = began, load.for_(0.0)[1]
                rows.append(phase_row(f"started anew {_TIMES} times, {how}", load, span))
                back.append(f"{how}: {statistics.median(seconds):.2f} s and {max(seconds):.2f} s")
        service.wait_until_scored()
        service.stop()
        found = verdict(service, load.acknowledged, events=postgres.url, redis=redis)
        errors = service.errors()
    lines = [
        PHASE_HEAD,
        *rows,
        "",
        f"From the server's start until the last answer that was no 2xx, median and longest: "
        f"{'; '.join(back)}.",
        "",
        "| | |",
        "|---|---|",
        *found,
        f"| faults in the log | {errors} |",
    ]
    return f"PostgreSQL started anew, {named(postgres, redis)}", lines
