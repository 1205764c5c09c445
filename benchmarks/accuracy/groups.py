"""Which feature groups of the ledger bring anything at rewound days (decision 0019).

    python benchmarks/accuracy/groups.py [SET …]

Hurdle trees at one day of each set, inside calibration periods or on sets without a holdout of
ours: with the columns that every design has, with more windows, with all other groups, and with
both. Prints, by set, the difference that each makes.
"""

import argparse
from datetime import date

from rewound import SHOWN, metrics_of, whole

from patronage.horizon import Horizon
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.models.memory import Remembered
from patronage.models.tabular.hurdle import Hurdle
from patronage.models.tabular.lesson import LessonSettings
from patronage.snapshots import FEATURES, observe_outcome
from patronage.snapshots.features import HISTORY, available_groups

CASES = {
    "online_retail_ii": (date(2010, 8, 1), 18),
    "cdnow": (date(1997, 6, 18), 15),
    "panel": (date(2001, 10, 1), 39),
    "journey": (date(2017, 7, 1), 26),
}
WINDOWS = ("lags", "trends", "item_windows", "return_windows", "active_windows")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=list(CASES))
    process = Remembered(ParetoNBD())
    print("| set | groups | columns | " + " | ".join(SHOWN) + " |")
    print("|---" * (len(SHOWN) + 3) + "|")
    for name in parser.parse_args().sets:
        day, weeks = CASES[name]
        judge, horizon = whole(name), Horizon(weeks, "week")
        known = judge.rewind(day).remembering()
        outcome = observe_outcome(judge, known, horizon)
        there = [group for group in available_groups(known.events) if group not in HISTORY]
        windows = tuple(group for group in there if group in WINDOWS)
        others = tuple(group for group in there if FEATURES[group].grain != "spans")
        tried = {"none": (), "windows": windows, "others": others, "both": (*windows, *others)}
        before = None
        for label, groups in tried.items():
            model = Hurdle(carry=process, lesson=LessonSettings(groups=groups))
            fitted = model.fit(known, horizon, seed=1)
            found = metrics_of(fitted.predict(known, horizon), outcome)
            before = found if before is None else before
            told = " | ".join(
                f"{value:.4f} ({value - was:+.4f})"
                for value, was in zip(found, before, strict=True)
            )
            print(f"| {name} | {label} | {len(fitted.design.columns)} | {told} |", flush=True)


if __name__ == "__main__":
    main()
