"""kill -9, at random moments and in the windows where it could hurt."""

import argparse
import random
import signal
import statistics
from contextlib import ExitStack
from pathlib import Path

from shop import COMMAND, Service, make_shop
from steady import Steady
from verdict import arguments, named, stores_asked, verdict

from live.dying import WINDOWS

_IN_WINDOWS = 0.1
_LATEST = 30


def study(folder: Path, told: argparse.Namespace) -> tuple[str, list[str]]:
    """Kill, start, kill; senders send again what was not acknowledged."""
    chance, seconds = random.Random(1), list[float]()
    in_window = {window: round(told.kills * _IN_WINDOWS) for window in WINDOWS}
    at_random = told.kills - sum(in_window.values())
    with ExitStack() as stack:
        postgres, redis = stores_asked(stack, folder, told.stores)
        shop = make_shop(folder / "shop")
        service = Service(shop, arguments(postgres, redis))
        with Steady(service, "kills", pause=0.02) as load:
            for _ in range(at_random):
                load.for_(chance.uniform(0.05, 1.0))
                service.stop(signal.SIGKILL)
                seconds.append(service.start())
            for window, kills in in_window.items():
                for _ in range(kills):
                    service.stop(signal.SIGKILL)
                    after = str(chance.randrange(2, _LATEST))
                    service.program = [str(Path(__file__).parents[1] / "dying.py"), window, after]
                    service.start()
                    service.process.wait(60)
            service.program = list(COMMAND)
            seconds.append(service.start())
            load.for_(2.0)
        service.wait_until_scored()
        service.stop()
        found = verdict(
            service, load.acknowledged, events=postgres.url if postgres else "", redis=redis
        )
    lines = [
        "| | |",
        "|---|---|",
        f"| kills at random moments | {at_random} |",
        *(f"| kills {window} | {n} |" for window, n in in_window.items()),
        f"| from kill to serving again, median and longest | {statistics.median(seconds):.1f} s, "
        f"{max(seconds):.1f} s |",
        *found,
    ]
    return f"kill -9, {named(postgres, redis)}", lines
