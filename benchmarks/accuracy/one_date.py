"""Sets with one date of observation: every family, split by customers, beside two references.

    python benchmarks/accuracy/one_date.py [--sets kdd98_subset,hillstrom] [--seeds 10] [MODEL …]

Each seed draws 40 % of the customers to be judged; the others teach. Every third of the teaching
customers is forecast by what the other two thirds teach, which chooses the model (least Tweedie
deviance), as `patronage run` does, before anyone judged is looked at.
References: the published linear ZILN (`published_ziln.py`) and a LightGBM on the Tweedie deviance
whose leaves and rate are tuned on blocks of the teaching customers. Writes ONE_DATE.md: means over
the seeds, and differences to the references with paired bootstrap intervals over customers and
seeds. Nothing is fitted, stopped, tuned or chosen on customers that are judged.
"""

import argparse
import itertools
import re
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from math import ceil
from pathlib import Path

import numpy as np
import polars as pl
from published_ziln import PublishedLinearZILN

from patronage.datasets import DATASETS, open_dataset
from patronage.errors import PatronageError
from patronage.evaluate.metrics.errors import tweedie_deviance
from patronage.forecast import AbstractForecast, TweedieForecast
from patronage.horizon import Horizon
from patronage.models.base import Model
from patronage.models.catalog import make_model
from patronage.models.folds import Fold, customer_fold, folds_at
from patronage.models.learners.base import Head, Predictor
from patronage.models.learners.lightgbm import LightGBM
from patronage.models.tabular.design import Design
from patronage.models.tabular.lesson import LessonSettings, prepare_lesson
from patronage.snapshots import Snapshot, take_snapshot

HERE = Path(__file__).parent
SETS = ("kdd98_subset", "hillstrom", "dunnhumby_household", "eu_health_insurance")
MODELS = (
    *("hurdle_lightgbm", "tweedie_lightgbm", "ziln_lightgbm", "ziln_linear", "xgboost"),
    *("random_forest", "gradient_boosting", "elastic_net", "mlp", "vote", "tuned_tweedie"),
)
PUBLISHED, TUNED, MEAN = "published linear ZILN", "tuned LightGBM", "mean of all"
# The cup's mailing cost 0.68; those who gave are 25 % here and 5.07 % in the cup's file.
COST = 0.68
WEIGHT = {"gave": 0.0507 / 0.25, "not": 0.9493 / 0.75}
N_DRAWS = 200
SHOWN = ("gini", "spearman", "decile_mape", "deviance", "bias", "coverage", "width", "interval")


@dataclass(frozen=True)
class Mean:
    """Everybody brings the mean of those who teach."""

    total: float = 0.0

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> "Mean":
        lesson = prepare_lesson(snapshot, horizon, settings=LessonSettings(), n_folds=3, seed=seed)
        return Mean(float(lesson.cash.mean()))

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> TweedieForecast:
        n = len(snapshot.customers)
        return _forecast(snapshot, horizon, np.full(n, self.total))


@dataclass(frozen=True)
class Tuned:
    """An ordinary LightGBM, its leaves and rate tuned on blocks that did not grow the trees."""

    design: Design | None = None
    trees: Predictor | None = None

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> "Tuned":
        lesson = prepare_lesson(snapshot, horizon, settings=LessonSettings(), n_folds=3, seed=seed)
        head = Head(lesson.cash, "tweedie")
        grown = []
        for leaves, rate in itertools.product((7, 15, 31), (0.03, 0.1)):
            learner = LightGBM(num_leaves=leaves, learning_rate=rate, random_cuts=False)
            (one,) = learner.grow(lesson.table, lesson.fold, (head,), seed=seed)
            loss = float(tweedie_deviance(one.unseen, lesson.cash).mean())
            grown.append((loss, len(grown), one.predictor))
        return Tuned(lesson.design, min(grown)[2])

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> TweedieForecast:
        assert self.design is not None
        assert self.trees is not None
        known = snapshot.with_features(self.design.features)
        return _forecast(known, horizon, self.trees.predict(self.design.matrix(known)))


def _forecast(snapshot: Snapshot, horizon: Horizon, total: np.ndarray) -> TweedieForecast:
    shares = np.full(horizon.n_periods, 1.0 / horizon.n_periods)
    ids = snapshot.customers["customer_id"].to_numpy()
    return TweedieForecast(ids, snapshot.as_of, horizon, total, 10.0, 1.5, shares)


