"""One split into train, validation and test, for those who want no more than one.

`backtest` judges at several days and is the better proof. Where one split must do, it is in time:
the parts follow each other, and no label window reaches into the next part.
"""

from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Shaped

from patronage.errors import NotEnoughDataError, SettingsError
from patronage.models.base_tables import BaseTable
from patronage.models.base_tables.blocks import places_of_customers

__all__ = ["PARTS", "SPLITS", "OneShot", "one_shot"]

SPLITS: Final = ("time", "time+customers", "customers", "random")
PARTS: Final = ("train", "validation", "test")
SHARES: Final = (0.70, 0.15, 0.15)
# Why another seed than that of `fold`: folds of customers within a part must cut across it.
_SALT: Final = 701515


@dataclass(frozen=True)
class OneShot:
    """A table's rows in three parts.

    Attributes
    ----------
    part : 'train', 'validation', 'test', or why a row is in none: 'purged' (its label window
        reaches into a later part), 'unobserved', 'another part' (its time and its customer
        belong to different parts)
    split : how it was made
    starts : first as_of of validation and of test; None where the split is not in time
    label : a sentence that belongs beside every number made with it
    """

    part: pl.Series
    split: str
    starts: tuple[date, date] | None
    label: str

    def counts(self) -> dict[str, int]:
        """Rows of each part, and of each reason to be in none."""
        found = dict(self.part.value_counts().iter_rows())
        return {name: found.pop(name, 0) for name in PARTS} | dict(sorted(found.items()))


def one_shot(table: BaseTable, *, split: str = "time", seed: int = 0) -> OneShot:
    """Part the rows 70 / 15 / 15.

    Parameters
    ----------
    split : 'time': earlier dates teach, later ones judge, and a customer may be in both;
        'time+customers': customers are disjoint as well; 'customers': for sets with one date,
        by customer alone; 'random': rows in any order, which tells the future of those learned
        from, and must be asked for by this name
    seed : of customers and of random rows

    Raises
    ------
    SettingsError : a split that does not exist or that this table does not allow
    NotEnoughDataError : a part would be empty
    """
    if split not in SPLITS:
        raise SettingsError(f"no split {split!r}.\nTo mend: one of {', '.join(SPLITS)}.")
    observed = table.observed
    part = np.where(observed, "another part", "unobserved").astype(object)
    starts = None
    by_customer = _drawn(table.frame["customer_id"], seed)
    if split == "random":
        order = np.random.default_rng(seed).permutation(np.flatnonzero(observed))
        edges = [0, *_edges(len(order)), len(order)]
        for name, low, high in zip(PARTS, edges[:-1], edges[1:], strict=True):
            part[order[low:high]] = name
    elif split == "customers":
        if table.split_by != "one date":
            raise SettingsError(
                "split='customers' is for sets with one observation date, and this table is not "
                "of one: customers share their time, so the future of those learned from would "
                "tell of those judged.\nTo mend: split='time', or 'time+customers'."
            )
        part[observed] = by_customer[observed]
    else:
        in_time, starts = _in_time(table)
        mine = observed & (in_time == by_customer) if split == "time+customers" else observed
        part[mine] = in_time[mine]
        part[observed & (in_time == "purged")] = "purged"
    found = OneShot(
        pl.Series("part", part.tolist(), dtype=pl.String), split, starts, _LABELS[split]
    )
    _check(found, table)
    return found


_LABELS: Final = {
    "time": "split in time, label windows purged; customers may be in several parts.",
    "time+customers": "split in time and by customer, label windows purged.",
    "customers": "split by customer, at one date.",
    "random": "RANDOM SPLIT: rows of one customer and of one time are on both sides, so numbers "
    "made with it are too good; they say nothing of a forecast.",
}


def _edges(n: int) -> tuple[int, int]:
    return round(SHARES[0] * n), round((SHARES[0] + SHARES[1]) * n)


def _drawn(customer_id: pl.Series, seed: int) -> Shaped[np.ndarray, " rows"]:
    """The part of each row's customer."""
    place = places_of_customers(customer_id, seed=seed + _SALT)
    return np.asarray(PARTS, dtype=object)[np.searchsorted(np.cumsum(SHARES)[:2], place, "right")]


def _in_time(table: BaseTable) -> tuple[Shaped[np.ndarray, " rows"], tuple[date, date]]:
    """The part of each row by its time, 'purged' included; first days of validation and test."""
    # Why blocks, not days: by age, whole cohorts belong together.
    first_days = table.frame.group_by("time_block").agg(pl.col("as_of").min())
    cells = (
        table.frame.filter("observed")
        .group_by("time_block", "train_from")
        .len()
        .join(first_days, "time_block")
    )
    starts = cells["as_of"].unique().sort().to_list()
    if len(starts) < len(PARTS):
        raise NotEnoughDataError(
            f"a split in time needs {len(PARTS)} dates with known outcomes, and this table has "
            f"{len(starts)}.\nTo mend: name more as-of dates, or a shorter horizon; for one date "
            "judge by `fold`, or ask for split='random' by its name."
        )
    n_rows = int(cells["len"].sum())

    def misses(begins: tuple[date, date]) -> tuple[int, float]:
        """Parts that would be empty, and rows by which all parts miss the shares asked."""
        parted = cells.group_by(part=_part(*begins)).agg(pl.col("len").sum())
        counts = dict(parted.iter_rows())
        found = [counts.get(part, 0) for part in PARTS]
        by = sum(abs(n - share * n_rows) for n, share in zip(found, SHARES, strict=True))
        return found.count(0), by

    begins = min(combinations(starts[1:], 2), key=misses)
    rows = table.frame.select("time_block", "train_from").join(
        first_days, "time_block", maintain_order="left"
    )
    return rows.select(_part(*begins)).to_series().to_numpy(), begins


def _part(validation: date, test: date) -> pl.Expr:
    """The part of a row, by the first day of its block (`as_of`) and `train_from`."""
    may_teach = pl.col("train_from").fill_null(date.max)
    return (
        pl.when(pl.col("as_of") >= test)
        .then(pl.lit("test"))
        .when(pl.col("as_of") >= validation)
        .then(pl.when(may_teach <= test).then(pl.lit("validation")).otherwise(pl.lit("purged")))
        .when(may_teach <= validation)
        .then(pl.lit("train"))
        .otherwise(pl.lit("purged"))
        .alias("part")
    )


def _check(found: OneShot, table: BaseTable) -> None:
    counts = found.counts()
    empty = [name for name in PARTS if not counts[name]]
    if not empty:
        return
    purged = counts.get("purged", 0)
    mend = "name more dates, or a log of more customers"
    if purged:
        mend = (
            "let targets end at an earlier age, or bring a longer history"
            if table.split_by == "ages"
            else "choose as-of dates at least the horizon apart, or a shorter horizon"
        )
    raise NotEnoughDataError(
        f"no row is left for {' and '.join(empty)}: of {len(table.frame)} rows {purged} were "
        f"purged because their label windows reach into a later part.\nTo mend: {mend}."
    )
