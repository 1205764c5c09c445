"""Clocks that are wrong: of the senders, and of the server, which jumps ahead and back."""

import argparse
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from shop import Service, make_shop
from steady import PHASE_HEAD, Steady, event, phase_row
from verdict import verdict

# By how many minutes the sender's clock is ahead → whether its events are to be taken in.
_SKEWS = {0: True, 4: True, 6: False, 24 * 60: False, -60: True, -24 * 60: True, -600_000: True}
_JUMPS = {"an hour ahead": 3_600, "an hour behind": -3_600, "a day ahead": 86_400}


def study(folder: Path, told: argparse.Namespace) -> tuple[str, list[str]]:
    """Skewed senders first, then a server whose clock is set ahead and back."""
    shop, shift = make_shop(folder / "shop"), folder / "shift"
    shift.write_text("0")
    program = [str(Path(__file__).parents[1] / "clocked.py"), str(shift)]
    service = Service(shop, program=program)
    service.wait_until_scored()
    rows = list[str]()
    with Steady(service, "skewed", make=skewed) as load:
        rows.append(phase_row("senders with skewed clocks", load, load.for_(told.seconds)))
    wrong = sum(not may(name) for name in load.acknowledged)
    refused = sum("lies ahead of our clock" in why for why in load.refused.elements())
    other = load.refused.total() - refused
    acknowledged = load.acknowledged

    with Steady(service, "jumping", make=now_and_then) as load:
        for what, seconds in _JUMPS.items():
            for named, shifted in ((what, seconds), ("right again", 0)):
                beside = shift.with_suffix(".new")
                beside.write_text(str(shifted))
                beside.replace(shift)
                rows.append(phase_row(f"the server: {named}", load, load.for_(told.seconds)))
    acknowledged |= load.acknowledged
    kept = load.refused.total()
    service.wait_until_scored()
    replayed = replay(service)
    service.wait_until_scored()
    service.stop()
    return "Wrong clocks, SQLite", [
        PHASE_HEAD,
        *rows,
        "",
        "| | |",
        "|---|---|",
        f"| refused, more than 5 minutes ahead of the server | {refused:,} |",
        f"| refused for another reason | {other} |",
        f"| taken in though too far ahead | {wrong} |",
        f"| refused while the server was behind, kept as dead letters | {kept:,} |",
        f"| of these taken in when replayed with the clock right again | {len(replayed):,} |",
        *verdict(service, acknowledged | replayed),
        f"| faults in the log | {service.errors()} |",
    ]


def _skew(name: str) -> int:
    return list(_SKEWS)[int.from_bytes(name.encode()[-6:], "big") % len(_SKEWS)]


def may(name: str) -> bool:
    return _SKEWS[_skew(name)]


def skewed(name: str, who: str) -> dict[str, Any]:
    """Dated by a clock that is ahead or behind."""
    at = datetime.now(UTC) + timedelta(minutes=_skew(name))
    return {**event(name, who), "event_time": at.isoformat()}


def now_and_then(name: str, who: str) -> dict[str, Any]:
    """Of now by the right clock, one in twenty; else of last winter."""
    if not name.endswith("-0"):
        return event(name, who)
    return {**event(name, who), "event_time": datetime.now(UTC).isoformat()}


def replay(service: Service) -> set[str]:
    """Send the dead letters of a server that was behind again, as they are."""
    taken = set[str]()
    while True:
        _, body = service.ask("GET", "/v1/dead-letters?limit=1000")
        letters = [one for one in json.loads(body)["letters"] if '"jumping-' in one["body"]]
        if not letters:
            return taken
        for one in letters:
            path = f"/v1/dead-letters/{one['id']}:replay"
            status, body = service.ask("POST", path, json.loads(one["body"]))
            if status != 200 and status != 201:
                return taken
            taken.add(json.loads(body)["event_id"])
