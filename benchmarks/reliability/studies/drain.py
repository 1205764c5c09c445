"""SIGTERM under load: who is at work is answered, and the process ends soon, with 0."""

import argparse
import signal
import time
from contextlib import ExitStack
from pathlib import Path

from shop import Service, make_shop
from steady import Steady, statuses
from verdict import arguments, named, stores_asked, verdict

from patronage.config import serve_settings
from patronage.service.opening import open_store

_TIMES = 10


def study(folder: Path, told: argparse.Namespace) -> tuple[str, list[str]]:
    """Stop and start, some times; with PostgreSQL and Redis two workers serve."""
    seconds, codes, loads, ended = list[float](), set[int](), list[Steady](), list[str]()
    with ExitStack() as stack:
        postgres, redis = stores_asked(stack, folder, told.stores)
        shop = make_shop(folder / "shop")
        workers = 2 if postgres else 1
        service = Service(shop, [*arguments(postgres, redis), "--workers", str(workers)])
        service.wait_until_scored()
        for number in range(_TIMES):
            with Steady(service, f"drain{number}", senders=16, readers=16, pause=0.0) as load:
                load.for_(max(1.0, told.seconds / _TIMES))
                began = time.monotonic()
                codes.add(service.stop(signal.SIGTERM))
                seconds.append(time.monotonic() - began)
            after = [one for one in load.answers if one.at + one.seconds >= began]
            ended += [one for one in after if one.status != 0]
            loads.append(load)
            service.start()
        service.wait_until_scored()
        service.stop()
        address = postgres.url if postgres else ""
        acknowledged = {one for load in loads for one in load.acknowledged}
        found = verdict(service, acknowledged, events=address, redis=redis)
        cut_off = {one for load in loads for one in load.cut_off}
        taken = len(cut_off & names_in(shop, address))
    usual = [one for load in loads for one in load.answers if one.status not in (200, 0)]
    return f"SIGTERM under load, {named(postgres, redis)}, {workers} worker{'s' * (workers > 1)}", [
        "| | |",
        "|---|---|",
        f"| stops | {_TIMES} |",
        f"| seconds until the process ended, longest | {max(seconds):.1f} |",
        f"| exit codes | {', '.join(map(str, sorted(codes)))} |",
        f"| answers after the signal | {statuses(ended)} |",
        f"| answers other than 200 in all | {statuses(usual)} |",
        f"| events that nobody was told of and that were taken in | {taken} |",
        *found,
        f"| faults in the log | {service.errors()} |",
    ]


def names_in(shop, address: str) -> set[str]:
    settings = serve_settings({"workspace": shop.folder, "events": address or None})
    store = open_store(settings, shop.workspace)
    try:
        return {one.event_id for some in store.records() for row in some for one in row.events}
    finally:
        store.close()
