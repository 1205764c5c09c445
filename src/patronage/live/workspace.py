"""Workspace: what a run leaves behind to be served: log, side tables, economics, model."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from patronage.engines import parquet
from patronage.errors import ArtifactError
from patronage.events import EventLog
from patronage.events.quality import QualityReport
from patronage.events.rates import Rates
from patronage.events.tables import KEYS, SideTables
from patronage.live.spelling import Spelling
from patronage.snapshots import Snapshot
from patronage.value import Economics

__all__ = ["Workspace", "write_workspace"]

_DATA: Final = "serving"
_FILE: Final = "serving.json"
_EVENTS: Final = "events.parquet"
_ECONOMICS: Final = "economics.parquet"
_RATES: Final = "rates.parquet"


@dataclass(frozen=True)
class Workspace:
    """Of a run's folder, what a live service continues from.

    Attributes
    ----------
    folder : where it lies
    model : folder of the chosen model, below it
    as_of : the run's
    currency, columns, has_clock, has_known_time, kinds, rated_kinds : of the log
    whole_ids : customer ids are whole numbers
    margin, cac : one for all, or the mean that customers without one of their own take
    annual_discount_rate : effective
    high, medium : least CLV of the customers that were high, and at least medium, at the run
    large : purchases from this amount on are high-value ones
    n_events : in the log
    """

    folder: Path
    model: str
    as_of: date
    currency: str
    columns: tuple[str, ...]
    has_clock: bool
    has_known_time: bool
    kinds: tuple[str, ...]
    rated_kinds: tuple[str, ...]
    whole_ids: bool
    margin: float
    cac: float
    annual_discount_rate: float
    high: float
    medium: float
    large: float
    n_events: int

    @classmethod
    def open(cls, folder: Path) -> "Workspace":
        """Read what `write_workspace` wrote.

        Raises
        ------
        ArtifactError : it is not the folder of a run, or a file is missing or damaged
        """
        data = folder / _DATA
        path = data / _FILE
        if not path.is_file() or not (data / _EVENTS).is_file():
            raise ArtifactError(
                f"{folder} cannot be served: it has no {_DATA}/{_FILE} and {_DATA}/{_EVENTS}.\n"
                "To mend: give the --out folder of a `patronage run` of this version."
            )
        try:
            said = json.loads(path.read_text())
            for name in ("columns", "kinds", "rated_kinds"):
                said[name] = tuple(said[name])
            place = cls(folder, **{**said, "as_of": date.fromisoformat(said["as_of"])})
        except (TypeError, ValueError, KeyError) as error:
            raise ArtifactError(f"{path} cannot be read: {error}.") from error
        if place.rated_kinds and not (data / _RATES).is_file():
            raise ArtifactError(
                f"{folder} cannot be served: it lacks {_DATA}/{_RATES}, by which "
                f"{', '.join(place.rated_kinds)} got cash.\n"
                "To mend: run again, with this version."
            )
        return place

    @property
    def data(self) -> Path:
        """Where the log and what stands beside it lie."""
        return self.folder / _DATA

    def log(self) -> EventLog:
        """The run's log."""
        return EventLog(
            relation=f"SELECT * FROM {parquet([self.data / _EVENTS])}",
            columns=self.columns,
            currency=self.currency,
            has_clock=self.has_clock,
            has_known_time=self.has_known_time,
            quality=QualityReport(self.n_events, self.n_events),
            tables=self.tables(),
            kinds=self.kinds,
            rated_kinds=self.rated_kinds,
            rates=self.spelling.rates,
        )

    @cached_property
    def spelling(self) -> Spelling:
        """How events are to be spelled, and what those without an amount are worth."""
        path = self.data / _RATES
        rates = Rates(pl.read_parquet(path)) if self.rated_kinds else None
        return Spelling(self.whole_ids, self.has_clock, rates)

    def log_hash(self) -> str:
        """SHA-256 of what ledgers are begun with: the log's file, and which kinds are cash."""
        with (self.data / _EVENTS).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
        digest.update(" ".join(self.rated_kinds).encode())
        return digest.hexdigest()

    def tables(self) -> SideTables:
        """The side tables that the run had."""
        there = {name: self.data / f"{name}.parquet" for name in KEYS}
        return SideTables(
            **{name: pl.read_parquet(path) for name, path in there.items() if path.is_file()}
        )

    def own_economics(self) -> Mapping[Any, tuple[float, float]]:
        """customer_id → margin and cac, where they have their own."""
        path = self.data / _ECONOMICS
        if not path.is_file():
            return {}
        return {who: (margin, cac) for who, margin, cac in pl.read_parquet(path).iter_rows()}


def write_workspace(
    folder: Path, model: Path, snapshot: Snapshot, economics: Economics, scores: pl.DataFrame
) -> Workspace:
    """Write the log and what else serving needs into the folder of a run."""
    data = folder / _DATA
    data.mkdir(parents=True, exist_ok=True)
    log, ids = snapshot.events, snapshot.customers["customer_id"]
    # Why by all: the same events make the same file, so that a store goes on with them.
    order = ", ".join(f'"{name}"' for name in log.columns)
    log.engine.write(f"SELECT * FROM ({log.sql()}) ORDER BY {order}", data / _EVENTS)
    for name in KEYS:
        _write(getattr(log.tables, name), data / f"{name}.parquet")
    _write(None if log.rates is None else log.rates.table, data / _RATES)
    margins, cacs = economics.per_customer_margin(len(ids)), economics.per_customer_cac(len(ids))
    differ = isinstance(economics.margin, np.ndarray) or isinstance(economics.cac, np.ndarray)
    own = pl.DataFrame({"customer_id": ids, "margin": margins, "cac": cacs}) if differ else None
    _write(own, data / _ECONOMICS)
    (large, n_events) = log.engine.row(
        "SELECT coalesce(quantile_disc(amount, 0.99) FILTER (kind = 'purchase' AND amount > 0), 0)"
        f"::DOUBLE, count(*) FROM ({log.sql()})"
    )
    workspace = Workspace(
        folder=folder,
        model=str(model.relative_to(folder)),
        as_of=snapshot.as_of,
        currency=log.currency,
        columns=log.columns,
        has_clock=log.has_clock,
        has_known_time=log.has_known_time,
        kinds=log.kinds,
        rated_kinds=log.rated_kinds,
        whole_ids=ids.dtype.is_integer(),
        margin=float(np.mean(margins)),
        cac=float(np.mean(cacs)),
        annual_discount_rate=economics.annual_discount_rate,
        high=_least(scores, ("high",)),
        medium=_least(scores, ("high", "medium")),
        large=float(large),
        n_events=int(n_events),
    )
    told = {name: value for name, value in asdict(workspace).items() if name != "folder"}
    (data / _FILE).write_text(json.dumps(told, indent=2, default=str) + "\n")
    return workspace


def _write(table: pl.DataFrame | None, path: Path) -> None:
    # Why remove: the folder may have been run into before, with a table more.
    if table is None:
        path.unlink(missing_ok=True)
    else:
        table.write_parquet(path)


def _least(scores: pl.DataFrame, segments: tuple[str, ...]) -> float:
    found = scores.filter(pl.col("segment").is_in(segments))["clv"].to_list()
    return float(min(found)) if found else 0.0
