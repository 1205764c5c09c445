"""What becomes of the service when things break; real processes, real stores of the study's own.

    python benchmarks/reliability/run.py STUDY … [--stores postgres] [--kills 100] [--seconds 10]

Studies: kills, redis, postgres, full_disk, clock, overload, drain, swap. Each runs `patronage
serve` in a process of its own under a steady load, breaks something, and compares at the end what
the stores hold with what was acknowledged and with batch. Each writes its own section of
RESULTS.md.
"""

import argparse
import os
import re
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tests")]

STUDIES = ("kills", "redis", "postgres", "full_disk", "clock", "overload", "drain", "swap")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="+", choices=STUDIES, metavar="STUDY")
    parser.add_argument("--stores", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each part of a study")
    told = parser.parse_args()
    for name in told.studies:
        study = import_module(f"studies.{name}")
        folder = Path(tempfile.mkdtemp(prefix=f"patronage-{name}-"))
        try:
            heading, lines = study.study(folder, told)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        write(heading, [*made_by(name, told), "", *lines])


def made_by(name: str, told: argparse.Namespace) -> list[str]:
    how = {"kills": f" --stores {told.stores} --kills {told.kills}"}
    command = f"python benchmarks/reliability/run.py {name}"
    command += how.get(name, f" --stores {told.stores}" if told.stores != "sqlite" else "")
    command += "" if name == "kills" else f" --seconds {told.seconds:g}"
    return [
        f"`{command}`; {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, load average "
        f"{os.getloadavg()[1]:.1f} on {os.cpu_count()} cores."
    ]


def write(heading: str, lines: list[str]) -> None:
    """The study's own section; the others are left as they were."""
    heading = f"## {heading}"
    path = HERE / "RESULTS.md"
    page = path.read_text() if path.exists() else HEAD
    parts = {part.split("\n", 1)[0]: part for part in re.split(r"(?m)^(?=## )", page)}
    parts[heading] = "\n".join([heading, "", *lines, ""])
    first, *others = parts.values()
    ordered = [first, *sorted(others, key=lambda part: part.split("\n", 1)[0])]
    path.write_text("\n".join(part.rstrip() + "\n" for part in ordered))
    print(parts[heading])


HEAD = """# What becomes of the service when things break

Made by `benchmarks/reliability/run.py`, a study at a time; the others are left as they were. The
load is steady: senders of batches of 20 events, a tenth of them with one that was sent before, each
batch until it is acknowledged, and readers of scores. Batch is the export of the event store, read
and scored anew.
"""

if __name__ == "__main__":
    main()
