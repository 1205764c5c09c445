"""Timeline: the days of customers as running sums, so that any as_of is read off at two edges.

Where no news comes late, what a day looks back on is the same at every later as_of. The sums of a
log are then made once, and a snapshot of any day is a difference for each customer and column,
however many days there are.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from patronage.snapshots.grains.added import DAYS_WITH
from patronage.snapshots.grains.by_day import ByDay, narrowed, running, wide_enough

__all__ = ["Timeline"]


def _any_of(columns: tuple[str, ...]) -> Callable[[Mapping[str, Any]], Any]:
    return lambda day: reduce(np.logical_or, [day[name] > 0 for name in columns])


# Days that are counted → whether the columns of one make it such a day.
_COUNTED: Final[Mapping[str, Callable[[Mapping[str, Any]], Any]]] = {
    **{name: _any_of(columns) for name, columns in DAYS_WITH.items()},
    "purchase_days": lambda day: day["purchases"] > 0,
    "refund_days": lambda day: day["cash"] < day["spent"],
}
# Their sums are places in a list, the same ones for all customers.
_LISTED: Final = ("buying_days", "purchase_days")


@dataclass(frozen=True)
class Timeline:
    """The days with an event of some customers, in the order of customers and days.

    Attributes
    ----------
    customer_id : the customers, sorted
    arrays : name → one dimension:
        first : row of the first day of each customer, and the number of rows
        day : of each row, in days since 1970
        a column of ADDED that occurs, or days counted : its sum over all rows before each edge
        between rows; money in ten-thousandths
        first_time : first instant of the purchases of each row, in microseconds; only with clocks
        at_buying_days, at_purchase_days : the rows that are such
        gap : of each buying day, the days since the one before it; 0: it is the first
        sd_gap : of each buying day, the standard deviation of the gaps so far; NaN: too few
        buying_spent : money of all buying days before each edge between them
    """

    customer_id: pl.Series
    arrays: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, rows: ByDay) -> "Timeline":
        """From the rows of days, each of which is known with all that it holds."""
        n_rows = len(rows.keys)
        day = rows.keys["event_day"].to_physical()
        arrays: dict[str, np.ndarray] = {
            "first": rows.first.astype(np.int32),
            "day": day.to_numpy().astype(_width(day.to_numpy())),
        }
        values = _Differences(rows.sums, n_rows)
        listed: dict[str, np.ndarray] = {}
        for name, meets in _COUNTED.items():
            is_one = meets(values)
            if name not in _LISTED:
                arrays[name] = narrowed(running(is_one), rows.first)
                continue
            listed[name] = is_one
            # Why looked for: most purchases cost something, and the two lists are one then.
            same = next(other for other, met in listed.items() if np.array_equal(met, is_one))
            if same == name:
                arrays[name] = running(is_one)
                arrays[f"at_{name}"] = np.flatnonzero(is_one).astype(np.int32)
            else:
                arrays[name], arrays[f"at_{name}"] = arrays[same], arrays[f"at_{same}"]
        at = arrays["at_buying_days"]
        spent = values["spent"]
        arrays["buying_spent"] = running(spent[at]).astype(spent.dtype)
        gap = rows.gaps(at)
        arrays["gap"] = gap.astype(_width(gap))
        arrays["sd_gap"] = _running_sd(gap)
        if rows.first_time is not None:
            arrays["first_time"] = rows.first_time
        arrays |= dict.fromkeys(("spent", "cash"), np.zeros(n_rows + 1, np.int64))
        arrays |= rows.sums
        return cls(rows.keys["customer_id"].gather(rows.first[:-1]), arrays)

    def save(self, folder: Path) -> None:
        """Write it down in a folder of its own; what has two names is written once."""
        folder.mkdir()
        self.customer_id.to_frame().write_ipc(folder / "customers.arrow")
        files: dict[int, str] = {}
        for name, array in self.arrays.items():
            if id(array) not in files:
                files[id(array)] = f"{name}.npy"
                np.save(folder / f"{name}.npy", array)
        named = {name: files[id(array)] for name, array in self.arrays.items()}
        (folder / "arrays.json").write_text(json.dumps(named))

    @classmethod
    def load(cls, folder: Path) -> "Timeline":
        """What `save` wrote; only what is asked of it is read."""
        customers = pl.read_ipc(folder / "customers.arrow")
        files = json.loads((folder / "arrays.json").read_text())
        return cls(customers["customer_id"], _Saved(folder, files))


class _Saved(Mapping[str, np.ndarray]):
    """Arrays in a folder, mapped into memory when they are first read."""

    def __init__(self, folder: Path, files: Mapping[str, str]) -> None:
        self._folder, self._files = folder, files
        self._mapped: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        file = self._files[name]
        if file not in self._mapped:
            self._mapped[file] = np.asarray(np.load(self._folder / file, mmap_mode="r"))
        return self._mapped[file]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


class _Differences(dict[str, np.ndarray]):
    """The values of each row, from their running sums; 0 where a column does not occur."""

    def __init__(self, sums: Mapping[str, np.ndarray], n_rows: int) -> None:
        super().__init__()
        self._sums, self._nothing = sums, np.zeros(n_rows, np.int64)

    def __missing__(self, name: str) -> np.ndarray:
        values = np.diff(self._sums[name]) if name in self._sums else self._nothing
        return self.setdefault(name, np.asarray(values))


def _width(values: Int[np.ndarray, " n"]) -> np.dtype[np.signedinteger]:
    return wide_enough(max(int(values.max(initial=0)), -int(values.min(initial=0))))


def _running_sd(gap: Int[np.ndarray, " days"]) -> Float[np.ndarray, " days"]:
    """Updated gap by gap, for all customers at once, as engines do that go from row to row."""
    starts = np.flatnonzero(gap == 0)
    n_gaps = np.diff(np.append(starts, len(gap))) - 1
    most_first = np.argsort(-n_gaps, kind="stable")
    starts, n_gaps = starts[most_first], n_gaps[most_first]
    found = np.full(len(gap), np.nan)
    mean, squares = np.zeros(len(starts)), np.zeros(len(starts))
    for k in range(1, int(n_gaps[0]) + 1 if len(n_gaps) else 0):
        n = int(np.searchsorted(-n_gaps, -k, side="right"))
        at = starts[:n] + k
        x = gap[at]
        before = mean[:n]
        after = before + (x - before) / k
        squares[:n] += (x - after) * (x - before)
        mean[:n] = after
        if k > 1:
            found[at] = np.sqrt(squares[:n] / (k - 1))
    return found
