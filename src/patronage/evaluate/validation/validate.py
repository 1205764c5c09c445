"""validate: one model against what happened, in every way that who signs will ask for."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import polars as pl

from patronage.evaluate.bootstrap import customer_weights
from patronage.evaluate.deciles import calibration_table, pit_table
from patronage.evaluate.examined import Decision, Examined
from patronage.evaluate.judged import Judged
from patronage.evaluate.validation.ageing import Ageing, ageing
from patronage.evaluate.validation.catalog import FAMILIES, VALIDATION_METRICS
from patronage.evaluate.validation.groups import (
    DECILE,
    decile_labels,
    group_labels,
    group_table,
    tenure_labels,
)
from patronage.evaluate.validation.limits import LIMITS, Limit, Status
from patronage.evaluate.validation.measured import Measured, measured
from patronage.evaluate.validation.stability import day_over_day, of_resamples, of_seeds
from patronage.evaluate.validation.trials import Trials, hold_trials
from patronage.evaluate.validation.verdict import (
    Finding,
    against_benchmarks,
    against_limits,
    group_findings,
    worst,
)
from patronage.horizon import Horizon
from patronage.models.base import Model
from patronage.snapshots import Snapshot, attribute_source

__all__ = ["VALIDATION_COLUMNS", "Validation", "validate"]

VALIDATION_COLUMNS: Final = (
    *("family", "metric", "model", "group", "origin", "value", "low", "high", "n"),
)
POOLED: Final = "all"
N_DRAWS: Final = 200
N_SEEDS: Final = 5
N_RESAMPLES: Final = 5
N_DAYS: Final = 7


@dataclass(frozen=True)
class Validation:
    """What a validation found.

    Attributes
    ----------
    model : the model at hand; benchmarks beside it
    frame : VALIDATION_COLUMNS, every number with its 90 % interval over resampled customers (null
        where there is none) and the customers it is of; group and origin 'all' pool
    ageing, groups, daily : the parts that have a shape of their own
    seeds, resamples : `agreement` of scorings; empty for a saved model that cannot be fitted again
    pit : bin, share
    calibration : decile, predicted, actual, low, high, n_customers
    findings, limits : the verdict, line by line, and what it was measured by
    horizon, origins, decision : what was judged
    failures : benchmarks without a forecast, and why
    """

    model: str
    benchmarks: tuple[str, ...]
    frame: pl.DataFrame
    ageing: Ageing
    groups: pl.DataFrame
    daily: pl.DataFrame
    seeds: Mapping[str, float]
    resamples: Mapping[str, float]
    pit: pl.DataFrame
    calibration: pl.DataFrame
    findings: tuple[Finding, ...]
    limits: Mapping[str, Limit]
    horizon: Horizon
    origins: tuple[date, ...]
    decision: Decision
    failures: Mapping[str, str]

    @property
    def verdict(self) -> Status:
        """pass, attention or fail: that of the worst finding."""
        return worst(self.findings)

    def value(self, metric: str, *, model: str | None = None) -> float:
        """One pooled number of all customers; NaN where there is none."""
        found = self.frame.filter(
            (pl.col("metric") == metric)
            & (pl.col("model") == (model or self.model))
            & (pl.col("group") == POOLED)
            & (pl.col("origin") == POOLED)
        )
        return (
            float("nan") if found.is_empty() else float(found["value"].fill_null(float("nan"))[0])
        )


def _silent(stage: str, done: float) -> None:
    del stage, done


def validate(
    judge: Snapshot,
    name: str,
    model: Model,
    benchmarks: Mapping[str, Model],
    *,
    origins: Sequence[date],
    horizon: Horizon,
    decision: Decision,
    refit: Model | None,
    simpler: Collection[str] = (),
    groups: Sequence[str] = (),
    limits: Mapping[str, Limit] = LIMITS,
    retraining_cost: float | None = None,
    seed: int = 0,
    progress: Callable[[str, float], None] = _silent,
) -> Validation:
    """Judge the model at the origins by what happened after each.

    Parameters
    ----------
    judge : all that is known
    refit : fits the same model anew, for the stability of fits; None: a saved model of settings
        that are not known
    simpler : the benchmarks that are simpler than the model
    groups : attributes (see `snapshots.attributes`) by which customers are compared

    Raises
    ------
    SettingsError, HorizonError, NotEnoughDataError : see `hold_trials`
    """
    for group in groups:
        # Why here: a name that is not known is told before the work, not after it.
        judge.with_features((attribute_source(judge.events, group),))
    trials = hold_trials(
        judge,
        name,
        model,
        benchmarks,
        origins=origins,
        horizon=horizon,
        decision=decision,
        seed=seed,
        progress=lambda done: progress("judging models", done),
    )
    n_customers = int(trials.table["customer"].max() or 0) + 1  # type: ignore[arg-type]
    weights = customer_weights(n_customers, N_DRAWS, seed=seed)
    compared = tuple(one for one in benchmarks if one not in trials.failures)
    pooled: dict[str, Mapping[str, Measured]] = {}
    rows: list[dict[str, Any]] = []
    fresh = trials.fresh
    mine = fresh.filter(pl.col("model") == name)
    for k, one in enumerate((name, *compared)):
        table = fresh.filter(pl.col("model") == one)
        parts: dict[str, pl.DataFrame] = {POOLED: table}
        if one == name and len(trials.origins) > 1:
            parts |= {str(o): part for (o,), part in table.group_by("origin", maintain_order=True)}
        for origin, part in parts.items():
            metrics = tuple(VALIDATION_METRICS.values())
            found = measured(Examined.of(part, decision), weights, metrics)
            rows += _rows(found, one, origin)
            if origin == POOLED:
                pooled[one] = found
        progress("measuring", (k + 1) / (len(compared) + 1))
    aged = ageing(
        trials.table.filter(pl.col("model") == name),
        weights,
        decision,
        retraining_cost=retraining_cost,
    )
    by_group = group_table(mine, _labels(judge, trials, mine, groups), weights, decision)
    progress("asking again", 0.0)
    last, fitted = trials.folds[-1], trials.fitted[trials.origins[-1]]
    known = last.learn
    seeds = {} if refit is None else of_seeds(refit, known, horizon, range(seed, seed + N_SEEDS))
    progress("asking again", 0.4)
    resamples = (
        {} if refit is None else of_resamples(refit, known, horizon, n=N_RESAMPLES, seed=seed)
    )
    progress("asking again", 0.8)
    daily = day_over_day(fitted, judge, last.at.as_of, horizon, n_days=_days(horizon))
    progress("asking again", 1.0)
    rows += _other_rows(name, aged, by_group, daily, seeds=seeds, resamples=resamples)
    numbers = {metric: (one.value, *one.bounds) for metric, one in pooled[name].items()}
    numbers |= _stable(daily, seeds, resamples)
    findings = (
        *against_limits(numbers, limits),
        *against_benchmarks(name, pooled[name], {one: pooled[one] for one in compared}, simpler),
        *group_findings(by_group, limits["relative_ratio"]),
    )
    frame = pl.DataFrame(rows, infer_schema_length=None).select(VALIDATION_COLUMNS)
    return Validation(
        name,
        compared,
        frame.with_columns(pl.col("value", "low", "high").fill_nan(None)),
        aged,
        by_group,
        daily,
        seeds,
        resamples,
        pit_table(Judged.from_predictions(mine)),
        calibration_table(Judged.from_predictions(mine)),
        findings,
        limits,
        horizon,
        trials.origins,
        decision,
        trials.failures,
    )


def _days(horizon: Horizon) -> int:
    """Days of the panel: a week, or the horizon where that is shorter."""
    return max(1, min(N_DAYS, int(horizon.days)))


def _labels(
    judge: Snapshot, trials: Trials, mine: pl.DataFrame, groups: Sequence[str]
) -> dict[str, pl.Series]:
    """The group of each forecast, by every attribute as known at its origin, and two of ours."""
    found: dict[str, pl.Series] = {}
    for group in groups:
        source = attribute_source(judge.events, group)
        known = pl.concat(
            fold.at.with_features((source,)).customers.select(
                pl.lit(fold.outcome.origin).alias("origin"), "customer_id", value=pl.col(source)
            )
            for fold in trials.folds
        )
        joined = mine.join(known, on=("origin", "customer_id"), how="left", maintain_order="left")
        found[group] = group_labels(joined["value"])
    first_days = pl.concat(
        fold.at.customers.select(
            pl.lit(fold.outcome.origin).alias("origin"), "customer_id", "first_day"
        )
        for fold in trials.folds
    )
    joined = mine.join(first_days, on=("origin", "customer_id"), how="left", maintain_order="left")
    found["tenure"] = tenure_labels(joined["first_day"], joined["origin"])
    found[DECILE] = decile_labels(mine["mean_cash"].to_numpy())
    return found


def _rows(found: Mapping[str, Measured], model: str, origin: str) -> list[dict[str, Any]]:
    families = {metric.name: family for family, many in FAMILIES.items() for metric in many}
    return [
        {
            "family": families[metric],
            "metric": metric,
            "model": model,
            "group": POOLED,
            "origin": origin,
            **one.row(),
        }
        for metric, one in found.items()
    ]


def _stable(
    daily: pl.DataFrame, seeds: Mapping[str, float], resamples: Mapping[str, float]
) -> dict[str, tuple[float, float, float]]:
    """The numbers of stability that have limits; they have no interval."""
    found = {
        "daily_rank_correlation": float(daily["rank_correlation"].min()),  # type: ignore[arg-type]
        "daily_total_change": float(daily["total_change"].abs().max()),  # type: ignore[arg-type]
    }
    found |= {f"seed_{name}": value for name, value in seeds.items()}
    found |= {f"resample_{name}": value for name, value in resamples.items()}
    return {name: (value, float("nan"), float("nan")) for name, value in found.items()}


def _other_rows(
    name: str,
    aged: Ageing,
    by_group: pl.DataFrame,
    daily: pl.DataFrame,
    *,
    seeds: Mapping[str, float],
    resamples: Mapping[str, float],
) -> list[dict[str, Any]]:
    """The families that are not of all customers at once, in the same columns."""
    rows: list[dict[str, Any]] = [
        {
            "family": "temporal",
            "metric": row["metric"],
            "model": name,
            "group": f"trained {row['trained']}",
            "origin": str(row["origin"]),
            **{key: row[key] for key in ("value", "low", "high", "n")},
        }
        for row in aged.matrix.iter_rows(named=True)
    ]
    rows += [
        {
            "family": "fairness",
            "metric": row["metric"],
            "model": name,
            "group": f"{row['by']}={row['group']}",
            "origin": POOLED,
            **{key: row[key] for key in ("value", "low", "high", "n")},
        }
        for row in by_group.iter_rows(named=True)
    ]
    stable = _stable(daily, seeds, resamples)
    rows += [
        {
            "family": "stability",
            "metric": metric,
            "model": name,
            "group": POOLED,
            "origin": POOLED,
            "value": value,
            "low": low,
            "high": high,
            "n": None,
        }
        for metric, (value, low, high) in stable.items()
    ]
    return rows
