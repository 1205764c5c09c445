"""Which equal votes are better than their members, on the days that a run judges by (decision 26).

    python benchmarks/accuracy/votes.py [SET …]
    python benchmarks/accuracy/votes.py --asked
    python benchmarks/accuracy/votes.py --wider

Inside calibration periods alone: the members of an ensemble are fitted at three rewound days, and
the mean of each choice of them is judged by its Tweedie deviance over all three. The other two take
cases of `rewound.py`, each asking for a horizon longer than can be judged. `--asked`: what it
changes that the process model has a say beside the vote. `--wider`: what other learned models would
change, each alone and beside the vote.
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
from patronage.snapshots import Snapshot, observe_outcome, take_snapshot

SAYS = (0.15, 0.25, 0.5, 1.0)
MEMBERS = ("pareto_nbd", "hurdle_lightgbm", "tweedie_lightgbm", "ziln_linear")
# Learned models that a default run does not try, each of another kind of learner.
OTHERS = ("elastic_net", "mlp", "random_forest", "tuned_tweedie")
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
    parser.add_argument("--wider", action="store_true", help="so too, with other learned models")
    given = parser.parse_args()
    if given.asked or given.wider:
        for case in ASKED:
            if not given.sets or case[0].split()[0] in given.sets:
                (judge_asked if given.asked else judge_wider)(*case)
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
            print(f"  {deviance(mean, came):8.4f}  {' + '.join(some)}", flush=True)


def judge_asked(name: str, as_of: date, weeks: int) -> None:
    """Deviance of the vote, then in per cent what a say of the process model changes of it."""
    known, came, horizon = at(name, as_of, weeks)
    process, vote = (fit(model, known, horizon) for model in ("pareto_nbd", "vote"))
    own = deviance(vote, came)
    told = (deviance((1 - say) * vote + say * process, came) / own - 1 for say in SAYS)
    judged = rewound_origins(known, horizon, n_min=3).horizon
    print(
        f"{name}, {as_of}, {horizon} asked, {judged} judged: {own:.3f}; bias {bias(vote, came)}, "
        f"of the process model {bias(process, came)}; with a say of "
        + ", ".join(f"{say:.0%} {change:+.2%}" for say, change in zip(SAYS, told, strict=True)),
        flush=True,
    )


def judge_wider(name: str, as_of: date, weeks: int) -> None:
    """Deviance of the vote; in per cent what another model changes, alone and in the vote."""
    known, came, horizon = at(name, as_of, weeks)
    members = [fit(model, known, horizon) for model in MEMBERS[1:]]
    others = {model: fit(model, known, horizon) for model in OTHERS}
    own = deviance(np.mean(members, axis=0), came)
    told = {model: (mean, np.mean([*members, mean], axis=0)) for model, mean in others.items()}
    told["all of them"] = (
        np.mean(list(others.values()), axis=0),
        np.mean([*members, *others.values()], axis=0),
    )
    print(
        f"{name}, {as_of}, {horizon} asked: {own:.3f}; alone and beside the vote: "
        + ", ".join(
            f"{model} " + " and ".join(f"{deviance(mean, came) / own - 1:+.2%}" for mean in both)
            for model, both in told.items()
        ),
        flush=True,
    )


def at(name: str, as_of: date, weeks: int) -> tuple[Snapshot, np.ndarray, Horizon]:
    """What was known at that day, what each customer brought in the weeks after, and those."""
    judge, horizon = whole(name), Horizon(weeks, "week")
    known = judge.rewind(as_of).remembering()
    return known, observe_outcome(judge, known, horizon).total, horizon


def fit(name: str, known: Snapshot, horizon: Horizon) -> np.ndarray:
    """What a model expects of each customer."""
    (model,) = candidates((name,)).models.values()
    return model.fit(known, horizon).predict(known, horizon).mean().sum(axis=1)


def deviance(mean: np.ndarray, came: np.ndarray) -> float:
    return METRICS["deviance"].of(Judged.of_means(mean, came, mean, came))


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
