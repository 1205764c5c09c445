"""Which equal votes are better than their members, on the days that a run judges by (decision 26).

    python benchmarks/accuracy/votes.py [SET …]

Inside calibration periods alone: the members of an ensemble are fitted at three rewound days, and
the mean of each choice of them is judged by its Tweedie deviance over all three.
"""

import argparse
from datetime import date
from itertools import combinations

import polars as pl
from rewound import SHARED, madrigal

from patronage.datasets import open_dataset
from patronage.evaluate import backtest
from patronage.evaluate.judged import Judged
from patronage.evaluate.metrics import METRICS
from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.jobs import candidates
from patronage.models.training_pairs import rewound_origins
from patronage.snapshots import take_snapshot

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
    for name in parser.parse_args().sets or CASES:
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
