"""What a model of the start of lives brings for new customers, on real sets.

    python benchmarks/accuracy/newcomers.py [SET …] [--rewound]

Pareto/NBD, the newcomer's model and their blend, fitted at a day and judged on customers who first
bought less than 90 days before it; beside them hurdle trees, which see every feature. Everything,
the weight of the blend too, is learned from what was known at that day. Writes NEWCOMERS.md. With
--rewound days inside the calibration periods are judged instead, where what learns the start of
lives was chosen (decision 22), and the table is printed.
"""

import argparse
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from patronage.datasets import open_dataset
from patronage.errors import PatronageError
from patronage.evaluate.judged import Judged
from patronage.evaluate.metrics import METRICS
from patronage.evaluate.metrics.errors import tweedie_deviance
from patronage.forecast import AbstractForecast
from patronage.horizon import Horizon
from patronage.models.base import Model
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.models.ensembles.newcomer_blend import NewcomerBlend
from patronage.models.ensembles.pool import bin_edges, chances_in_bins
from patronage.models.learners.lightgbm import LightGBM
from patronage.models.memory import Remembered
from patronage.models.tabular.hurdle import Hurdle
from patronage.models.tabular.newcomer import Newcomer
from patronage.snapshots import observe_outcome, take_snapshot

LIMIT, N_DRAWS, LEVEL = 90.0, 1000, 0.9
METRICS_SHOWN = ("log score", "deviance", "normalized_gini")
REGULAR = "pareto_nbd (regular)"


@dataclass(frozen=True)
class Case:
    name: str
    as_of: date
    weeks: int


