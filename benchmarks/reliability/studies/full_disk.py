"""The disk of the event store is full: nothing is acknowledged, reads go on, and then it has room."""

import argparse
import os
import subprocess
from contextlib import contextmanager
from collections.abc import Iterator
from pathlib import Path

from shop import Service, make_shop
from steady import PHASE_HEAD, Steady, phase_row
from verdict import verdict

_MIB = 48


@contextmanager
def small_disk(place: Path, mib: int) -> Iterator[Path]:
    """A file system of its own.

    Raises
    ------
    PermissionError : it cannot be mounted here
    """
    place.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(place)]
    if os.getuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        raise PermissionError("a file system can be mounted by root only, where that is allowed")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def study(folder: Path, told: argparse.Namespace) -> tuple[str, list[str]]:
    """Fill the disk three times: by a strange file, by a strange file in jumps, by the store."""
    heading, rows = "A full disk, SQLite", list[str]()
    shop = make_shop(folder / "shop")
    try:
        with small_disk(folder / "disk", _MIB) as disk:
            return heading, _full(shop, disk, told, rows)
    except PermissionError as error:
        return heading, [f"Left out: {error}."]


def _full(shop, disk: Path, told: argparse.Namespace, rows: list[str]) -> list[str]:
    events, ballast, back = disk / "events.db", disk / "ballast", list[str]()
    service = Service(shop, ["--events", str(events)])
    service.wait_until_scored()
    with Steady(service, "disk") as load:
        rows.append(phase_row("all is well", load, load.for_(told.seconds)))
        for times in range(1, 4):
            fill(ballast)
            rows.append(phase_row(f"full, {times}", load, load.for_(told.seconds)))
            ballast.unlink()
            since, until = load.for_(told.seconds)
            rows.append(phase_row(f"with room again, {times}", load, (since, until)))
            late = [
                one.at + one.seconds - since
                for one in load.between(since, until)
                if not one.is_usual
            ]
            back.append(f"{max(late, default=0.0):.1f} s")
    service.wait_until_scored()
    code = service.stop()
    fill(ballast)
    try:
        service.start()
        started = "starts, and reads go on"
    except RuntimeError:
        started = f"ends with {service.process.returncode} and says why"
    if service.process.poll() is None:
        service.stop()
    ballast.unlink()
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


def fill(path: Path) -> None:
    """Take all room that there is, and what becomes free within a moment."""
    with path.open("wb") as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(b"x" * size)
                    file.flush()
            except OSError:
                continue
