"""What conformal calibration does to the intervals of one customer's outcome, on real sets.

    python benchmarks/accuracy/intervals.py [SET …]

Every model is fitted to the calibration period alone, with and without `Conformal`, and judged once
on the holdout. Writes INTERVALS.md; sets that were not asked for are left there as they were.
"""

import argparse
import re
import time
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from patronage.datasets import open_dataset
from patronage.evaluate.intervals import interval_table
from patronage.horizon import Horizon
from patronage.models.base import Model
from patronage.models.baselines.same_again import SameAgain
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.models.catalog import make_model
from patronage.models.memory import Remembered
from patronage.snapshots import observe_outcome, take_snapshot
from patronage.uncertainty import Conformal, IsotonicRecalibration, Recalibrated

SETS = (
    ("cdnow", date(1997, 10, 1), Horizon(13, "week")),
    ("cdnow", date(1997, 10, 1), Horizon(39, "week")),
    ("online_retail_ii", date(2010, 12, 10), Horizon(13, "week")),
    ("online_retail_ii", date(2010, 12, 10), Horizon(52, "week")),
    ("online_retail_ii", date(2011, 6, 10), Horizon(13, "week")),
    ("grocery_elog", date(2007, 1, 1), Horizon(52, "week")),
    ("madrigal", date(2019, 1, 1), Horizon(52, "week")),
)
LEVELS = (0.5, 0.8, 0.9, 0.95)


def models() -> dict[str, Model]:
    process, same = Remembered(ParetoNBD()), Remembered(SameAgain())
    recalibrated = Remembered(Recalibrated(process))
    isotonic = IsotonicRecalibration(process)
    vote = Remembered(make_model("vote"))
    return {
        "vote": vote,
        "vote, conformal (cqr)": Conformal(vote, levels=LEVELS),
        "vote, conformal (split)": Conformal(vote, levels=LEVELS, method="split"),
        "pareto_nbd": process,
        "pareto_nbd, conformal (cqr)": Conformal(process, levels=LEVELS),
        "pareto_nbd, conformal (split)": Conformal(process, levels=LEVELS, method="split"),
        "pareto_nbd, isotonic, conformal": Conformal(isotonic, levels=LEVELS),
        "pareto_nbd + recalibration": recalibrated,
        "pareto_nbd + recalibration, conformal": Conformal(recalibrated, levels=LEVELS),
        "same_again": same,
        "same_again, conformal (split)": Conformal(same, levels=LEVELS, method="split"),
    }


def judged(name: str, as_of: date, horizon: Horizon) -> tuple[str, pl.DataFrame]:
    log = open_dataset(name).compact()
    truth = take_snapshot(log, as_of=as_of + timedelta(days=int(horizon.days)))
    known = truth.rewind(as_of).remembering()
    outcome = observe_outcome(truth, known, horizon).total
    rows = []
    for model, settings in models().items():
        start = time.perf_counter()
        fitted = settings.fit(known, horizon)
        table = interval_table(fitted.predict(known, horizon), outcome, levels=LEVELS)
        note = ""
        if "conformal" in model:
            note = f"{fitted.calibrated_at}" + ("" if fitted.exact else ", shorter horizon")
        rows.append(
            table.with_columns(pl.lit(model).alias("model"), pl.lit(note).alias("calibrated_at"))
        )
        print(f"{name} {horizon}: {model}, {time.perf_counter() - start:.1f} s", flush=True)
    zero = float((outcome <= 0).mean())
    title = (
        f"{name}, as of {as_of}, {horizon} ahead: {len(outcome):,} customers, {zero:.0%} at zero"
    )
    return title, pl.concat(rows)


def as_text(title: str, table: pl.DataFrame) -> str:
    lines = [
        f"## {title}\n",
        "| model | calibrated at | randomised coverage 50 / 80 / 90 / 95 % | width 90 % | "
        "interval score 90 % | gap at zero |",
        "|---|---|---|---|---|---|",
    ]
    for (model,), part in table.group_by("model", maintain_order=True):
        held = " / ".join(f"{100 * share:.1f}" for share in part["pit_coverage"])
        ninety = part.row(LEVELS.index(0.9), named=True)
        lines.append(
            f"| {model} | {ninety['calibrated_at']} | {held} | {ninety['width']:,.1f} | "
            f"{ninety['interval_score']:,.1f} | {ninety['zero_gap']:+.3f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", help="names of the sets; all by default")
    wanted = parser.parse_args().sets
    head = (
        "# Intervals of one customer's outcome on real sets\n\n"
        "Made by `python benchmarks/accuracy/intervals.py`. Fitted and calibrated within the "
        "calibration period, judged once on the holdout; money per customer. Randomised coverage "
        "should be the level, the interval score is the better the lower, and the gap at zero is "
        "the share of customers who brought nothing less what was forecast.\n"
    )
    path = Path(__file__).with_name("INTERVALS.md")
    old = re.split(r"(?m)^(?=## )", path.read_text())[1:] if path.exists() else []
    parts = {part.split("\n", 1)[0]: part.rstrip() + "\n" for part in old}
    for case in SETS:
        if not wanted or case[0] in wanted:
            text = as_text(*judged(*case))
            parts[text.split("\n", 1)[0]] = text
    path.write_text("\n".join([head, *parts.values()]))


if __name__ == "__main__":
    main()
