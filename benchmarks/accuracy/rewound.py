"""What the process model's vote, decline and level bring at rewound days (decisions 13 and 24).

    python benchmarks/accuracy/rewound.py [SET …]

Every case lies inside a calibration period or on a set without a holdout of ours, and asks for a
horizon longer than can be learned there, as a young shop does. Hurdle and Tweedie trees forecast
as they ship, and with parts taken out; prints the difference that each makes, by set.
"""

import argparse
import os
from collections import defaultdict
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from patronage.datasets import open_dataset
from patronage.evaluate.judged import Judged
from patronage.evaluate.metrics import METRICS
from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.models.memory import Remembered
from patronage.models.tabular import carrying
from patronage.models.tabular.hurdle import Hurdle
from patronage.models.tabular.tweedie import Tweedie
from patronage.snapshots import Snapshot, observe_outcome, take_snapshot
from patronage.snapshots.features import HISTORY

SHARED = Path(os.environ.get("PATRONAGE_DATA", "../shared/data"))
KNOWN_UNTIL = {
    "cdnow": date(1997, 10, 1),
    "online_retail_ii": date(2010, 12, 10),
    "grocery_elog": date(2007, 1, 1),
}
CASES = (
    *(("cdnow", date(1997, 5, 21), 19), ("cdnow", date(1997, 6, 18), 15)),
    *(("cdnow", date(1997, 7, 16), 11), ("grocery_elog", date(2006, 7, 1), 26)),
    *(("online_retail_ii", date(2010, 6, 1), 27), ("online_retail_ii", date(2010, 8, 1), 18)),
    *(("panel", date(2002, 1, 1), 48), ("panel", date(2001, 10, 1), 39)),
    *(("journey", date(2017, 7, 1), 26), ("retail_125k", date(2013, 6, 1), 80)),
    ("madrigal y2016_q1", date(2016, 10, 1), 39),
    ("madrigal y2016_q4", date(2017, 7, 1), 52),
    ("madrigal y2017_q1 y2017_q2", date(2018, 1, 1), 52),
    ("madrigal y2016_q2 y2016_q3 y2016_q4 y2017_q1", date(2018, 1, 1), 52),
)
SHOWN = ("normalized_gini", "deviance", "rmse_purchases", "decile_mape")
# How much of the decline is believed; whether the process model votes, and gives its level.
PARTS = {
    "neither": (1.0, False, False),
    "decline": (0.5, False, False),
    "vote": (1.0, True, False),
    "both": (0.5, True, False),
    "all": (0.5, True, True),
}
# What is told → with what, less without what.
COMPARED = {
    "decline": ("decline", "neither"),
    "vote": ("vote", "neither"),
    "both": ("both", "neither"),
    "level": ("all", "both"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", help="first words of the cases; all by default")
    wanted = parser.parse_args().sets
    found = defaultdict(list)
    for name, as_of, weeks in CASES:
        set_name = name.split()[0]
        if not wanted or set_name in wanted:
            found[set_name].append(judge_case(name, as_of, Horizon(weeks, "week")))
            print(f"{name}, {as_of}, {weeks} weeks ahead: done", flush=True)
    for model in ("hurdle", "tweedie"):
        print(f"\n| {model}: with less without | " + " | ".join(SHOWN) + " |")
        print("|---" * (len(SHOWN) + 1) + "|")
        for part in COMPARED:
            sets = {
                name: np.mean([c[model, part] for c in cases], 0) for name, cases in found.items()
            }
            for name, row in {**sets, "mean of sets": np.mean(list(sets.values()), 0)}.items():
                told = (f"{row[0]:+.4f}", f"{row[1]:+.2%}", f"{row[2]:+.2%}", f"{row[3]:+.3f}")
                print(f"| {part}, {name} | " + " | ".join(told) + " |")


def judge_case(name: str, as_of: date, horizon: Horizon) -> dict[tuple[str, str], np.ndarray]:
    """(model, part) → what the part changes: of ranks and deciles the difference, else relative."""
    judge = whole(name)
    known = judge.rewind(as_of).remembering()
    outcome = observe_outcome(judge, known, horizon)
    told, trust = {}, carrying._DECLINE_TRUST
    for model, kind in (("hurdle", Hurdle), ("tweedie", Tweedie)):
        fitted = kind(carry=Remembered(ParetoNBD())).fit(known, horizon)
        for part, (believed, votes, levels) in PARTS.items():
            carrying._DECLINE_TRUST = believed
            # The level of a whole year, which came later (decision 27), would hide these parts.
            taken = {"level": 1.0} if votes else {"level": 1.0, "vote": 0.0}
            taken |= {} if levels else {"beyond": 1.0}
            forecast = replace(fitted, **taken).predict(known, horizon)
            told[model, part] = metrics_of(forecast, outcome)
        carrying._DECLINE_TRUST = trust
    relative = np.array([False, True, True, False])
    return {
        (model, part): np.where(
            relative,
            told[model, with_it] / told[model, without] - 1.0,
            told[model, with_it] - told[model, without],
        )
        for model in ("hurdle", "tweedie")
        for part, (with_it, without) in COMPARED.items()
    }


def metrics_of(forecast, outcome) -> np.ndarray:
    rows = Judged.of_means(
        forecast.mean().sum(axis=1),
        outcome.total,
        forecast.n_purchases.sum(axis=1),
        outcome.total_purchases,
    )
    return np.array([METRICS[name].of(rows) for name in SHOWN])


@cache
def whole(name: str) -> Snapshot:
    """All that may be seen of a set."""
    first, *cohorts = name.split()
    own = {"panel": panel, "journey": journey, "madrigal": lambda: madrigal(cohorts)}
    if first in own:
        log = EventLog.from_frame(own[first](), currency="USD", columns={"event_time": "time"})
    else:
        log = open_dataset(first)
    log = log.compact()
    as_of = KNOWN_UNTIL.get(first, log.next_day())
    return take_snapshot(log, as_of=as_of, features=tuple(HISTORY))


def panel() -> pl.DataFrame:
    """Trips of the edible grocery panel; its weeks are numbered, so the calendar is made up."""
    day = pl.date(2001, 1, 1) + pl.duration(days=7 * (pl.col("week") - 1))
    amount = (pl.col("price") * pl.col("units")).round(4)
    rows = pl.read_parquet(SHARED / "edible_grocery_panel/edible_grocery.parquet")
    return rows.select(customer_id="panel_id", time=day, amount=amount)


def journey() -> pl.DataFrame:
    rows = pl.read_parquet(SHARED / "complete_journey_2017/transactions_sample.parquet")
    day = pl.col("transaction_timestamp").dt.date()
    rows = rows.select(customer_id="household_id", time=day, amount=pl.col("sales_value").round(4))
    return rows.filter(pl.col("amount") > 0)


def madrigal(cohorts: list[str]) -> pl.DataFrame:
    """Customers of some cohorts; only quarters are known, so days within them are drawn evenly."""
    rng = np.random.default_rng(7)
    counts, spends = (
        pl.read_parquet(SHARED / f"madrigal/cust_by_qtr_{what}.parquet").filter(
            pl.col("Cohort").is_in(cohorts)
        )
        for what in ("trans", "spend")
    )
    tables = []
    for quarter in (name for name in counts.columns if name.startswith("Y")):
        year, number = int(quarter[1:5]), int(quarter[6])
        start = date(year, 3 * number - 2, 1)
        n_days = (date(year + (number == 4), 3 * number % 12 + 1, 1) - start).days
        count = counts[quarter].fill_null(0).to_numpy().astype(int)
        each = np.maximum(spends[quarter].fill_null(0.0).to_numpy(), 0.0) / np.maximum(count, 1)
        days = np.datetime64(start) + rng.integers(0, n_days, count.sum())
        who = np.repeat(counts["CustomerID"].to_numpy(), count)
        amount = np.round(np.repeat(each, count), 4)
        tables.append(pl.DataFrame({"customer_id": who, "time": days, "amount": amount}))
    return pl.concat(tables)


if __name__ == "__main__":
    main()
