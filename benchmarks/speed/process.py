"""Run the sides of a case, each round in a fresh process, the sides in turn.

This process stays small (standard library only): Linux hands the peak memory of a parent on to the
child that it starts, and every side would be charged for it.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from typing import Any

from case import Case, Measured, Side
from places import RESULTS, python_of

__all__ = ["measure", "run_worker"]


def measure(module: str, name: str, case: Case, rounds: int) -> dict[str, Measured]:
    """All sides, interleaved: what disturbs the machine disturbs each of them."""
    found: dict[str, list[Mapping[str, Any]]] = {side: [] for side in case.sides}
    failed: dict[str, str] = {}
    for turn in range(rounds):
        for label, side in case.sides.items():
            if label in failed or turn >= (side.rounds or rounds):
                continue
            print(f"  {name}: {label}, round {turn + 1}", flush=True)
            result = run_worker(module, name, label, side)
            if isinstance(result, str):
                failed[label] = result
                print(f"    failed: {result}", flush=True)
            else:
                found[label].append(result)
                parts = ", ".join(f"{k} {v:.3f} s" for k, v in result["wall"].items())
                print(f"    {parts}; {result['peak_mib']:.0f} MiB; load {result['load']:.1f}")
    measured = {
        label: Measured.of(results, case.sides[label].parts)
        for label, results in found.items()
        if results
    }
    for label, reason in failed.items():
        measured.setdefault(label, Measured({}, {}, 0.0, 0.0, 0, {}, failed=reason))
    return measured


def run_worker(module: str, name: str, label: str, side: Side) -> Mapping[str, Any] | str:
    """One round; what went wrong as a text."""
    command = [python_of(side.environment), str(RESULTS / "worker.py"), module, name, label]
    environment = {**os.environ, **side.variables}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        return f"exit {done.returncode}: {last[0][:200]}"
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))
