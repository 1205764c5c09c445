"""Base tables by date: everybody as known at some days, and what each then did."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Final, Literal

import numpy as np
import polars as pl

from patronage.errors import FutureEventError, NotEnoughDataError, SettingsError
from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.models.base_tables.blocks import with_blocks, with_purge
from patronage.models.base_tables.dictionary import describe_columns, groups_meant
from patronage.models.base_tables.table import BaseTable, float32_safe
from patronage.models.training_pairs import rewound_origins
from patronage.snapshots import RUN_FEATURES, Snapshot, observe_outcome, take_snapshot

__all__ = ["YEAR", "base_table", "end_of_knowledge", "late_notes"]

YEAR: Final = Horizon(52, "week")
# Dates taken where none are named.
_FEWEST_DATES, _MOST_DATES = 2, 8


def base_table(
    log: EventLog,
    *,
    as_of: Sequence[date] | None = None,
    horizon: Horizon = YEAR,
    groups: Sequence[str] = RUN_FEATURES,
    targets: Literal["horizon", "none"] = "horizon",
    known_until: date | None = None,
    gap: int = 0,
    n_folds: int = 5,
    seed: int = 0,
) -> BaseTable:
    """One row per customer × as_of: what was known then, and net cash and purchases after it.

    Parameters
    ----------
    as_of : first unknown days, in any order; default: those that the history allows
    horizon : length of the targets' window, which begins at as_of
    groups : feature groups and attributes; 'all' is every group
    known_until : first day of which the log tells nothing; default: the day after its last event.
        A target whose window ends later is empty and not observed; no row is dropped
    gap : days by which a target must be over before the date that it may teach: where rows are
        learned late, its last days change for a while
    n_folds : blocks of customers
    seed : of the blocks

    Raises
    ------
    FutureEventError : an as_of after known_until
    EventSchemaError : an as_of at which nothing was known yet
    NotEnoughDataError : no days named, and the history allows none with this horizon
    """
    wanted = groups_meant(log, groups)
    if n_folds < 1:
        raise SettingsError(f"at least 1 block of customers is needed; {n_folds} given.")
    asked = _asked(as_of)
    end = end_of_knowledge(log, known_until, asked.dates, horizon)
    judge = take_snapshot(log.compact(), as_of=end)
    notes = [*asked.notes, *late_notes(log, end)]
    if asked.dates is None:
        dates, told = _allowed(judge, horizon)
        notes.append(told)
    else:
        dates = asked.dates
    _one_date_only(log, dates)
    parts = []
    for number, day in enumerate(dates):
        known = take_snapshot(judge.events, as_of=day, features=wanted)
        part = known.customers.with_columns(
            as_of=pl.lit(day), time_block=pl.lit(number, dtype=pl.Int32)
        )
        parts.append(part if targets == "none" else _judged(part, known, judge, horizon))
    rows = pl.concat(parts)
    features = tuple(
        name for name in known.customers.columns if name not in ("customer_id", "first_day")
    )
    rows = with_blocks(float32_safe(rows, features), n_folds=n_folds, seed=seed)
    columns = ["customer_id", "as_of", "first_day", *features]
    warnings = []
    if targets == "horizon":
        rows = with_purge(rows, gap=gap)
        columns += ["target_cash", "target_purchases", "observed", "label_end"]
        columns += ["overlaps", "train_from"]
        warnings = _warnings(rows, dates, horizon, end)
    frame = rows.select(*columns, "weight", "fold", "time_block")
    return BaseTable(
        frame,
        features,
        describe_columns(frame, wanted, _targets(horizon)),
        "dates" if log.observation_date is None else "one date",
        end,
        tuple(notes),
        tuple(warnings),
    )


@dataclass(frozen=True)
class _Asked:
    dates: tuple[date, ...] | None
    notes: tuple[str, ...] = ()


def _asked(as_of: Sequence[date] | None) -> _Asked:
    if as_of is None:
        return _Asked(None)
    if not as_of:
        raise SettingsError(
            "0 as-of dates were given.\nTo mend: name at least one, or leave them out for those "
            "that the history allows."
        )
    dates, notes = tuple(sorted(set(as_of))), []
    if len(dates) < len(as_of):
        notes.append(f"{len(as_of)} as-of dates were given, {len(dates)} of them different.")
    if list(dict.fromkeys(as_of)) != list(dates):
        notes.append("the as-of dates were put in order, earliest first.")
    return _Asked(dates, tuple(notes))


def end_of_knowledge(
    log: EventLog,
    known_until: date | None,
    dates: Sequence[date] | None = None,
    horizon: Horizon | None = None,
) -> date:
    """The first day of which the log tells nothing, after checking that no date lies beyond it.

    Raises
    ------
    FutureEventError : known_until lies after a cut of the log, or a date after known_until
    """
    end = known_until or log.cut or log.next_day()
    if log.cut is not None and end > log.cut:
        raise FutureEventError(f"this log is cut at {log.cut}; it knows nothing of {end}.")
    if known_until is None and log.observation_date is not None and horizon is not None:
        # Why: of one date it is known that the outcome is whole; who has no event paid nothing.
        end = max(end, log.observation_date + timedelta(days=math.ceil(horizon.days)))
    late = [day for day in dates or () if day > end]
    if late:
        raise FutureEventError(
            f"the log tells nothing from {end} on, so nobody can be seen as of "
            f"{', '.join(map(str, late))}: days without events would be taken for silence.\n"
            f"To mend: choose dates up to {end}; or, if the log is complete to a later day and "
            "merely quiet at its end, say so with known_until (--known-until)."
        )
    return end


def late_notes(log: EventLog, end: date) -> list[str]:
    """What to know of targets where rows are learned late."""
    if not log.has_known_time:
        return []
    return [
        f"targets are as known at {end}, with what was learned after their windows; `gap` (--gap) "
        "keeps days between a target and the dates that it may teach."
    ]


def _allowed(judge: Snapshot, horizon: Horizon) -> tuple[tuple[date, ...], str]:
    found = rewound_origins(judge, horizon, n_min=_FEWEST_DATES, n_max=_MOST_DATES)
    if not found.exact:
        raise NotEnoughDataError(
            f"the history before {judge.as_of} allows no {_FEWEST_DATES} as-of dates with "
            f"{horizon} after each; it would with {found.horizon}.\n"
            f"To mend: ask for a horizon of {found.horizon}, or name the dates yourself: outcomes "
            "that are not over yet are then marked as not observed."
        )
    return found.origins, f"the as-of dates are those that the history allows: {found.reason}"


def _one_date_only(log: EventLog, dates: Sequence[date]) -> None:
    observed = log.observation_date
    if observed is not None and set(dates) - {observed}:
        raise SettingsError(
            f"everybody was observed on {observed}; there is no other as-of date.\n"
            "To mend: leave the dates out."
        )


def _judged(part: pl.DataFrame, known: Snapshot, judge: Snapshot, horizon: Horizon) -> pl.DataFrame:
    """The customers with their targets; empty where the horizon is not over for the judge."""
    end = known.as_of + timedelta(days=math.ceil(horizon.days))
    if end <= judge.as_of:
        outcome = observe_outcome(judge, known, horizon)
        cash, purchases = pl.Series(outcome.total), pl.Series(outcome.total_purchases)
    else:
        cash = purchases = pl.Series(np.full(len(part), np.nan)).fill_nan(None)
    return part.with_columns(
        target_cash=cash,
        target_purchases=purchases,
        observed=pl.lit(end <= judge.as_of),
        label_end=pl.lit(end),
    )


def _warnings(rows: pl.DataFrame, dates: Sequence[date], horizon: Horizon, end: date) -> list[str]:
    latest = end - timedelta(days=math.ceil(horizon.days))
    open_dates = [day for day in dates if day > latest]
    if len(open_dates) == len(dates):
        return [
            f"no row has a known outcome: {horizon} after every as-of date end later than {end}, "
            f"when the log ends. Dates up to {latest} would have one, or a shorter horizon."
        ]
    found = []
    if open_dates:
        found.append(
            f"the targets of {', '.join(map(str, open_dates))} are not over by {end}; their rows "
            "are kept with observed = false."
        )
    if len(dates) > 1 and not rows["train_from"].is_not_null().any():
        found.append(
            f"no row may teach a later date: all as-of dates lie within {horizon} of each other. "
            "Judge only by customers (fold), or choose dates further apart."
        )
    else:
        length = timedelta(days=math.ceil(horizon.days))
        close = [(a, b) for a, b in pairwise(dates) if a + length > b]
        if close:
            listed = ", ".join(f"{a} ({(a + length - b).days} days past {b})" for a, b in close)
            found.append(
                f"label windows reach past the next as-of date, from {listed}; such rows must not "
                "teach it: see `train_from`."
            )
    return found


def _targets(horizon: Horizon) -> dict[str, tuple[str, str]]:
    window = f"in the {horizon} from as_of on"
    return {
        "target_cash": ("target", f"net cash {window}; a refund counts on its own day"),
        "target_purchases": ("target", f"days with a counted purchase {window}"),
    }
