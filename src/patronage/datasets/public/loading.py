"""Public data sets by name."""

import difflib
from pathlib import Path

import polars as pl

from patronage.datasets.public.finding import find_file
from patronage.datasets.public.frames import FRAMES
from patronage.datasets.public.info import DATASETS, DatasetInfo
from patronage.datasets.public.one_date import CUSTOMERS
from patronage.errors import SettingsError
from patronage.events import EventLog

__all__ = ["dataset_info", "load_dataset", "open_dataset"]


def dataset_info(name: str) -> DatasetInfo:
    """What is known of a set."""
    if name not in DATASETS:
        close = difflib.get_close_matches(name, DATASETS, n=3, cutoff=0.4)
        raise SettingsError(
            f"{name!r} is no data set; known: {', '.join(DATASETS)}.\n"
            f"To mend: {'did you mean ' + ' or '.join(map(repr, close)) if close else 'take one'}."
        )
    return DATASETS[name]


def load_dataset(name: str, *, folder: Path | None = None) -> pl.DataFrame:
    """The events of a public set, cleaned as its `notes` say, under the names the public knows.

    `DATASETS[name].columns` says which column of the event log each of them is.

    Parameters
    ----------
    name : in DATASETS
    folder : where the file is or shall be; else $PATRONAGE_DATA, then the cache

    Raises
    ------
    SettingsError : no such set
    DatasetError : its file is nowhere and cannot be had, or is not what it should be
    """
    info = dataset_info(name)
    return FRAMES[info.name](find_file(info, folder))


def open_dataset(name: str, *, folder: Path | None = None) -> EventLog:
    """The event log of a public set; the arguments and errors of `load_dataset`.

    A set with one date of observation brings its customers table, and is marked as such.
    """
    info = dataset_info(name)
    path = find_file(info, folder)
    return EventLog.from_frame(
        FRAMES[name](path),
        currency=info.currency,
        columns=info.columns,
        customers=CUSTOMERS[name](path) if name in CUSTOMERS else None,
        observation_date=info.as_of if info.one_observation_date else None,
    )
