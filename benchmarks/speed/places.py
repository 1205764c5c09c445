"""Where the benchmark finds its data and environments. Standard library only: see process.py."""

import os
import sys
from pathlib import Path

__all__ = ["CACHE", "PUBLIC", "RESULTS", "ROOT", "data_file", "python_of"]

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("PATRONAGE_BENCH_DATA", ROOT / ".envs" / "data"))
PUBLIC = Path(os.environ.get("PATRONAGE_DATA", ROOT.parent / "shared" / "data"))


def data_file(name: str) -> Path:
    """The file of a generated set; `make_data.py` writes it."""
    return CACHE / name


def python_of(environment: str) -> str:
    """The interpreter of an environment: our own, or `.envs/NAME` of a peer."""
    if environment == "patronage":
        return sys.executable
    return str(ROOT / ".envs" / environment / "bin" / "python")
