"""Base tables by age: what was known on a day of a customer's life, and what the life came to."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from patronage.errors import SettingsError
from patronage.events import EventLog
from patronage.models.base_tables.blocks import with_blocks, with_purge
from patronage.models.base_tables.by_date import end_of_knowledge, late_notes
from patronage.models.base_tables.dictionary import describe_columns, groups_meant
from patronage.models.base_tables.table import BaseTable, float32_safe
from patronage.snapshots import (
    RUN_FEATURES,
    AlignedLog,
    align,
    has_age,
    is_attribute,
    take_snapshot,
)

__all__ = ["AGES", "base_table_by_age"]

AGES: Final = (1, 7, 30, 90)
# Equally many customers by first day; the later are judged by what the earlier taught.
_COHORTS: Final = 8


def base_table_by_age(
    log: EventLog,
    *,
    ages: Sequence[int] = AGES,
    age_end: int = 365,
    as_of: date | None = None,
    groups: Sequence[str] = RUN_FEATURES,
    known_until: date | None = None,
    gap: int = 0,
    n_folds: int = 5,
    seed: int = 0,
) -> BaseTable:
    """One row per customer and age: what was known at that age, and the value to `age_end`.

    Age 1 is what the day of the first purchase told. A customer who has not yet reached `age_end`
    is kept, not observed, with what is known so far and up to which age. Every such customer has
    one further row at the age of today, for scoring.

    Parameters
    ----------
    ages : days of life after which to look, in any order
    age_end : the target is of the days from the age to this one
    as_of : first unknown day of the calendar, which nothing looks beyond; default: known_until
    groups : feature groups and attributes that can be told of an age; 'all' is every such group
    gap : as in `base_table`
    known_until : first day of which the log tells nothing; default: the day after its last event

    Raises
    ------
    SettingsError : ages outside 1 to age_end − 1, a group that is of the calendar, or a set with
        one date of observation
    FutureEventError : as_of lies after the end of the log
    """
    if log.observation_date is not None:
        raise SettingsError(
            f"everybody was observed on {log.observation_date}; of such a set no other day of any "
            "life is known.\nTo mend: targets='horizon'."
        )
    looked = _checked(ages, age_end)
    wanted, left_out = _of_age(log, groups)
    today = end_of_knowledge(log, known_until, () if as_of is None else (as_of,))
    aligned = align(log, as_of=as_of or today)
    parts, late = [], 0
    for age in looked:
        known = aligned.at_age(age, wanted)
        late += int((aligned.births["age"] >= age).sum()) - len(known.customers)
        parts.append(_at(known.customers, pl.lit(age, dtype=pl.Int64)))
    current = _today(log, aligned, looked, age_end, wanted)
    features = tuple(name for name in parts[0].columns if name not in ("customer_id", "age"))
    rows = pl.concat([*parts, current.select(parts[0].columns)])
    is_today = pl.Series(np.arange(len(rows)) >= len(rows) - len(current))
    rows = _with_cohorts(rows.with_columns(is_today=is_today), aligned.births)
    rows = _with_targets(rows, aligned, looked, age_end)
    rows = with_blocks(float32_safe(rows, features), n_folds=n_folds, seed=seed)
    rows = with_purge(rows, gap=gap)
    frame = rows.sort("age", "customer_id").select(
        *("customer_id", "age", "is_today", "as_of", "first_day", *features),
        *("target_cash", "target_purchases", "target_life_cash", "observed"),
        *("known_age", "known_cash", "known_purchases", "label_end", "overlaps", "train_from"),
        *("weight", "fold", "time_block"),
    )
    warnings = []
    if not frame["observed"].any():
        warnings.append(
            f"no customer has reached day {age_end} of life by {aligned.as_of}: no target is known "
            f"to its end. The oldest is {int(aligned.births['age'].to_numpy().max())} days old."
        )
    started = (
        f"the log begins on {log.first_day()}: whoever "
        "had bought before it is taken to begin with the first purchase in it."
    )
    return BaseTable(
        frame,
        features,
        describe_columns(frame, wanted, _meanings(age_end)),
        "ages",
        aligned.as_of,
        notes=(started, *left_out, *late_notes(log, aligned.as_of)),
        warnings=tuple(warnings),
        set_aside=(("not known to be a buyer at that age", late),) if late else (),
    )


def _of_age(log: EventLog, groups: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """The groups that can be told of an age, and a note of those that 'all' would have meant."""
    meant = groups_meant(log, groups)
    dated = [name for name in meant if not is_attribute(name) and not has_age(name)]
    asked = [name for name in dated if name in groups]
    if asked:
        raise SettingsError(
            f"the feature groups {asked} are of the calendar or of everybody, and an age has no "
            "date.\nTo mend: leave them out, or make a table by dates."
        )
    note = f"left out, for an age has no date: {', '.join(dated)}."
    return tuple(name for name in meant if name not in dated), [note] if dated else []


def _checked(ages: Sequence[int], age_end: int) -> list[int]:
    looked = sorted(set(ages))
    if not looked or looked[0] < 1 or looked[-1] >= age_end:
        raise SettingsError(
            f"ages are whole days from 1 to {age_end - 1}, before the end of the target at day "
            f"{age_end}; {', '.join(map(str, ages)) or 'none'} given.\n"
            "To mend: for example ages 1, 7, 30, 90 with a target to day 365."
        )
    return looked


def _at(customers: pl.DataFrame, age: pl.Expr) -> pl.DataFrame:
    return customers.drop("first_day", "is_buyer").with_columns(age.alias("age"))


def _today(
    log: EventLog, aligned: AlignedLog, ages: Sequence[int], age_end: int, groups: Sequence[str]
) -> pl.DataFrame:
    """Customers whose life is not over `age_end` yet, as known today; a plain snapshot has them."""
    young = aligned.births.filter((pl.col("age") < age_end) & ~pl.col("age").is_in(ages))
    known = take_snapshot(log, as_of=aligned.as_of, features=groups).customers
    mine = known.join(young.select("customer_id", "age"), "customer_id", maintain_order="left")
    return _at(mine, pl.col("age"))


def _with_cohorts(rows: pl.DataFrame, births: pl.DataFrame) -> pl.DataFrame:
    """The rows with the real first_day and as_of, and time_block by first day."""
    days = births["first_day"].sort()
    cuts = days.gather([len(days) * k // _COHORTS for k in range(1, _COHORTS)]).unique().sort()
    block = np.searchsorted(
        cuts.to_numpy().astype("datetime64[D]"),
        births["first_day"].to_numpy().astype("datetime64[D]"),
        side="right",
    )
    whose = births.select("customer_id", "first_day", own_age="age").with_columns(
        time_block=pl.Series(block)
    )
    return rows.join(whose, "customer_id", maintain_order="left").with_columns(
        as_of=pl.col("first_day") + pl.duration(days="age"),
        time_block=(pl.col("time_block").rank("dense") - 1).cast(pl.Int32),
    )


def _with_targets(
    rows: pl.DataFrame, aligned: AlignedLog, ages: Sequence[int], age_end: int
) -> pl.DataFrame:
    """The rows with what came after their age up to age_end, as far as it is known."""
    wide = aligned.outcomes(ages, age_end)
    long = pl.concat(
        wide.select(
            "customer_id",
            age=pl.lit(age, dtype=pl.Int64),
            known_cash=f"cash_{age}",
            known_purchases=f"purchases_{age}",
        )
        for age in ages
    )
    life = wide.select("customer_id", life="cash_0")
    observed = pl.col("own_age") >= age_end
    joined = rows.join(long, ["customer_id", "age"], "left", maintain_order="left").join(
        life, "customer_id", "left", maintain_order="left"
    )
    # Of today's rows nothing is known yet: their window begins with the first unknown day.
    return joined.with_columns(pl.col("known_cash", "known_purchases").fill_null(0.0)).with_columns(
        observed=observed,
        known_age=pl.min_horizontal("own_age", pl.lit(age_end, dtype=pl.Int64)),
        label_end=pl.col("first_day") + pl.duration(days=age_end),
        target_cash=pl.when(observed).then("known_cash"),
        target_purchases=pl.when(observed).then("known_purchases"),
        target_life_cash=pl.when(observed).then("life"),
    )


def _meanings(age_end: int) -> dict[str, tuple[str, str]]:
    window = f"from the age to day {age_end} of life"
    return {
        "target_cash": ("target", f"net cash {window}; a refund counts on its own day"),
        "target_purchases": ("target", f"days with a counted purchase {window}"),
        "target_life_cash": ("target", f"net cash of the first {age_end} days of life"),
        "known_age": ("target", f"days of life that are known, at most {age_end}"),
        "known_cash": ("target", "net cash from the age to known_age; all of it where observed"),
        "known_purchases": ("target", "purchases from the age to known_age"),
    }
