"""Put one system to all checks, in the environment that it is installed in.

python tests/conformance/put.py SYSTEM INPUTS.npz ANSWERS.json
"""

import json
import signal
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conformance.check import Check
from conformance.checks import CHECKS
from conformance.systems.base import Inputs, NotPut, Unsupported

__all__ = ["answer", "load_inputs", "make_system"]

# Of the processor: what else the machine does must not change a verdict.
SECONDS = 180
PACKAGES = {
    "patronage": "patronage",
    "lifetimes": "lifetimes",
    "pymc-marketing": "pymc-marketing",
}


def make_system(name: str, inputs: Inputs) -> Any:
    """The system of that name, over the inputs."""
    if name == "lifetimes":
        from conformance.systems.lifetimes_system import LifetimesSystem

        return LifetimesSystem(inputs)
    if name == "pymc-marketing":
        from conformance.systems.pymc_system import PymcSystem

        return PymcSystem(inputs)
    from conformance.systems.patronage_system import PatronageSystem

    return PatronageSystem(inputs)


def load_inputs(path: Path) -> Inputs:
    """Arrays named set/column."""
    inputs: Inputs = {}
    with np.load(path) as arrays:
        for name in arrays.files:
            data, _, column = name.partition("/")
            inputs.setdefault(data, {})[column] = arrays[name]
    return inputs


def answer(system: Any, check: Check) -> dict[str, Any]:
    """What the system gives: passed, failed, not supported, or an error, and in what time."""
    start = time.perf_counter()
    try:
        found = getattr(system, check.asks)(check.model, **check.given)
    except Unsupported:
        return {"verdict": "not supported", "told": "", "seconds": 0.0}
    except NotPut:
        return {"verdict": "not put", "told": "", "seconds": 0.0}
    except Exception as error:
        told = f"{type(error).__name__}: {error}".splitlines()[0][:120]
        return {"verdict": "error", "told": told, "seconds": time.perf_counter() - start}
    verdict = check.judge(found)
    return {
        "verdict": "passed" if verdict.passed else "failed",
        "told": verdict.told,
        "seconds": time.perf_counter() - start,
    }


def main(name: str, inputs: Path, out: Path) -> None:
    warnings.filterwarnings("ignore")
    system = make_system(name, load_inputs(inputs))

    def late(*_: Any) -> None:
        raise TimeoutError(f"no answer in {SECONDS} CPU seconds")

    signal.signal(signal.SIGPROF, late)
    answers = {}
    for check in CHECKS:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        answers[check.name] = answer(system, check)
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(f"{answers[check.name]['verdict']:>14}  {check.name}", flush=True)
    out.write_text(json.dumps({"version": version(PACKAGES[name]), "answers": answers}, indent=1))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
