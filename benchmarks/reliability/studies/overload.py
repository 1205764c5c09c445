"""Many more requests than can be served: some are sent away, nothing breaks, and it passes."""

import argparse
import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from shop import Service, make_shop
from steady import PHASE_HEAD, Answer, Steady, event, phase_row, quantile, statuses
from verdict import verdict
from wire import Wire

_SLOW_RATE = 200.0


@dataclass
class Flood:
    """What came of it.

    Attributes
    ----------
    without : answers 429 and 503 that do not say when to come again
    """

    answers: list[Answer] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    without: int = 0


def study(folder: Path, told: argparse.Namespace) -> tuple[str, list[str]]:
    """Readers, senders, and one key that asks too often; each on top of a steady load."""
    shop = make_shop(folder / "shop")
    service = Service(shop)
    service.wait_until_scored()
    rows, floods, back = list[str](), list[str](), list[str]()
    acknowledged, without, strange = set[str](), 0, 0

    def one_score(k: int) -> bytes:
        return service.request("GET", f"/v1/customers/{shop.ids[k * 31 % len(shop.ids)]}/score")

    def many_events(k: int) -> bytes:
        ids = shop.ids
        some = [event(f"flood-{k}-{j}", ids[(500 * k + j) % len(ids)]) for j in range(500)]
        return service.request("POST", "/v1/events:batch", some)

    with Steady(service, "overload") as load:
        rows.append(phase_row("the steady load alone", load, load.for_(told.seconds)))
        for what, make, n in (
            ("scores, 2,500 connections", one_score, 2_500),
            ("500 events at once, 200 connections", many_events, 200),
        ):
            began = time.monotonic()
            flood = asyncio.run(flooded(service, make, n, told.seconds))
            rows.append(phase_row(what, load, (began, time.monotonic())))
            floods.append(row(what, flood))
            back.append(f"{load.late(load.for_(told.seconds)):.1f} s")
            acknowledged |= flood.acknowledged
            without += flood.without
            strange += sum(one.status not in (200, 429, 503) for one in flood.answers)
        memory = service.memory()
    acknowledged |= load.acknowledged
    service.wait_until_scored()
    service.stop()
    service.rate = _SLOW_RATE
    service.start()
    flood = asyncio.run(flooded(service, one_score, 50, told.seconds))
    floods.append(row(f"scores, a key that may ask {_SLOW_RATE:g} times a second", flood))
    without += flood.without
    strange += sum(one.status not in (200, 429, 503) for one in flood.answers)
    service.wait_until_scored()
    service.stop()
    return "Overload, SQLite", [
        "What the flood was answered, and how long those waited that were served:",
        "",
        "| flood | answers | p50 ms | p99 ms | p99 ms of those sent away |",
        "|---|---|---|---|---|",
        *floods,
        "",
        "The steady load meanwhile, on connections of its own:",
        "",
        PHASE_HEAD,
        *rows,
        "",
        f"From the end of a flood until the last answer of the steady load that was no 2xx: "
        f"{', '.join(back)}. The process holds {memory:,.0f} MiB at the end.",
        "",
        "| | |",
        "|---|---|",
        f"| answers other than 200, 429 and 503 | {strange} |",
        f"| answers 429 and 503 without Retry-After | {without} |",
        *verdict(service, acknowledged),
        f"| faults in the log | {service.errors()} |",
    ]


async def flooded(
    service: Service, make: Callable[[int], bytes], connections: int, seconds: float
) -> Flood:
    """Each connection asks again as soon as it is answered, whatever the answer."""
    found, numbers, end = Flood(), iter(range(10**9)), time.monotonic() + seconds

    async def one() -> None:
        wire = Wire(service.host, service.port)
        while time.monotonic() < end:
            number = next(numbers)
            request, at = make(number), time.monotonic()
            told = await wire.ask(request)
            found.answers.append(Answer(at, time.monotonic() - at, "flood", told.status))
            if told.status in (429, 503):
                found.without += b"retry-after:" not in told.head
            elif told.status == 200 and make.__name__ == "many_events":
                answer = json.loads(told.body)
                found.acknowledged |= {
                    f"flood-{number}-{k}" for k in (*answer["accepted"], *answer["duplicates"])
                }
        wire.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return found


def row(what: str, flood: Flood) -> str:
    away = [one.seconds * 1e3 for one in flood.answers if one.status in (429, 503)]
    slow = f"{sorted(away)[int(0.99 * (len(away) - 1))]:,.0f}" if away else "–"
    cells = [what, statuses(flood.answers), quantile(flood.answers, 0.5), quantile(flood.answers)]
    return f"| {' | '.join([*cells, slow])} |"
