"""Which equal votes are better than their members, on the days that a run judges by (decision 26).

    python benchmarks/accuracy/votes.py [SET …]
    python benchmarks/accuracy/votes.py --asked

Inside calibration periods alone: the members of an ensemble are fitted at three rewound days, and
the mean of each choice of them is judged by its Tweedie deviance over all three. With `--asked` the
cases of `rewound.py`, each asking for a horizon longer than can be judged: what it changes that the
process model has a say beside the vote.
"""

import argparse
from datetime import date
from itertools import combinations

import numpy as np
import polars as pl
from rewound import CASES as ASKED
from rewound import SHARED, madrigal, whole

from patronage.datasets import open_dataset
from patronage.evaluate import backtest
from patronage.evaluate.judged import Judged
from patronage.evaluate.metrics import METRICS
from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.jobs import candidates
from patronage.models.training_pairs import rewound_origins
from patronage.snapshots import observe_outcome, take_snapshot

SAYS = (0.15, 0.25, 0.5, 1.0)
MEMBERS = ("pareto_nbd", "hurdle_lightgbm", "tweedie_lightgbm", "ziln_linear")
CASES = {
    "cdnow": (date(1997, 10, 1), Horizon(39, "week")),
    "online_retail_ii": (date(2010, 12, 10), Horizon(52, "week")),
    "grocery_elog": (date(2007, 1, 1), Horizon(52, "week")),
    "madrigal": (date(2019, 1, 1), Horizon(52, "week")),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", help=f"of {', '.join(CASES)}; all by default")
    parser.add_argument("--asked", action="store_true", help="a horizon longer than is judged")
    given = parser.parse_args()
    if given.asked:
        for case in ASKED:
            judge_asked(*case)
        return
    for name in given.sets or CASES:
        judge(name)


def judge(name: str) -> None:
    as_of, horizon = CASES[name]
    known = take_snapshot(log_of(name).compact().before(as_of), as_of=as_of)
    rewound = rewound_origins(known, horizon, n_min=3)
    print(f"{name}: {rewound.reason}", flush=True)
    models = candidates(MEMBERS).models
    card = backtest(known, models, origins=rewound.origins, horizon=rewound.horizon)
    rows = ["origin", "customer_id", "outcome_cash"]
    told = card.predictions.pivot("model", index=rows, values="mean_cash")
    came = told["outcome_cash"].to_numpy()
    for size in range(1, len(MEMBERS) + 1):
        for some in combinations(MEMBERS, size):
            mean = told.select(some).to_numpy().mean(axis=1)
            found = METRICS["deviance"].of(Judged.of_means(mean, came, mean, came))
            print(f"  {found:8.4f}  {' + '.join(some)}", flush=True)


def judge_asked(name: str, as_of: date, weeks: int) -> None:
    """Deviance of the vote, then in per cent what a say of the process model changes of it."""
    judge, horizon = whole(name), Horizon(weeks, "week")
    known = judge.rewind(as_of).remembering()
    came = observe_outcome(judge, known, horizon).total
    models = candidates(("pareto_nbd", "vote")).models
    process, vote = (
        model.fit(known, horizon).predict(known, horizon).mean().sum(axis=1)
        for model in models.values()
    )

    def deviance(mean: np.ndarray) -> float:
        return METRICS["deviance"].of(Judged.of_means(mean, came, mean, came))

    own = deviance(vote)
    told = (deviance((1 - say) * vote + say * process) / own - 1 for say in SAYS)
    judged = rewound_origins(known, horizon, n_min=3).horizon
    print(
        f"{name}, {as_of}, {horizon} asked, {judged} judged: {own:.3f}; bias {bias(vote, came)}, "
        f"of the process model {bias(process, came)}; with a say of "
        + ", ".join(f"{say:.0%} {change:+.2%}" for say, change in zip(SAYS, told, strict=True)),
        flush=True,
    )


def bias(mean: np.ndarray, came: np.ndarray) -> str:
    return f"{mean.sum() / came.sum() - 1:+.0%}"


def log_of(name: str) -> EventLog:
    """Of Madrigal only quarters are known: days within them are drawn, as in `rewound.py`."""
    if name != "madrigal":
        return open_dataset(name)
    cohorts = pl.read_parquet(SHARED / "madrigal/cust_by_qtr_trans.parquet")["Cohort"].unique()
    return EventLog.from_frame(
        madrigal(cohorts.to_list()), currency="USD", columns={"event_time": "time"}
    )


if __name__ == "__main__":
    main()
