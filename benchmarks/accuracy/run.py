"""Judge every model on real sets: chosen on the calibration period, scored once on the holdout.

    python benchmarks/accuracy/run.py [SET …]

Each set is cut at its calibration end. The model is chosen there by `patronage run`'s own rule,
on rewound folds; then every candidate, fitted on the same past, is scored on the holdout beside
the reference boosting of `five_origins.py`. Nothing is fitted, tuned or chosen on a holdout.
Writes results.csv (every model and metric) and RESULTS.md.
"""

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from five_origins import FiveOrigins
from squares import SQUARES, squares

from patronage.datasets import open_dataset
from patronage.errors import PatronageError
from patronage.evaluate import Scorecard, backtest
from patronage.evaluate.metrics import METRICS as KNOWN
from patronage.horizon import Horizon
from patronage.jobs import EVERY, candidates, judge
from patronage.jobs.progress import silent
from patronage.models.catalog import MODELS, make_model
from patronage.snapshots import take_snapshot
from patronage.snapshots.features import HISTORY

HERE = Path(__file__).parent
REFERENCE = "five-origin boosting (reference)"
# Baselines, textbook formulas and buy-till-you-die models.
PLAIN = 2
METRICS = (
    *("normalized_gini", "rmse_purchases", "decile_mape", "aggregate_bias", "deviance"),
    *("coverage_90_gap", "pit_deviation", "top_decile_capture", "rmse"),
)


@dataclass(frozen=True)
class Split:
    name: str
    as_of: date
    horizon: Horizon
    why: str
    # Settings that a set needs, by model: what a person who knows it would say.
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


SPLITS = (
    Split("cdnow", date(1997, 10, 1), Horizon(39, "week"), "39 weeks known, 39 ahead"),
    Split(
        "online_retail_ii", date(2010, 12, 10), Horizon(52, "week"), "one season known, one ahead"
    ),
    Split("grocery_elog", date(2007, 1, 1), Horizon(52, "week"), "2006 known, 2007 ahead"),
    Split(
        "donations_bgbb",
        date(2001, 7, 8),
        Horizon(260, "week"),
        "gifts of 1995 to 2001 known, five years ahead",
        {"bg_bb": {"period": "year"}},
    ),
    Split("madrigal", date(2019, 1, 1), Horizon(52, "week"), "2016 to 2018 known, 2019 ahead"),
)
# Beside which the chosen model's R² and ranks stand, paired by customer.
BESIDE = (REFERENCE, "hurdle_lightgbm", "bg_nbd", "pareto_nbd")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    names = [split.name for split in SPLITS]
    parser.add_argument("sets", nargs="*", help=f"of {', '.join(names)}; all by default")
    wanted = parser.parse_args().sets or names
    if unknown := sorted(set(wanted) - set(names)):
        parser.error(f"no split of {', '.join(unknown)}; known: {', '.join(names)}")
    for split in SPLITS:
        if split.name in wanted:
            print(f"{split.name} …", flush=True)
            _keep(judge_split(split), split.name)


def _keep(new: pl.DataFrame, name: str) -> None:
    """In place of what was known of the set: a board that is stopped keeps what it has."""
    path = HERE / "results.csv"
    if path.exists():
        old = pl.read_csv(path, schema=new.schema)
        new = pl.concat([old.filter(pl.col("set") != name), new])
    new.write_csv(path, float_precision=6)
    (HERE / "RESULTS.md").write_text(as_text(new))


def judge_split(split: Split) -> pl.DataFrame:
    start = time.perf_counter()
    log = open_dataset(split.name).compact()
    end = split.as_of + timedelta(days=int(split.horizon.days))
    truth = take_snapshot(log, as_of=end, features=tuple(HISTORY))
    known = truth.rewind(split.as_of)
    competing = candidates((EVERY,))
    # What `patronage run` picks by itself: it looks at the default models, on rewound folds.
    chosen = judge(
        known, split.horizon, candidates(), metric="deviance", seed=0, progress=silent
    ).model
    models = {**competing.models, REFERENCE: FiveOrigins()}
    for name, settings in split.settings.items():
        models[name] = replace(make_model(name), **settings)
    card = backtest(truth, models, origins=[split.as_of], horizon=split.horizon)
    print(f"  chosen {chosen}, {time.perf_counter() - start:.0f} s; failed: {card.failures}")
    return _rows(split, card, chosen)


def _rows(split: Split, card: Scorecard, chosen: str) -> pl.DataFrame:
    rows = []
    for metric in METRICS:
        for model in card.models:
            found = card.frame.filter(
                (pl.col("model") == model)
                & (pl.col("metric") == metric)
                & (pl.col("origin") == "all")
                & (pl.col("segment") == "all")
            )
            if found.is_empty():
                continue
            value, low, high, n = found.select("value", "low", "high", "n_customers").row(0)
            try:
                ahead = card.difference(chosen, model, metric)
                difference = (ahead.value, ahead.low, ahead.high)
            except PatronageError:
                difference = (None, None, None)
            rows.append(
                (
                    *(split.name, split.as_of.isoformat(), str(split.horizon)),
                    *(model, model == chosen, metric, value, low, high, *difference, n),
                )
            )
    n = card.predictions["customer_id"].n_unique()
    place = (split.name, split.as_of.isoformat(), str(split.horizon))
    for model, metric, *numbers in squares(card, chosen):
        rows.append((*place, model, model == chosen, metric, *numbers, n))
    names = ["set", "as_of", "horizon", "model", "chosen", "metric", "value", "low", "high"]
    names += ["chosen_minus_this", "difference_low", "difference_high", "n_customers"]
    return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)


