"""The tabular models beside each other at rewound days; their settings are chosen by this.

    python benchmarks/accuracy/tabular.py [--sets cdnow,panel] [MODEL …]

The cases of `rewound.py`, inside calibration periods or on sets without a holdout of ours, and one
of net losses. Prints, by set and model, ranks, deviance, the total, CRPS over mean cash, how often
the outcome lay below its 90 % quantile, and the seconds of processor time that the fit took.
"""

import argparse
import time
import warnings
from collections import defaultdict
from datetime import date

import numpy as np
from rewound import whole

from patronage.evaluate.judged import Judged
from patronage.evaluate.metrics import METRICS
from patronage.horizon import Horizon
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.models.catalog import MODELS, make_model
from patronage.models.memory import Remembered
from patronage.snapshots import observe_outcome

CASES = (
    *(("cdnow", date(1997, 6, 18), 15), ("cdnow", date(1997, 7, 16), 11)),
    *(("online_retail_ii", date(2010, 8, 1), 18), ("grocery_elog", date(2006, 7, 1), 26)),
    *(("panel", date(2001, 10, 1), 39), ("retail_125k", date(2013, 6, 1), 80)),
)
SHOWN = ("gini", "deviance", "total", "crps", "below 90 %", "seconds")
LEVELS = np.linspace(0.025, 0.975, 20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--sets", default="cdnow,online_retail_ii,grocery_elog,panel")
    arguments = parser.parse_args()
    names = arguments.models or [n for n, entry in MODELS.items() if entry.family == "tabular"]
    process = Remembered(ParetoNBD())
    found = defaultdict(list)
    for name, as_of, weeks in CASES:
        if name not in arguments.sets.split(","):
            continue
        judge, horizon = whole(name), Horizon(weeks, "week")
        known = judge.rewind(as_of).remembering()
        outcome = observe_outcome(judge, known, horizon)
        # What all of them share is not on the first one's bill.
        make_model("hurdle_lightgbm", member=lambda _: process).fit(known, horizon)
        for model in names:
            start = time.process_time()
            fitted = make_model(model, member=lambda _: process).fit(known, horizon, seed=1)
            seconds = time.process_time() - start
            row = judged(fitted.predict(known, horizon), outcome)
            found[name, model].append((*row, seconds))
            told = " ".join(f"{value:.4g}" for value in found[name, model][-1])
            print(f"{name} {as_of} {model}: {told}", flush=True)
    print("\n| set | model | " + " | ".join(SHOWN) + " |")
    print("|---" * (len(SHOWN) + 2) + "|")
    for (name, model), rows in found.items():
        gini, deviance, total, crps, below, seconds = np.mean(rows, axis=0)
        print(
            f"| {name} | {model} | {gini:.3f} | {deviance:.3f} | {total:.3f} | {crps:.4f} | "
            f"{below:.3f} | {seconds:.1f} |"
        )


def judged(forecast, outcome) -> tuple[float, ...]:
    rows = Judged.of_means(
        forecast.mean().sum(axis=1),
        outcome.total,
        forecast.n_purchases.sum(axis=1),
        outcome.total_purchases,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantiles = forecast.quantile(LEVELS.tolist())
    away = outcome.total[:, None] - quantiles
    # Twice the mean pinball loss over even levels is the CRPS.
    pinball = np.maximum(LEVELS * away, (LEVELS - 1.0) * away)
    crps = 2.0 * pinball.mean() / outcome.total.mean()
    return (
        METRICS["normalized_gini"].of(rows),
        METRICS["deviance"].of(rows),
        forecast.mean().sum() / outcome.total.sum(),
        float(crps),
        float((outcome.total <= forecast.quantile([0.9])[:, 0]).mean()),
    )


if __name__ == "__main__":
    main()
