"""Every model at every origin, and the model at hand also at all later ones."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from patronage.errors import HorizonError, NotEnoughDataError, PatronageError, SettingsError
from patronage.evaluate.examined import Decision, examined_table
from patronage.evaluate.leaderboard import numbered
from patronage.evaluate.side_by_side import side_by_side
from patronage.horizon import Horizon
from patronage.models.base import FittedModel, Model
from patronage.models.folds import Fold, folds_at
from patronage.snapshots import Snapshot

__all__ = ["Trials", "hold_trials"]


@dataclass(frozen=True)
class Trials:
    """What was forecast, beside what happened.

    Attributes
    ----------
    table : `examined_table` of every model and origin, with trained (the origin that the model
        learned at; later than it only for the model at hand) and customer (its number)
    fitted : the model at hand by the origin it learned at
    folds : what was known at each origin, and what came
    failures : benchmark → why it has no forecast at some origin
    """

    table: pl.DataFrame
    fitted: Mapping[date, FittedModel]
    folds: tuple[Fold, ...]
    failures: Mapping[str, str]

    @property
    def origins(self) -> tuple[date, ...]:
        """The days stood at, earliest first."""
        return tuple(fold.outcome.origin for fold in self.folds)

    @property
    def fresh(self) -> pl.DataFrame:
        """Forecasts by models that learned all that was known."""
        return self.table.filter(pl.col("trained") == pl.col("origin"))


def hold_trials(
    judge: Snapshot,
    name: str,
    model: Model,
    benchmarks: Mapping[str, Model],
    *,
    origins: Sequence[date],
    horizon: Horizon,
    decision: Decision,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> Trials:
    """Fit at each origin with what was known then, forecast, and lay the outcome beside it.

    Raises
    ------
    SettingsError : no origins
    HorizonError : the outcome of an origin is not over yet
    PatronageError : the model at hand cannot be fitted or asked at an origin
    """
    if not origins:
        raise SettingsError("0 origins were given; name at least one day to stand at.")
    days = sorted(set(origins))
    latest = judge.as_of - timedelta(days=math.ceil(horizon.days))
    if days[-1] > latest:
        raise HorizonError(
            f"{horizon} after the origin {days[-1]} are not over by {judge.as_of}, when the log "
            f"ends.\nTo mend: choose origins up to {latest}, or a shorter horizon."
        )
    folds = folds_at(judge, days, horizon, seed=0)
    tasks = [(one, k) for one in (name, *benchmarks) for k in range(len(folds))]
    done = itertools.count(1)

    def work(
        task: tuple[str, int],
    ) -> tuple[list[pl.DataFrame], FittedModel] | PatronageError:
        one, k = task
        asked = folds[k:] if one == name else folds[k : k + 1]
        chosen = model if one == name else benchmarks[one]
        try:
            fitted = chosen.fit(folds[k].learn, horizon, seed=seed)
            tables = [_ask(one, fitted, fold, decision, seed=seed) for fold in asked]
        except PatronageError as error:
            return error
        if progress is not None:
            progress(next(done) / len(tasks))
        trained = pl.lit(folds[k].outcome.origin).alias("trained")
        return [table.with_columns(trained) for table in tables], fitted

    found = dict(zip(tasks, side_by_side(work, tasks), strict=True))
    tables, fits, failures = [], {}, dict[str, str]()
    for (one, k), result in found.items():
        origin = folds[k].outcome.origin
        if isinstance(result, PatronageError):
            if one == name:
                raise NotEnoughDataError(
                    f"{name} cannot be validated at {origin}: {result}"
                ) from result
            failures.setdefault(one, f"at {origin}: {str(result).splitlines()[0]}")
            continue
        tables += result[0]
        if one == name:
            fits[origin] = result[1]
    # Why: a benchmark is judged on the same customers and days as the model, or not at all.
    table = pl.concat(tables).filter(~pl.col("model").is_in(list(failures)))
    return Trials(numbered(table), fits, tuple(folds), failures)


def _ask(
    name: str, fitted: FittedModel, fold: Fold, decision: Decision, *, seed: int
) -> pl.DataFrame:
    forecast = fitted.predict(fold.at, fold.outcome.horizon)
    return examined_table(name, forecast, fold.outcome, decision, seed=seed)