def model(name: str):
    if name in (PUBLISHED, TUNED, MEAN):
        return {PUBLISHED: PublishedLinearZILN(), TUNED: Tuned(), MEAN: Mean()}[name]
    return make_model(name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--customers", type=int, help="at most so many, drawn once")
    arguments = parser.parse_args()
    names = (MEAN, PUBLISHED, TUNED, *arguments.models)
    for name in arguments.sets.split(","):
        judge_set(name, names, arguments.seeds, most=arguments.customers)


def write(lines: list[str]) -> None:
    """A set's part of the page; those of the others are left as they were."""
    path = HERE / "ONE_DATE.md"
    page = path.read_text() if path.exists() else f"# {__doc__.splitlines()[0]}\n"
    parts = {part.split("\n", 1)[0]: part for part in re.split(r"(?m)^(?=## )", page)}
    parts[lines[0]] = "\n".join(lines)
    path.write_text("\n".join(part.rstrip() + "\n" for part in parts.values()))


def judge_set(name: str, names: tuple[str, ...], n_seeds: int, *, most: int | None) -> None:
    """Writes the set's part of the page after every seed: a stopped run keeps what it has."""
    horizon, log = DATASETS[name].horizon, open_dataset(name).compact()
    observed = log.observation_date
    end = observed + timedelta(days=ceil(horizon.days))
    whole = take_snapshot(log, as_of=max(end, log.next_day()))
    everyone = whole.rewind(observed).customers["customer_id"]
    n_there = len(everyone)
    if most is not None and most < n_there:
        everyone = everyone.sample(most, seed=0)
        log = log.among(everyone)
        whole = take_snapshot(log, as_of=whole.as_of)
        everyone = whole.rewind(observed).customers["customer_id"]
    whose = f"{len(everyone):,} of {n_there:,}" if len(everyone) < n_there else f"{n_there:,}"
    values, draws, chosen, seconds = {}, {}, [], {}
    for seed in range(n_seeds):
        rng = np.random.default_rng(seed)
        place = rng.permutation(len(everyone))
        judged = everyone.filter(pl.Series(place < 0.4 * len(everyone)))
        fold = customer_fold(whole, horizon, judged)
        teach = fold.learn.remembering()
        blocks = folds_at(teach, (observed,), horizon, seed=seed)
        blocks = [replace(block, learn=block.learn.remembering()) for block in blocks]
        losses = {}
        for one in names:
            start = time.process_time()
            try:
                said = model(one).fit(teach, horizon, seed=seed).predict(fold.at, horizon)
                losses[one] = float(np.mean([loss(model(one), block, seed) for block in blocks]))
            except PatronageError as error:
                print(f"{name} {seed} {one}: {error}", flush=True)
                continue
            counts = np.random.default_rng(1000 + seed).multinomial(
                len(judged), np.full(len(judged), 1 / len(judged)), size=N_DRAWS
            )
            found = judge(name, said, fold.outcome.total, counts)
            for metric, (value, drawn) in found.items():
                values.setdefault((one, metric), []).append(value)
                draws.setdefault((one, metric), []).append(drawn)
            seconds[one] = seconds.get(one, 0.0) + time.process_time() - start
        offered = {one: loss for one, loss in losses.items() if one in names[3:]}
        chosen.append(min(offered, key=offered.__getitem__))
        print(f"{name} seed {seed}: {chosen[-1]}", flush=True)
        for metric in {metric for model, metric in values if model != "chosen"}:
            values["chosen", metric] = [values[one, metric][k] for k, one in enumerate(chosen)]
            draws["chosen", metric] = [draws[one, metric][k] for k, one in enumerate(chosen)]
        write(page(name, (*names, "chosen"), values, draws, chosen, seconds, whose))


def loss(one: Model, block: Fold, seed: int) -> float:
    """Mean deviance of the block that was not learned from."""
    horizon = block.outcome.horizon
    told = one.fit(block.learn, horizon, seed=seed).predict(block.at, horizon)
    mean = np.maximum(told.mean().sum(axis=1), 1e-9)
    return float(tweedie_deviance(mean, np.maximum(block.outcome.total, 0)).mean())


def judge(
    name: str, forecast: AbstractForecast, cash: np.ndarray, counts: np.ndarray
) -> dict[str, tuple[float, np.ndarray]]:
    """Metric → its value and its values over resampled customers."""
    mean = forecast.mean().sum(axis=1)
    low, high = forecast.quantile([0.05, 0.95]).T
    below, at = forecast.cdf(cash)
    pit = below + np.random.default_rng(7).random(len(cash)) * (at - below)
    covered = (pit >= 0.05) & (pit <= 0.95)
    score = high - low + 20 * (np.maximum(low - cash, 0) + np.maximum(cash - high, 0))
    rows = np.column_stack(
        [tweedie_deviance(np.maximum(mean, 1e-9), np.maximum(cash, 0)), covered, high - low, score]
    )
    weights = np.vstack([np.ones(len(cash)), counts])
    order = np.argsort(mean, kind="stable")
    told, came = mean[order], cash[order]
    ranks_told, ranks_came = _ranks(mean), _ranks(cash)
    many = {key: np.empty(len(weights)) for key in SHOWN}
    for k, weight in enumerate(weights):
        total = weight.sum()
        sums = weight @ rows / total
        many["deviance"][k], many["coverage"][k], many["width"][k], many["interval"][k] = sums
        many["bias"][k] = weight @ mean / (weight @ cash) - 1
        many["gini"][k] = _gini(told, came, weight[order]) / _gini(
            np.sort(cash), np.sort(cash), weight[np.argsort(cash, kind="stable")]
        )
        many["spearman"][k] = _correlation(ranks_told, ranks_came, weight)
        many["decile_mape"][k] = _decile_mape(told, came, weight[order])
    if name == "kdd98_subset":
        many["profit"] = np.array([_profit(mean, cash, weight) for weight in weights])
    return {key: (float(found[0]), found[1:]) for key, found in many.items()}


def _ranks(values: np.ndarray) -> np.ndarray:
    return pl.Series(values).rank("average").to_numpy()


def _gini(told: np.ndarray, came: np.ndarray, weight: np.ndarray) -> float:
    """Tie-averaged Gini of what came, in ascending order of what was told."""
    group = np.cumsum(np.concatenate([[0], np.diff(told) != 0]))
    n = np.bincount(group, weight)
    money = np.bincount(group, weight * came)
    reached = np.cumsum(n) - n / 2
    return float(2 * (money @ reached) / (n.sum() * money.sum()) - 1)


def _correlation(a: np.ndarray, b: np.ndarray, weight: np.ndarray) -> float:
    total = weight.sum()
    a, b = a - weight @ a / total, b - weight @ b / total
    spread = np.sqrt((weight @ a**2) * (weight @ b**2))
    return float(weight @ (a * b) / spread) if spread > 0 else 0.0


def _decile_mape(told: np.ndarray, came: np.ndarray, weight: np.ndarray) -> float:
    place = np.minimum((np.cumsum(weight) - weight / 2) / weight.sum() * 10, 9).astype(int)
    said = np.bincount(place, weight * told, minlength=10)
    real = np.bincount(place, weight * came, minlength=10)
    # Why not every tenth: where few buy, a tenth of a resample may bring nothing at all.
    paid = real > 0
    return float(np.mean(np.abs(said - real)[paid] / real[paid]))


def _profit(mean: np.ndarray, cash: np.ndarray, weight: np.ndarray) -> float:
    """Of mailing whoever is expected to bring more than it costs, per thousand of the cup's file.

    Expectations are first brought to the cup's share of givers: known before, not tuned.
    """
    again = np.where(cash > 0, WEIGHT["gave"], WEIGHT["not"]) * weight
    mailed = mean * WEIGHT["gave"] > COST
    return float(1000 * (again @ (mailed * (cash - COST))) / again.sum())


def page(name, names, values, draws, chosen, seconds, whose) -> list[str]:
    """Tables of one set."""
    shown = [*SHOWN, *(["profit"] if name == "kdd98_subset" else [])]
    there = [one for one in names if (one, "gini") in values]
    counted = {one: chosen.count(one) for one in dict.fromkeys(chosen)}
    lines = [
        f"## {name}",
        "",
        f"{whose} customers, {len(chosen)} seeds. Chosen: "
        + ", ".join(f"{one} ({n})" for one, n in counted.items())
        + ". 90 % intervals; coverage is of the randomised PIT.",
        "",
        "| model | " + " | ".join(shown) + " | CPU s |",
        "|---" * (len(shown) + 2) + "|",
    ]
    for one in there:
        # The two that only tell a mean have no spread to judge.
        spread = ("coverage", "width", "interval") if one in (MEAN, TUNED) else ()
        told = " | ".join(
            "–" if metric in spread else f"{np.mean(values[one, metric]):.4g}" for metric in shown
        )
        cpu = f"{seconds[one] / len(chosen):.1f}" if one in seconds else ""
        lines.append(f"| {one} | {told} | {cpu} |")
    for reference in (PUBLISHED, TUNED):
        lines += ["", f"Less {reference}, with paired 90 % intervals:", ""]
        compared = [
            m for m in shown if m in ("gini", "spearman", "decile_mape", "deviance", "profit")
        ]
        lines += ["| model | " + " | ".join(compared) + " |", "|---" * (len(compared) + 1) + "|"]
        for one in there:
            if one == reference or len(values[one, "gini"]) != len(values[reference, "gini"]):
                continue
            cells = []
            for metric in compared:
                away = np.mean(np.subtract(values[one, metric], values[reference, metric]))
                drawn = np.mean(np.subtract(draws[one, metric], draws[reference, metric]), axis=0)
                low, high = np.quantile(drawn, [0.05, 0.95])
                cells.append(f"{away:+.4g} ({low:+.3g} to {high:+.3g})")
            lines.append(f"| {one} | " + " | ".join(cells) + " |")
    return [*lines, ""]


if __name__ == "__main__":
    main()
