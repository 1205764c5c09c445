"""What the measurements ran on. Standard library only."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from places import ROOT

__all__ = ["describe", "now"]


def now() -> str:
    """Minute and zone, and the commit that was measured."""
    asked = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {done.stdout.strip() or 'no commit'}"


def describe() -> str:
    """Processor, cores, memory, system."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    processor = next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")),
        platform.processor() or "unknown processor",
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{processor}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} "
        f"{platform.machine()}, Python {platform.python_version()}"
    )
