"""Put Patronage and its peers to all checks, and write the table of who passes what.

make conformance            the peers in environments of their own, .envs/NAME
"""

import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conformance.check import Check
from conformance.checks import CHECKS
from conformance.inputs import make_inputs

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SYSTEMS = {
    "patronage": ROOT / ".venv" / "bin" / "python",
    "lifetimes": ROOT / ".envs" / "lifetimes" / "bin" / "python",
    "pymc-marketing": ROOT / ".envs" / "pymc" / "bin" / "python",
}
MARKS = {"passed": "✓", "failed": "✗", "error": "error", "not supported": "–", "not put": "○"}


def main(data: Path) -> int:
    inputs = make_inputs(data)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "inputs.npz"
        named = {f"{d}/{c}": v for d, columns in inputs.items() for c, v in columns.items()}
        np.savez(file, **named)
        found = {name: _put(name, python, file, Path(folder)) for name, python in SYSTEMS.items()}
    (HERE / "RESULTS.md").write_text(_table(found))
    print(f"The table lies in {(HERE / 'RESULTS.md').relative_to(ROOT)}")
    ours = found["patronage"]["answers"]
    held = (check for check in CHECKS if not check.contested)
    return int(any(ours[check.name]["verdict"] != "passed" for check in held))


def _put(name: str, python: Path, inputs: Path, folder: Path) -> Any:
    print(f"── {name}")
    out = folder / f"{name}.json"
    subprocess.run([python, HERE / "put.py", name, inputs, out], check=True)
    return json.loads(out.read_text())


def _table(found: dict[str, Any]) -> str:
    lines = [
        "# Conformance: who gives the published numbers",
        "",
        f"Written by `make conformance` on {datetime.now(UTC):%Y-%m-%d}. "
        "✓ within the tolerance, ✗ outside it, – no such model or question in the public methods, "
        "○ offered, but it would take hours, `error` an exception. Fits of pymc-marketing are MAP "
        "with flat priors.",
        "",
        "| | " + " | ".join(f"{name} {told['version']}" for name, told in found.items()) + " |",
        "|---|" + "---|" * len(found),
    ]
    for verdict in MARKS:
        counts = [
            sum(answer["verdict"] == verdict for answer in told["answers"].values())
            for told in found.values()
        ]
        lines.append(f"| {verdict} | " + " | ".join(map(str, counts)) + " |")
    lines += ["", "| check | source | tolerance | " + " | ".join(found) + " |"]
    lines.append("|---|---|---|" + "---|" * len(found))
    for check in CHECKS:
        cells = [MARKS[told["answers"][check.name]["verdict"]] for told in found.values()]
        near = ", ".join(
            f"{size:g} {kind}" for size, kind in ((check.rel, "rel"), (check.abs_, "abs")) if size
        )
        name = check.name.replace("|", "\\|")
        lines.append(
            f"| {name} | {check.source} | {near or _bounds(check)} | " + " | ".join(cells) + " |"
        )
    lines += ["", "Where a system does not pass, what it gave for what was published:", ""]
    for name, told in found.items():
        for check in CHECKS:
            answer = told["answers"][check.name]
            if answer["verdict"] in ("failed", "error"):
                why = f" ({check.contested})" if name == "patronage" and check.contested else ""
                lines.append(f"- {name}, {check.name}: {answer['told']}{why}")
    return "\n".join(lines) + "\n"


def _bounds(check: Check) -> str:
    low, high = check.within
    return f"in [{low:g}, {high:g}]" if np.isfinite(low) else "finite"


if __name__ == "__main__":
    sys.exit(main(Path(os.environ.get("PATRONAGE_DATA", ROOT.parent / "shared" / "data"))))
