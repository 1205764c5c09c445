"""Random tables of events by the thousand through the core of a run; writes RESULTS.md beside it.

python benchmarks/robustness/fuzz_run.py --cases 2000 --seed 1

The cases, and what counts as a fault, are those of tests/jobs/test_random_logs.py: a case ends
with finite scores, or with a PatronageError whose message says how to mend; a warning is a fault.
"""

import argparse
import importlib.util
import platform
import sys
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from types import ModuleType

import hypothesis
import polars as pl
from hypothesis import HealthCheck, Phase, given, seed, settings

HERE = Path(__file__).resolve().parent
CASES = HERE.parents[1] / "tests" / "jobs" / "test_random_logs.py"


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("random_logs", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def place_of(error: Exception) -> str:
    frames = [
        one for one in traceback.extract_tb(error.__traceback__) if "patronage" in one.filename
    ]
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "the check"
    return f"{type(error).__name__} at {where}: {str(error).splitlines()[0][:120]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md")
    asked = parser.parse_args()
    random_logs = load(CASES)
    warnings.simplefilter("error")
    ends: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    example: dict[str, object] = {}
    kinds: dict[str, Counter[str]] = {name: Counter() for name in ("ids", "times", "money", "form")}
    start = time.perf_counter()

    @seed(asked.seed)
    @settings(
        max_examples=asked.cases,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(random_logs.cases())
    def one(case: object) -> None:
        for name, seen in kinds.items():
            seen[case.told[name]] += 1
        try:
            ends[random_logs.outcome_of(case)] += 1
        except Exception as error:
            what = place_of(error)
            faults[what] += 1
            example.setdefault(what, case.told | case.asked)

    one()
    seconds = time.perf_counter() - start
    done = sum(ends.values()) + sum(faults.values())
    rows = [f"| {name} | {count} |" for name, count in sorted(ends.items(), key=lambda p: -p[1])]
    listed = [f"- {count} × {what}\n  first: `{example[what]}`" for what, count in faults.items()]
    tried = [f"- {name}: " + ", ".join(sorted(seen)) for name, seen in kinds.items()]
    asked.out.write_text(
        "\n".join(
            [
                "# Random logs through the core of a run",
                "",
                f"`python benchmarks/robustness/fuzz_run.py --cases {asked.cases} "
                f"--seed {asked.seed}`",
                "",
                f"{done} cases, {sum(faults.values())} faults, {seconds:.0f} s; Python "
                f"{platform.python_version()}, Polars {pl.__version__}, "
                f"Hypothesis {hypothesis.__version__}.",
                "",
                "A case is read, its models are judged on its past where it has one, the best is "
                "fitted, every customer is scored, and the total is drawn. It ends with finite "
                "scores, or with an error of Patronage that says how to mend; anything else, a "
                "warning too, is a fault.",
                "",
                "| end | cases |",
                "|---|---:|",
                *rows,
                "",
                "What was mixed:",
                "",
                *tried,
                "",
                "Faults:",
                "",
                *(listed or ["none."]),
                "",
            ]
        )
    )
    print(f"{done} cases, {sum(faults.values())} faults: {asked.out}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