CASES = (
    Case("online_retail_ii", date(2010, 12, 10), 13),
    Case("online_retail_ii", date(2010, 12, 10), 52),
    Case("online_retail_ii", date(2011, 6, 10), 13),
    Case("madrigal", date(2019, 1, 1), 52),
    Case("cdnow", date(1997, 5, 1), 13),
    Case("grocery_elog", date(2006, 5, 1), 13),
)
REWOUND = (
    Case("online_retail_ii", date(2010, 6, 1), 13),
    Case("online_retail_ii", date(2010, 9, 1), 13),
    Case("madrigal", date(2017, 7, 1), 26),
    Case("madrigal", date(2018, 1, 1), 26),
    Case("cdnow", date(1997, 4, 1), 4),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", help="names of the sets; all by default")
    parser.add_argument("--rewound", action="store_true")
    given = parser.parse_args()
    cases = REWOUND if given.rewound else CASES
    parts = [HEAD]
    for case in cases:
        if not given.sets or case.name in given.sets:
            parts.append(judged(case, _choice() if given.rewound else _boards()))
            print(parts[-1], flush=True)
    if not given.rewound and not given.sets:
        Path(__file__).with_name("NEWCOMERS.md").write_text("\n".join(parts))


def _boards() -> dict[str, Model]:
    process = Remembered(ParetoNBD())
    newcomer = Remembered(Newcomer(process, LIMIT))
    return {
        REGULAR: process,
        "newcomer": newcomer,
        "newcomer_blend": NewcomerBlend(process, newcomer, LIMIT),
        "hurdle_lightgbm": Hurdle(process),
    }


def _choice() -> dict[str, Model]:
    process = Remembered(ParetoNBD())
    kinds = {"elastic net": Newcomer(process), "trees": Newcomer(process, learner=LightGBM())}
    models: dict[str, Model] = {REGULAR: process}
    for name, kind in kinds.items():
        newcomer = Remembered(kind)
        models |= {name: newcomer, f"blend with {name}": NewcomerBlend(process, newcomer, LIMIT)}
    return models


def judged(case: Case, models: dict[str, Model]) -> str:
    horizon = Horizon(case.weeks, "week")
    end = case.as_of + timedelta(days=7 * case.weeks)
    truth = take_snapshot(open_dataset(case.name).compact(), as_of=end)
    known = truth.rewind(case.as_of).remembering()
    new = np.flatnonzero(known.customers["T"].to_numpy() < LIMIT)
    outcome = observe_outcome(truth, known, horizon).total[new]
    told, notes = {}, []
    for name, model in models.items():
        start = time.perf_counter()
        try:
            fitted = model.fit(known, horizon, seed=1)
            told[name] = fitted.predict(known.take(new), horizon)
        except PatronageError as error:
            notes.append(f"{name} is left out: {str(error).splitlines()[0]}")
            continue
        if hasattr(fitted, "reason"):
            notes.append(f"{name}: {fitted.reason}")
        print(f"{case}, {name}: {time.perf_counter() - start:.0f} s", flush=True)
    edges = bin_edges(outcome)
    numbers = {name: _numbers(forecast, outcome, edges) for name, forecast in told.items()}
    rng = np.random.default_rng(7)
    draws = [rng.integers(len(new), size=len(new)) for _ in range(N_DRAWS)]
    lines = [
        f"## {case.name}, as of {case.as_of}, {horizon} ahead",
        "",
        f"{len(new):,} new customers of {len(known.customers):,}; "
        f"{(outcome > 0).mean():.0%} of them paid again.",
        *(f"\n{note}" for note in notes),
        "",
        "| model | " + " | ".join(METRICS_SHOWN) + " | expected / actual cash |",
        "|---" * (len(METRICS_SHOWN) + 2) + "|",
    ]
    for name, forecast in told.items():
        cells = [
            _cell(metric, numbers[name], numbers[REGULAR], outcome, draws, own=name == REGULAR)
            for metric in METRICS_SHOWN
        ]
        level = forecast.mean().sum() / outcome.sum()
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {level:.2f} |")
    return "\n".join([*lines, ""])


def _numbers(
    forecast: AbstractForecast, outcome: np.ndarray, edges: np.ndarray
) -> dict[str, np.ndarray]:
    """A number per customer: the score of each, and for the ranks the expectation."""
    mean = forecast.mean().sum(axis=1)
    return {
        "log score": np.log(chances_in_bins(forecast, outcome, edges)),
        "deviance": tweedie_deviance(mean, outcome),
        "normalized_gini": mean,
    }


def _of(metric: str, numbers: np.ndarray, outcome: np.ndarray) -> float:
    if metric == "normalized_gini":
        return METRICS[metric].of(Judged.of_means(numbers, outcome))
    return float(numbers.mean())


def _cell(
    metric: str,
    mine: dict[str, np.ndarray],
    regular: dict[str, np.ndarray],
    outcome: np.ndarray,
    draws: list[np.ndarray],
    *,
    own: bool,
) -> str:
    """The metric, and its difference from the regular model's with a paired interval."""
    value = _of(metric, mine[metric], outcome)
    if own:
        return f"{value:.3f}"
    ahead = [
        _of(metric, mine[metric][some], outcome[some])
        - _of(metric, regular[metric][some], outcome[some])
        for some in draws
    ]
    low, high = np.quantile(ahead, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    away = value - _of(metric, regular[metric], outcome)
    clear = "**" if low > 0 or high < 0 else ""
    return f"{value:.3f} ({clear}{away:+.3f}{clear}, {low:+.3f} to {high:+.3f})"


HEAD = """\
# New customers on real sets

Made by `python benchmarks/accuracy/newcomers.py`. Customers whose first purchase lay less than 90
days before the day of the forecast, judged once on what they did after it. In brackets: less
Pareto/NBD, with 90 % intervals over resampled customers, paired; bold where they leave out 0. The
log score (mean log chance of the bin that the outcome fell into, in bins common to all models) and
the Gini are the better the higher, the deviance the lower. Of Madrigal only quarters are known: the
days within them are made up, and each purchase of a quarter has its mean amount. Of the grocery log
no amounts are known; a continuous distribution of money then scores badly whatever its mean.
"""

if __name__ == "__main__":
    main()
