"""Base tables as files: the table, its dictionary, what was selected and how it came about."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from patronage.errors import SettingsError
from patronage.evaluate import OneShot, one_shot
from patronage.evaluate.one_shot import SPLITS
from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.jobs.folders import make_folder
from patronage.jobs.progress import Progress, silent
from patronage.models.base_tables import AGES, YEAR, BaseTable, base_table, base_table_by_age
from patronage.models.selection import Selection, SelectionSettings, select
from patronage.scoring import write_scores
from patronage.snapshots import RUN_FEATURES

__all__ = ["FeatureSettings", "FeatureTables", "make_features"]

_TARGETS: Final = ("horizon", "age", "none")
_FORMS: Final = ("parquet", "csv")


@dataclass(frozen=True)
class FeatureSettings:
    """What a base table is to hold.

    Attributes
    ----------
    as_of : first unknown days; by age at most one; None: those that the history allows
    horizon, groups, known_until, gap, n_folds, seed : as in `base_table`
    targets : after each date, of each life ('age'), or 'none'
    ages, age_end : as in `base_table_by_age`
    split : one split into parts beside the folds; None: none
    selection : leave out features that tell nothing; None: keep all
    """

    as_of: tuple[date, ...] | None = None
    horizon: Horizon = YEAR
    groups: tuple[str, ...] = RUN_FEATURES
    targets: str = "horizon"
    ages: tuple[int, ...] = AGES
    age_end: int = 365
    split: str | None = None
    selection: SelectionSettings | None = None
    known_until: date | None = None
    gap: int = 0
    n_folds: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.targets not in _TARGETS:
            raise SettingsError(
                f"no targets {self.targets!r}.\nTo mend: one of {', '.join(_TARGETS)}."
            )
        if self.targets == "age" and self.as_of is not None and len(set(self.as_of)) != 1:
            raise SettingsError(
                f"by age there is one as_of, the first day that nothing is known of; "
                f"{len(self.as_of)} given.\nTo mend: name one, or leave it out."
            )
        if self.split is not None and self.split not in SPLITS:
            raise SettingsError(
                f"no split {self.split!r}.\nTo mend: one of {', '.join(SPLITS)}, or none."
            )
        if self.targets == "none" and (self.split or self.selection):
            raise SettingsError(
                "without targets there is nothing to split or select by.\n"
                "To mend: targets 'horizon' or 'age', or neither --split nor --select."
            )


@dataclass(frozen=True)
class FeatureTables:
    """A base table and all that is told of it.

    Attributes
    ----------
    table : with the features kept
    split, selection : where asked for
    summary : rows, dates, purge, parts, notes and warnings
    """

    table: BaseTable
    split: OneShot | None
    selection: Selection | None
    summary: dict[str, Any]

    def write(self, out: Path, *, form: str = "parquet") -> Path:
        """Write table.parquet or table.csv, dictionary.csv, summary.json and selection.csv.

        Raises
        ------
        SettingsError : another form, or a place where one may not write
        """
        path = make_folder(out) / f"table.{checked_form(form)}"
        write_scores(self.table.frame, path)
        write_scores(self.table.dictionary, out / "dictionary.csv")
        if self.selection is not None:
            write_scores(self.selection.report, out / "selection.csv")
        text = json.dumps(self.summary, indent=2, default=str)
        (out / "summary.json").write_text(text + "\n", encoding="utf-8")
        return path


def checked_form(form: str) -> str:
    """'parquet' or 'csv'; anything else is refused."""
    if form not in _FORMS:
        raise SettingsError(f"no format {form!r}.\nTo mend: 'parquet' or 'csv'.")
    return form


def make_features(
    log: EventLog, settings: FeatureSettings, *, progress: Progress = silent
) -> FeatureTables:
    """Make the table, part it and select its features, as the settings ask."""
    progress("making the table", 0.0)
    table = _table(log, settings)
    progress("making the table", 1.0)
    split = selection = None
    if settings.split is not None:
        split = one_shot(table, split=settings.split, seed=settings.seed)
    if settings.selection is not None:
        progress("selecting features", 0.0)
        selection = _select(table, split, settings)
        progress("selecting features", 1.0)
    summary = _summary(log, table, settings, split, selection)
    return FeatureTables(_final(table, split, selection), split, selection, summary)


def _table(log: EventLog, settings: FeatureSettings) -> BaseTable:
    if settings.targets == "age":
        return base_table_by_age(
            log,
            ages=settings.ages,
            age_end=settings.age_end,
            as_of=settings.as_of[0] if settings.as_of else None,
            known_until=settings.known_until,
            groups=settings.groups,
            gap=settings.gap,
            n_folds=settings.n_folds,
            seed=settings.seed,
        )
    return base_table(
        log,
        as_of=settings.as_of,
        horizon=settings.horizon,
        groups=settings.groups,
        targets="none" if settings.targets == "none" else "horizon",
        known_until=settings.known_until,
        gap=settings.gap,
        n_folds=settings.n_folds,
        seed=settings.seed,
    )


def _select(table: BaseTable, split: OneShot | None, settings: FeatureSettings) -> Selection:
    """Learned on the rows of the part to learn from, or on all where there are no parts."""
    rows = np.ones(len(table.frame), bool)
    if split is not None:
        rows = np.asarray((split.part == "train").to_numpy())
    return select(
        table.matrix()[rows],
        table.numeric,
        table.target()[rows],
        fold=table.frame["fold"].to_numpy()[rows],
        time_block=table.frame["time_block"].to_numpy()[rows],
        settings=settings.selection,
        seed=settings.seed,
    )


def _final(table: BaseTable, split: OneShot | None, selection: Selection | None) -> BaseTable:
    """The table without the features that fell, and with the parts; texts are never dropped."""
    if selection is not None:
        table = table.without(set(table.numeric) - set(selection.kept))
        if selection.components is not None:
            values = selection.components.transform(table.matrix(selection.kept))
            table = table.with_components(values)
    return table if split is None else table.with_part(split.part, split.split)


def _summary(
    log: EventLog,
    table: BaseTable,
    settings: FeatureSettings,
    split: OneShot | None,
    selection: Selection | None,
) -> dict[str, Any]:
    """All that a reader must know of the table, as it goes to summary.json."""
    quality, frame = log.quality, table.frame
    found: dict[str, Any] = {
        "warnings": [
            *table.warnings,
            *([split.label] if split and split.split == "random" else []),
        ],
        "notes": [*table.notes, *(selection.notes if selection else ())],
        "events": {
            "rows_read": quality.n_rows_read,
            "rows_used": quality.n_rows_used,
            "rows_set_aside": quality.n_rows_quarantined,
            "reasons": dict(quality.quarantined),
        },
        "rows": len(frame),
        "customers": frame["customer_id"].n_unique(),
        "set_aside": dict(table.set_aside),
        "known_until": table.known_until,
        "currency": log.currency,
        "groups": list(settings.groups),
        "seed": settings.seed,
    }
    if settings.targets == "age":
        found |= {"ages": sorted(set(settings.ages)), "age_end": settings.age_end}
    if settings.targets == "horizon":
        found["horizon"] = str(settings.horizon)
    found["blocks"] = _blocks(frame)
    if settings.targets != "none":
        observed = int(table.observed.sum())
        found |= {
            "rows_observed": observed,
            "rows_not_observed": len(frame) - observed,
            "purge": {
                "gap_days": settings.gap,
                "rows_overlapping": int(frame["overlaps"].sum()),
                "folds": [
                    {"test_from": f.start, "train": int(f.train.sum()), "test": int(f.test.sum())}
                    for f in table.folds()
                ],
            },
        }
    if split is not None:
        found["split"] = {
            "how": split.split,
            "label": split.label,
            "validation_from": split.starts and split.starts[0],
            "test_from": split.starts and split.starts[1],
            "rows": split.counts(),
        }
    if selection is not None:
        found["selection"] = {
            "learned_on": selection.n_rows,
            "of": "the rows of part 'train'" if split else "all rows with a known target",
            "kept": len(selection.kept),
            "dropped": len(selection.report) - len(selection.kept),
            "components": []
            if selection.components is None
            else selection.components.share.tolist(),
        }
    return found


def _blocks(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Per block of time: first and last as_of, rows, and how many have a known outcome."""
    columns = [
        pl.col("as_of").min().alias("first_as_of"),
        pl.col("as_of").max().alias("last_as_of"),
        pl.len().alias("rows"),
    ]
    if "observed" in frame.columns:
        columns += [pl.col("observed").sum(), pl.col("overlaps").sum()]
    return frame.group_by("time_block").agg(columns).sort("time_block").to_dicts()
