"""Rolling origin: fit each model on what was known then, and judge it by what happened next."""

import itertools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Literal

import polars as pl

from patronage.errors import HorizonError, NotEnoughDataError, PatronageError, SettingsError
from patronage.evaluate.leaderboard import leaderboard
from patronage.evaluate.predictions import predictions_table
from patronage.evaluate.scorecard import Scorecard
from patronage.evaluate.side_by_side import side_by_side
from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.models.base import Model
from patronage.snapshots import Outcome, Snapshot, observe_outcome, take_snapshot

__all__ = ["backtest"]

_SECONDS = {"model": pl.String, "origin": pl.Date, "fit": pl.Float64, "predict": pl.Float64}


def backtest(
    log: EventLog | Snapshot,
    models: Mapping[str, Model],
    *,
    origins: Sequence[date],
    horizon: Horizon,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
    split: Literal["time", "customers"] = "time",
    n_draws: int = 200,
) -> Scorecard:
    """Each model, fitted at each origin, against the horizon after it.

    Parameters
    ----------
    log : all that is known; a snapshot judges by what it knows at its as_of
    origins : days at which to stand; each must lie the whole horizon before the end of the log
    progress : called with the share done, 0 to 1
    split : 'customers' (fit on some, judge the others at the same day) is for sets with one
        observation date alone
    n_draws : resamplings of customers for the intervals

    Raises
    ------
    HorizonError : the outcome of an origin is not over yet
    SettingsError : no origins, no models, or a split that this log does not allow
    NotEnoughDataError : no model gave any forecast; the message has their reasons
    """
    if split != "time":
        raise SettingsError(
            f"split={split!r} is for sets with one observation date, and this log is not marked as "
            "one: customers share their time, so the future of those fitted on would tell of those "
            "judged.\nTo mend: leave split='time'."
        )
    if not origins or not models:
        raise SettingsError(f"{len(models)} models and {len(origins)} origins; both are needed.")
    judge = log if isinstance(log, Snapshot) else take_snapshot(log.compact())
    days = tuple(sorted(set(origins)))
    _refuse_unfinished(days, horizon, judge)
    results = _judge_all(judge, days, models, horizon, seed=seed, progress=progress)
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


def _refuse_unfinished(origins: Sequence[date], horizon: Horizon, judge: Snapshot) -> None:
    latest = judge.as_of - timedelta(days=math.ceil(horizon.days))
    if origins[-1] > latest:
        raise HorizonError(
            f"{horizon} after the origin {origins[-1]} are not over by {judge.as_of}, when the log "
            f"ends.\nTo mend: choose origins up to {latest}, or a shorter horizon."
        )


def _judge_all(
    judge: Snapshot,
    days: Sequence[date],
    models: Mapping[str, Model],
    horizon: Horizon,
    *,
    seed: int,
    progress: Callable[[float], None] | None,
) -> list[tuple[date, str, tuple[pl.DataFrame, tuple[float, float]] | PatronageError]]:
    """Every model at every origin, in that order.

    The latest origin has the most to learn from and a mapping names the simplest models first, so
    that what takes longest is begun first.
    """
    tasks = [(origin, name) for origin in days for name in models]
    done = itertools.count(1)

    def work(
        task: tuple[date, str],
    ) -> tuple[date, str, tuple[pl.DataFrame, tuple[float, float]] | PatronageError]:
        origin, name = task
        at = judge.rewind(origin)
        outcome = observe_outcome(judge, at, horizon)
        try:
            table, times = _judge_one(name, models[name], at, outcome, seed=seed)
        except PatronageError as error:
            found: tuple[pl.DataFrame, tuple[float, float]] | PatronageError = error
        else:
            first_days = at.customers.select("customer_id", "first_day")
            found = table.join(first_days, "customer_id", maintain_order="left"), times
        if progress is not None:
            progress(0.95 * next(done) / len(tasks))
        return origin, name, found

    return side_by_side(work, tasks)


def _judge_one(
    name: str, model: Model, at: Snapshot, outcome: Outcome, *, seed: int
) -> tuple[pl.DataFrame, tuple[float, float]]:
    start = time.perf_counter()
    fitted = model.fit(at, outcome.horizon, seed=seed)
    middle = time.perf_counter()
    forecast = fitted.predict(at, outcome.horizon)
    table = predictions_table(name, forecast, outcome, seed=seed)
    return table, (middle - start, time.perf_counter() - middle)
