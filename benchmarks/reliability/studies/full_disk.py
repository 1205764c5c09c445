"""The disk of the event store is full: nothing is acknowledged, reads go on; then it has room."""

import argparse
from pathlib import Path

import pytest
from shop import Service, Shop, make_shop
from steady import PHASE_HEAD, Steady, phase_row
from verdict import verdict

from live.servers import SmallDisk, small_disk

_MEBIBYTES = 256
_TIMES = 3


def study(folder: Path, told: argparse.Namespace) -> tuple[str, list[str]]:
    """Fill the disk and free it, some times; then start on a full one."""
    heading = "A full disk, SQLite"
    shop = make_shop(folder / "shop")
    try:
        with small_disk(folder / "disk", mebibytes=_MEBIBYTES) as disk:
            return heading, _full(shop, disk, told)
    except pytest.skip.Exception as reason:
        return heading, [f"Left out: {reason}."]


def _full(shop: Shop, disk: SmallDisk, told: argparse.Namespace) -> list[str]:
    events, rows, back = disk.folder / "events.db", list[str](), list[str]()
    service = Service(shop, ["--events", str(events)])
    service.wait_until_scored()
    with Steady(service, "disk") as load:
        rows.append(phase_row("all is well", load, load.for_(told.seconds)))
        for number in range(1, _TIMES + 1):
            disk.fill()
            rows.append(phase_row(f"full, {number}", load, load.for_(told.seconds)))
            disk.free()
            span = load.for_(told.seconds)
            rows.append(phase_row(f"with room again, {number}", load, span))
            back.append(f"{load.late(span):.1f} s")
    service.wait_until_scored()
    code = service.stop()
    disk.fill()
    try:
        service.start()
        started = "starts"
        service.stop()
    except RuntimeError:
        started = f"ends with exit code {service.process.returncode}, and says why"
    disk.free()
    found = verdict(service, load.acknowledged, events=str(events))
    return [
        PHASE_HEAD,
        *rows,
        "",
        f"From room again until the last answer that was no 2xx: {', '.join(back)}. A service that "
        f"is started on a full disk {started}.",
        "",
        "| | |",
        "|---|---|",
        *found,
        f"| faults in the log | {service.errors()} |",
        f"| exit code of the stop | {code} |",
    ]