def as_text(results: pl.DataFrame) -> str:
    """The board per set, the chosen model first, differences with paired 90 % intervals."""
    parts = [
        "# Accuracy on real sets",
        "",
        'Made by `make bench ARGS=accuracy` (one set again: `ARGS="accuracy cdnow"`); every '
        "number with its bootstrap interval is in [results.csv](results.csv). The model marked "
        "**chosen** is the one that `patronage run` picks on rewound folds inside the calibration "
        "period; nothing was fitted, tuned or chosen on a holdout. Intervals are 90 %, over "
        "resampled customers, paired by customer for differences. coverage_90_gap is of the upper "
        "bound alone; two-sided intervals, their width and score are in "
        "[INTERVALS.md](INTERVALS.md).",
    ]
    for split in SPLITS:
        mine = results.filter(pl.col("set") == split.name)
        if mine.is_empty():
            continue
        parts += ["", f"## {split.name}: {split.why}", ""]
        parts += [
            f"{mine['n_customers'].max():,} customers, as of {split.as_of}, {split.horizon}.",
            "",
            "| model | " + " | ".join(METRICS) + " |",
            "|---" * (len(METRICS) + 1) + "|",
        ]
        models = mine["model"].unique(maintain_order=True).to_list()
        values = {
            (row[0], row[1]): row[2] for row in mine.select("model", "metric", "value").rows()
        }
        picked = mine.filter("chosen")["model"][0]
        for model in [picked, *(name for name in models if name != picked)]:
            cells = (values.get((model, metric)) for metric in METRICS)
            told = " | ".join("–" if cell is None else f"{cell:.4f}" for cell in cells)
            parts.append(f"| {f'**{model}** (chosen)' if model == picked else model} | {told} |")
        reference = mine.filter(pl.col("model") == REFERENCE)
        parts += ["", f"{picked} less the reference boosting, with 90 % interval:", ""]
        for metric, value, low, high in reference.select(
            "metric", "chosen_minus_this", "difference_low", "difference_high"
        ).rows():
            if value is not None and metric in METRICS[:4]:
                parts.append(f"- {metric}: {value:+.4f} ({low:+.4f} to {high:+.4f})")
        parts += ["", _hindsight(mine), "", _elsewhere(mine), *_squares(mine, picked)]
    return "\n".join(parts) + "\n"


def _squares(mine: pl.DataFrame, picked: str) -> list[str]:
    """R² of the models that people publish it for, and the chosen one's ranks beside them."""
    compared = ("normalized_gini", "decile_mape", "log_r2", "r2")
    found = {
        (row[0], row[1]): row[2:]
        for row in mine.select(
            "model", "metric", "value", "chosen_minus_this", "difference_low", "difference_high"
        ).rows()
    }
    if (picked, "r2") not in found:
        return []
    lines = ["", "| model | " + " | ".join(SQUARES) + " |", "|---" * (len(SQUARES) + 1) + "|"]
    for model in (picked, *(one for one in BESIDE if one != picked)):
        cells = " | ".join(f"{found[model, metric][0]:.3f}" for metric in SQUARES)
        lines.append(f"| {model} | {cells} |")
    lines += ["", f"{picked} less each, paired by customer, with 90 % intervals:", ""]
    lines += ["| model | " + " | ".join(compared) + " |", "|---" * (len(compared) + 1) + "|"]
    for model in BESIDE:
        if model != picked:
            cells = []
            for metric in compared:
                _, away, low, high = found[model, metric]
                cells.append(f"{away:+.3f} ({low:+.3f} to {high:+.3f})")
            lines.append(f"| {model} | " + " | ".join(cells) + " |")
    return lines


def _hindsight(mine: pl.DataFrame) -> str:
    """Which models the holdout would have preferred, beyond the noise of its customers."""
    simpler = [name for name, entry in MODELS.items() if entry.complexity <= PLAIN]
    better = (
        mine.filter((pl.col("metric") == "deviance") & (pl.col("difference_low") > 0))
        .sort("value")
        .select("model", "value", "chosen_minus_this", "difference_low", "difference_high")
    )
    if better.is_empty():
        return "With hindsight: no model at all has a lower deviance on the holdout, beyond noise."
    parts = []
    for whose, some in (
        ("simpler models", better.filter(pl.col("model").is_in(simpler))),
        ("other models", better.filter(~pl.col("model").is_in(simpler))),
    ):
        told = [
            f"{model} ({value:.2f}; the chosen is worse by {worse:.3g}, {low:.3g} to {high:.3g})"
            for model, value, worse, low, high in some.rows()
        ]
        if told:
            parts.append(f"{whose}: {'; '.join(told)}")
    return (
        "With hindsight, which the choice did not have, these have a lower deviance on the "
        f"holdout, beyond noise. {'. '.join(part[0].upper() + part[1:] for part in parts)}."
    )


def _elsewhere(mine: pl.DataFrame) -> str:
    """Which models the holdout would have preferred by another metric than the one chosen by."""
    parts = []
    for metric in ("normalized_gini", "top_decile_capture", "rmse_purchases"):
        sign = -1 if KNOWN[metric].higher_is_better else 1
        rows = mine.filter(pl.col("metric") == metric).with_columns(
            worse=pl.col("chosen_minus_this") * sign,
            least=pl.min_horizontal(
                pl.col("difference_low") * sign, pl.col("difference_high") * sign
            ),
        )
        better = rows.filter(pl.col("least") > 0).sort("worse", descending=True)
        told = [
            f"{model} by {worse:.3g}" for model, worse in better.select("model", "worse").rows()
        ]
        parts.append(f"by {metric} {', '.join(told) if told else 'none'}")
    return f"Better beyond noise by other metrics: {'; '.join(parts)}."


if __name__ == "__main__":
    main()
