"""Run the speed benchmarks: python benchmarks/speed/run.py [CASE …] [--rounds N] [--list]

Every round of every side runs in a fresh process, the sides in turn. What is measured goes to
results.json, one entry per case, and RESULTS.md is written from it: a run of some cases leaves the
others as they were.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import asdict
from fnmatch import fnmatch
from importlib import import_module
from typing import Any

from case import Case, Measured
from machine import describe, now
from places import RESULTS, data_file, python_of
from process import measure
from report import write_report

MODULES = (
    *("events_to_rfm", "calibration_holdout", "fit", "covariates", "posterior", "score"),
    *("score_10m", "score_trees", "explain_one", "commands", "spark", "training_table"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", help="names or patterns such as 'fit-*'; default: all")
    parser.add_argument("--rounds", type=int, default=3, help="rounds per side; medians are kept")
    parser.add_argument("--list", action="store_true", help="list the cases")
    asked = parser.parse_args()
    chosen = {
        name: (module, case)
        for module in MODULES
        for name, case in import_module(f"cases.{module}").CASES.items()
        if (not asked.cases and not case.asked_only)
        or any(fnmatch(name, pattern) for pattern in asked.cases)
    }
    if asked.list:
        every = {n: c for m in MODULES for n, c in import_module(f"cases.{m}").CASES.items()}
        print("\n".join(f"{name:22} {case.title}" for name, case in every.items()))
        return
    if not chosen:
        sys.exit(f"no case is called {asked.cases}.\nTo mend: --list shows the names.")
    _make_data(sorted({need for _, case in chosen.values() for need in case.needs}))
    for name, (module, case) in chosen.items():
        print(f"{name}: {case.title}", flush=True)
        measured = measure(module, name, case, asked.rounds)
        _keep(name, _judged(case, measured))
    write_report()


def _make_data(names: list[str]) -> None:
    missing = [name for name in names if not data_file(name).exists()]
    if missing:
        print(f"making {', '.join(missing)}", flush=True)
        program = str(RESULTS / "make_data.py")
        subprocess.run([python_of("patronage"), program, *missing], check=True)


def _judged(case: Case, measured: dict[str, Measured]) -> dict[str, Any]:
    """The entry of results.json."""
    differences = [f"{label}: {side.failed}" for label, side in measured.items() if side.failed]
    if all(side.answer for side in measured.values()):
        differences += case.agree(measured)
    targets = []
    for target in case.targets:
        value = _value(target.value, measured)
        met = value is not None and target.met(value)
        bounds = {"at_least": target.at_least, "at_most": target.at_most}
        targets.append({"says": target.says, "value": value, **bounds, "met": met})
        free = target.at_least is target.at_most is None
        print(f"  {value} {target.says}{'' if free else ': met' if met else ': MISSED'}")
    for difference in differences:
        print(f"  differs: {difference}")
    return {
        "title": case.title,
        "when": now(),
        "machine": describe(),
        "sides": {label: asdict(side) for label, side in measured.items()},
        "targets": targets,
        "differences": differences,
    }


def _value(value: Any, measured: dict[str, Measured]) -> float | None:
    """A target that needs a side that failed has no value."""
    try:
        return None if measured["patronage"].failed else float(value(measured))
    except (KeyError, ZeroDivisionError):
        return None


def _keep(name: str, entry: dict[str, Any]) -> None:
    path = RESULTS / "results.json"
    entries = json.loads(path.read_text()) if path.exists() else {}
    entries[name] = entry
    path.write_text(json.dumps(entries, indent=1) + "\n")


if __name__ == "__main__":
    main()
