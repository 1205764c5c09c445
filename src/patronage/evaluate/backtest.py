"""Rolling origin: fit each model on what was known then, and judge it by what happened next."""

import itertools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final, Literal

import numpy as np
import polars as pl

from patronage.errors import HorizonError, NotEnoughDataError, PatronageError, SettingsError
from patronage.evaluate.leaderboard import leaderboard
from patronage.evaluate.predictions import predictions_table
from patronage.evaluate.scorecard import Scorecard
from patronage.evaluate.side_by_side import side_by_side
from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.models.base import Model
from patronage.models.folds import Fold, customer_fold, folds_at
from patronage.snapshots import Snapshot, take_snapshot

__all__ = ["backtest"]

# Of the customers of a set with one date, judged; the others are learned from.
_SHARE: Final = 0.4
_SECONDS = {"model": pl.String, "origin": pl.Date, "fit": pl.Float64, "predict": pl.Float64}


def backtest(
    log: EventLog | Snapshot,
    models: Mapping[str, Model],
    *,
    origins: Sequence[date] = (),
    horizon: Horizon,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
    split: Literal["time", "customers"] = "time",
    judged: pl.Series | None = None,
    n_draws: int = 200,
) -> Scorecard:
    """Each model, fitted at each origin, against the horizon after it.

    Parameters
    ----------
    log : all that is known; a snapshot judges by what it knows at its as_of
    origins : days at which to stand; each must lie the whole horizon before the end of the log
    progress : called with the share done, 0 to 1
    split : 'customers' (fit on some, judge the others at the same day) is for sets with one
        observation date alone, which is then the origin
    judged : with split='customers', the customers to judge; by default 40 % of them, drawn by the
        seed
    n_draws : resamplings of customers for the intervals

    Raises
    ------
    HorizonError : the outcome of an origin is not over yet
    SettingsError : no origins, no models, or a split that this log does not allow
    NotEnoughDataError : no model gave any forecast; the message has their reasons
    """
    if not models:
        raise SettingsError("0 models were given; name at least one.")
    judge = log if isinstance(log, Snapshot) else _all_of(log, horizon)
    if split == "customers":
        folds = [_by_customers(judge, origins, horizon, judged, seed=seed)]
    else:
        folds = _by_time(judge, origins, horizon)
    days = tuple(fold.outcome.origin for fold in folds)
    results = _judge_all(folds, models, seed=seed, progress=progress)
    tables, seconds, failures = [], [], dict[str, list[str]]()
    for origin, name, result in results:
        if isinstance(result, PatronageError):
            failures.setdefault(name, []).append(f"at {origin}: {result}")
        else:
            tables.append(result[0])
            seconds.append((name, origin, *result[1]))
    reasons = {name: "\n".join(found) for name, found in failures.items()}
    if not tables:
        listed = "\n".join(f"{name} {reason}" for name, reason in reasons.items())
        raise NotEnoughDataError(f"no model could forecast at any origin.\n{listed}")
    order = pl.DataFrame({"model": list(models), "place": range(len(models))})
    predictions = (
        pl.concat(tables)
        .join(order, "model", maintain_order="left")
        .sort("place", "origin", maintain_order=True)
    ).drop("place")
    frame, draws = leaderboard(predictions, horizon, n_draws=n_draws, seed=seed)
    if progress is not None:
        progress(1.0)
    times_table = pl.DataFrame(seconds, schema=_SECONDS, orient="row")
    return Scorecard(frame, predictions, reasons, horizon, days, times_table, draws)


def _all_of(log: EventLog, horizon: Horizon) -> Snapshot:
    """All that the log tells; of one observation date, what it tells once the horizon is over."""
    if log.observation_date is None:
        return take_snapshot(log.compact())
    end = log.observation_date + timedelta(days=math.ceil(horizon.days))
    return take_snapshot(log.compact(), as_of=max(end, log.next_day()))


def _by_time(judge: Snapshot, origins: Sequence[date], horizon: Horizon) -> list[Fold]:
    """Stand at each origin, earliest first."""
    if not origins:
        raise SettingsError("0 origins were given; name at least one day to stand at.")
    days = sorted(set(origins))
    latest = judge.as_of - timedelta(days=math.ceil(horizon.days))
    if days[-1] > latest:
        raise HorizonError(
            f"{horizon} after the origin {days[-1]} are not over by {judge.as_of}, when the log "
            f"ends.\nTo mend: choose origins up to {latest}, or a shorter horizon."
        )
    return folds_at(judge, days, horizon, seed=0)


def _by_customers(
    judge: Snapshot,
    origins: Sequence[date],
    horizon: Horizon,
    judged: pl.Series | None,
    *,
    seed: int,
) -> Fold:
    """Stand at the one date of observation; learn from some customers, judge the others."""
    observed = judge.events.observation_date
    if observed is None:
        raise SettingsError(
            "split='customers' is for sets with one observation date, and this log is not marked "
            "as one: customers share their time, so the future of those fitted on would tell of "
            "those judged.\nTo mend: leave split='time'."
        )
    if set(origins) - {observed}:
        raise SettingsError(
            f"everybody was observed on {observed}; no other origin can be judged.\n"
            "To mend: leave origins out."
        )
    everyone = judge.rewind(observed).customers["customer_id"]
    if judged is None:
        rng = np.random.default_rng(seed)
        judged = everyone.filter(pl.Series(rng.permutation(len(everyone)) < _SHARE * len(everyone)))
    theirs = everyone.is_in(judged.cast(everyone.dtype).implode())
    if theirs.all() or not theirs.any():
        raise SettingsError(
            f"{int(theirs.sum())} of {len(everyone)} customers would be judged; some must be "
            "judged, and some learned from."
        )
    return customer_fold(judge, horizon, everyone.filter(theirs))


def _judge_all(
    folds: Sequence[Fold],
    models: Mapping[str, Model],
    *,
    seed: int,
    progress: Callable[[float], None] | None,
) -> list[tuple[date, str, tuple[pl.DataFrame, tuple[float, float]] | PatronageError]]:
    """Every model at every origin, in that order.

    The latest origin has the most to learn from and a mapping names the simplest models first, so
    that what takes longest is begun first.
    """
    tasks = [(fold, name) for fold in folds for name in models]
    done = itertools.count(1)

    def work(
        task: tuple[Fold, str],
    ) -> tuple[date, str, tuple[pl.DataFrame, tuple[float, float]] | PatronageError]:
        fold, name = task
        try:
            table, times = _judge_one(name, models[name], fold, seed=seed)
        except PatronageError as error:
            found: tuple[pl.DataFrame, tuple[float, float]] | PatronageError = error
        else:
            first_days = fold.at.customers.select("customer_id", "first_day")
            found = table.join(first_days, "customer_id", maintain_order="left"), times
        if progress is not None:
            progress(0.95 * next(done) / len(tasks))
        return fold.outcome.origin, name, found

    return side_by_side(work, tasks)


def _judge_one(
    name: str, model: Model, fold: Fold, *, seed: int
) -> tuple[pl.DataFrame, tuple[float, float]]:
    horizon = fold.outcome.horizon
    start = time.perf_counter()
    fitted = model.fit(fold.learn, horizon, seed=seed)
    middle = time.perf_counter()
    forecast = fitted.predict(fold.at, horizon)
    table = predictions_table(name, forecast, fold.outcome, seed=seed)
    return table, (middle - start, time.perf_counter() - middle)
