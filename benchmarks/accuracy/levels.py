"""What the process model's level brings where a year is known and none was learned (decision 27).

    python benchmarks/accuracy/levels.py

Cohorts of Madrigal's calibration period and the edible grocery panel, none of them with a holdout
of ours; the vote as it ships, half its way to that level, and without it.
"""

from collections import defaultdict
from dataclasses import replace
from datetime import date

import numpy as np
from rewound import whole

from patronage.evaluate.judged import Judged
from patronage.evaluate.metrics import METRICS
from patronage.horizon import Horizon
from patronage.jobs import candidates
from patronage.snapshots import observe_outcome

FIRST, SECOND, THIRD, FOURTH = (f"y2016_q{number}" for number in (1, 2, 3, 4))
FIFTH, SIXTH = "y2017_q1", "y2017_q2"
# Cohorts of Madrigal, and the first day not known; a year is asked.
COHORTS = (
    ((FIRST,), date(2017, 1, 1)),
    ((FOURTH,), date(2018, 1, 1)),
    ((FIFTH,), date(2018, 1, 1)),
    ((FIFTH, SIXTH), date(2018, 1, 1)),
    ((SECOND, THIRD, FOURTH, FIFTH), date(2018, 1, 1)),
    ((FIRST, SECOND, THIRD, FOURTH), date(2018, 1, 1)),
    ((FIRST,), date(2017, 4, 1)),
    ((FIRST,), date(2017, 7, 1)),
    ((SECOND,), date(2017, 7, 1)),
    ((THIRD,), date(2017, 7, 1)),
    ((FIRST, SECOND), date(2017, 7, 1)),
    ((FIRST, SECOND, THIRD), date(2017, 10, 1)),
    ((THIRD, FOURTH), date(2017, 10, 1)),
)
CASES = (
    *((" ".join(("madrigal", *cohorts)), as_of, 52) for cohorts, as_of in COHORTS),
    *(("panel", date(2002, 1, 1), weeks) for weeks in (26, 48)),
)


def main() -> None:
    found = defaultdict(list)
    for name, as_of, weeks in CASES:
        changes = judge(name, as_of, Horizon(weeks, "week"))
        found[f"{name.split()[0]}, as of {as_of:%B}"].append(changes)
    for group, rows in found.items():
        half, full = np.mean(rows, axis=0)
        print(f"| {group} ({len(rows)}) | {half:+.2%} | {full:+.2%} |")


def judge(name: str, as_of: date, horizon: Horizon) -> tuple[float, float]:
    """What half of the level, and all of it, changes of the deviance without it."""
    judge = whole(name)
    known = judge.rewind(as_of).remembering()
    came = observe_outcome(judge, known, horizon).total
    vote = candidates(("vote",)).models["vote"].fit(known, horizon)
    told = {}
    for power in (0.0, 0.5, 1.0):
        members = {who: replace(one, level=one.level**power) for who, one in vote.members.items()}
        mean = replace(vote, members=members).predict(known, horizon).mean().sum(axis=1)
        told[power] = METRICS["deviance"].of(Judged.of_means(mean, came, mean, came))
        print(
            f"{name}, {as_of}: {power}: {told[power]:.3f}, bias {mean.sum() / came.sum() - 1:+.0%}"
        )
    return told[0.5] / told[0.0] - 1.0, told[1.0] / told[0.0] - 1.0


if __name__ == "__main__":
    main()
