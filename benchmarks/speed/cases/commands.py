"""Commands: what a user waits for, from a file to an answer, in a fresh process."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from case import Case, Side, Target, memory, seconds, times_faster
from clock import Clock
from places import PUBLIC, data_file

__all__ = ["CASES"]

CDNOW_AS_OF = "1997-10-01"


def _command(*words: str) -> str:
    """Run `patronage …` and return what it printed."""
    start = "from patronage.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", start, *words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"patronage {words[0]}: exit {done.returncode}: {done.stderr[-300:]}")
    return done.stdout


def _fit(clock: Clock) -> dict[str, Any]:
    words = ("--model", "pareto_nbd", "--as-of", CDNOW_AS_OF, "--currency", "USD", "--json")
    with clock("work"):
        printed = _command("fit", str(data_file("cdnow.csv")), *words)
    found = json.loads(printed)
    return {"parameters": [found["parameters"][name] for name in ("r", "alpha", "s", "beta")]}


_LIFETIMES = """
import sys
import pandas as pd
from lifetimes import ParetoNBDFitter
from lifetimes.utils import summary_data_from_transaction_data
events = pd.read_csv(sys.argv[1])
rfm = summary_data_from_transaction_data(
    events, "customer_id", "date", "amount", observation_period_end="1997-09-30", freq="D")
fitter = ParetoNBDFitter().fit(rfm["frequency"], rfm["recency"] / 7, rfm["T"] / 7)
print(",".join(str(fitter.params_[name]) for name in ("r", "alpha", "s", "beta")))
"""


def _lifetimes(clock: Clock) -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", "-c", _LIFETIMES, str(data_file("cdnow.csv"))]
    with clock("work"):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {"parameters": [float(p) for p in done.stdout.strip().splitlines()[-1].split(",")]}


def _fits_agree(sides: Any) -> list[str]:
    ours, theirs = (sides[side].answer["parameters"] for side in ("patronage", "lifetimes"))
    worst = max(abs(t / o - 1) for t, o in zip(theirs, ours, strict=True))
    return [f"parameters of lifetimes lie up to {worst:.1%} from ours"] if worst > 0.005 else []


def _run(source: Path, words: tuple[str, ...], clock: Clock) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        with clock("work"):
            _command("run", str(source), "--out", folder, *words)
        written = sorted(path.name for path in Path(folder).iterdir())
    return {"files": written}


def _retail(clock: Clock) -> dict[str, Any]:
    source = PUBLIC / "online_retail_ii"
    words = ("--currency", "GBP")
    return _run(next(source.glob("*.parquet")), words, clock)


CASES = {
    "command-fit": Case(
        title="`patronage fit` Pareto/NBD on CDNOW, from CSV to printed answer",
        needs=("cdnow.csv",),
        sides={
            "patronage": Side(_fit),
            "lifetimes": Side(_lifetimes, "lifetimes"),
        },
        targets=(
            Target("s", seconds(), at_most=6),
            Target(
                "of the time of lifetimes",
                lambda sides: 1 / times_faster("lifetimes")(sides),
                at_most=0.6,
            ),
        ),
        agree=_fits_agree,
    ),
    "command-run-cdnow": Case(
        title="`patronage run` on CDNOW, from CSV to report",
        needs=("cdnow.csv",),
        sides={
            "patronage": Side(
                lambda clock: _run(
                    data_file("cdnow.csv"),
                    ("--as-of", CDNOW_AS_OF, "--horizon", "39 weeks", "--currency", "USD"),
                    clock,
                ),
                rounds=1,
            )
        },
        targets=(
            Target("s", seconds(), at_most=60),
            Target("MiB at the peak", memory(), at_most=2048),
        ),
    ),
    "command-run-retail": Case(
        title="`patronage run` on Online Retail II, to report",
        sides={"patronage": Side(_retail, rounds=1)},
        targets=(
            Target("s", seconds(), at_most=180),
            Target("MiB at the peak", memory(), at_most=2048),
        ),
    ),
}
