"""EventLog: a handle on Parquet that SQL runs over; the one source of truth."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from patronage.engines import Engine, SparkEngine, default_engine, literal, parquet
from patronage.errors import EventSchemaError
from patronage.events.ledger import Ledger
from patronage.events.quality import QualityReport
from patronage.events.rates import Rates
from patronage.events.schema import KINDS, MEASURES
from patronage.events.tables import SideTables
from patronage.events.workspace import Workspace

__all__ = ["EventLog"]


@dataclass(frozen=True)
class EventLog:
    """Every event of every customer, in Parquet, with the meaning of its columns settled.

    Made by `read_events` (files, folders, addresses, databases) or `EventLog.from_frame`.

    Attributes
    ----------
    relation : SQL text of a SELECT that yields customer_id, event_time, known_time, kind, amount
        and whatever optional columns of `schema.EVENT_COLUMNS` are in `columns`
    columns : the columns that the relation yields
    currency : ISO 4217 code of `amount`; 'purchases' where the source has no money
    has_clock : some event carries a time of day; else a day is a point
    has_known_time : the source says when each row was learned; else known_time = event_time
    quality : rows read, used and set aside, and everything that was assumed
    tables : customers, products, links, calendar; joined only as known at an as_of
    kinds : kinds of event that may occur
    rated_kinds : kinds to whose events a rate table may give cash, so that all their amounts are
        cash; a day of them with cash counts as a purchase
    rates : the rate table that was applied; None: there was none
    cut : rows at or after this day, by either clock, are not seen
    observation_date : the one day at which every customer was observed, where there is no more
        (a mailing, a policy book): attributes before it, an outcome after; else None
    ledger : of the compacted log (see `ledger_sql`), once `compact` has made it
    elsewhere : the engine that runs the SQL over it; None: DuckDB
    """

    relation: str
    columns: tuple[str, ...]
    currency: str
    has_clock: bool
    has_known_time: bool
    quality: QualityReport
    tables: SideTables = field(default_factory=SideTables)
    kinds: tuple[str, ...] = KINDS
    rated_kinds: tuple[str, ...] = ()
    rates: Rates | None = field(default=None, repr=False, compare=False)
    cut: date | None = None
    observation_date: date | None = None
    ledger: Ledger | None = None
    elsewhere: Engine | None = field(default=None, repr=False, compare=False)
    # Why: the folder lives as long as any log that was made from it, and is then removed.
    workspace: Workspace | None = field(default=None, repr=False, compare=False)

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        currency: str | None = None,
        columns: Mapping[str, str] | None = None,
        **options: Any,
    ) -> "EventLog":
        """A log from a pandas, Polars or Arrow table; `options` are those of `read_events`."""
        from patronage.events.intake import read_events

        return read_events(frame, currency=currency, columns=columns, **options)

    @property
    def engine(self) -> Engine:
        """What runs the SQL over this log."""
        return self.elsewhere or default_engine()

    def on(self, engine: SparkEngine) -> "EventLog":
        """The same log, its SQL run on Spark.

        The source is read where it lies, if Spark reads it with the same meaning; else DuckDB
        writes the events down once, as Parquet in the log's own folder.
        """
        if self.ledger is not None:
            self.ledger.written(self.engine)
            return replace(self, elsewhere=engine)
        if engine.can_run(self.relation):
            return replace(self, elsewhere=engine)
        workspace = self.workspace or Workspace()
        path = default_engine().write(self.relation, workspace.path / "landed.parquet")
        relation = f"SELECT * FROM {parquet([path])}"
        return replace(self, elsewhere=engine, relation=relation, workspace=workspace)

    def before(self, as_of: date) -> "EventLog":
        """The log as known at `as_of`: both clocks strictly before it. The one cut there is."""
        cut = as_of if self.cut is None else min(as_of, self.cut)
        return replace(self, cut=cut, tables=self.tables.before(cut))

    def among(self, customer_id: pl.Series) -> "EventLog":
        """The log of some of the customers; their rows of the side tables with them."""
        workspace = self.workspace or Workspace()
        # Why a number of its own: logs of other customers may share the folder.
        path = workspace.path / f"among-{uuid.uuid4().hex}.parquet"
        wanted = customer_id.unique().sort().to_frame("customer_id")
        wanted.write_parquet(path)
        relation = (
            f"SELECT * FROM ({self.relation}) SEMI JOIN {parquet([path])} USING (customer_id)"
        )
        people = self.tables.customers
        if people is not None:
            people = people.join(wanted, on="customer_id", how="semi", maintain_order="left")
        some = replace(
            self,
            relation=relation,
            tables=replace(self.tables, customers=people),
            ledger=None,
            workspace=workspace,
        )
        return some if self.ledger is None else some.compact()

    def sql(self) -> str:
        """SQL text of the events known so far."""
        if self.cut is None:
            return self.relation
        bound = f"TIMESTAMP {literal(self.cut.isoformat())}"
        known = f" AND known_time < {bound}" if self.has_known_time else ""
        return f"SELECT * FROM ({self.relation}) WHERE event_time < {bound}{known}"

    @property
    def measures(self) -> tuple[str, ...]:
        """What the ledger adds up beside amounts, of `schema.MEASURES`."""
        return tuple(name for name, (column, *_) in MEASURES.items() if column in self.columns)

    def ledger_sql(self, *, by_event: bool = False) -> str:
        """SQL text of the ledger known so far.

        Columns customer_id, kind, event_day, known_day, n_events, amount, amount_min, amount_max,
        first_time, and the `measures` of the log. Before `compact` it has one row per event, after
        it one per customer × kind × event day × known day: the same sums either way, so every query
        runs over both.

        by_event : a row per event from the compacted log too, which is then not written
        """
        if self.ledger is None:
            more = "".join(f", {_measured(name)} AS {name}" for name in self.measures)
            source = f"SELECT {_ONE_ROW_PER_EVENT}{more} FROM ({self.sql()})"
            return source if self.has_known_time else _without_known_day(source)
        if by_event:
            rows = f"({self.ledger.events})"
        else:
            rows = parquet([self.ledger.written(self.engine)])
        if self.cut is None:
            return f"SELECT * FROM {rows}"
        bound = f"DATE {literal(self.cut.isoformat())}"
        return f"SELECT * FROM {rows} WHERE event_day < {bound} AND known_day < {bound}"

    def compact(self) -> "EventLog":
        """Have the ledger written once, so that many snapshots read it instead of the raw events.

        DuckDB writes it when it is first read: snapshots that read running sums never do.
        """
        if self.ledger is not None:
            return self
        workspace = self.workspace or Workspace()
        # Why: logs cut on different days share the folder, and each has a ledger of its own.
        path = workspace.path / f"ledger-{self.cut or 'whole'}-{uuid.uuid4().hex}.parquet"
        more = "".join(f", {_put_together(name)} AS {name}" for name in self.measures)
        # Why: each further key and aggregate costs what a pass over the events does.
        keys = ["customer_id", "kind", "event_day", *(["known_day"] * self.has_known_time)]
        known_day = "known_day" if self.has_known_time else "event_day AS known_day"
        first_time = "min(first_time)" if self.has_clock else "event_day::TIMESTAMP"
        events = self.ledger_sql()
        ledger = Ledger(
            path,
            events,
            f"""
            SELECT customer_id, kind, event_day, {known_day}, count(*) AS n_events,
                   sum(amount)::DECIMAL(18,4) AS amount, min(amount) AS amount_min,
                   max(amount) AS amount_max, {first_time} AS first_time{more}
            FROM ({events}) GROUP BY {", ".join(keys)}
            """,
        )
        if self.elsewhere is not None:
            ledger.written(self.elsewhere)
        return replace(self, ledger=ledger, workspace=workspace)

    def first_day(self) -> date:
        """Day of the first event known."""
        return self._day("min")

    def last_day(self) -> date:
        """Day of the last event known."""
        return self._day("max")

    def next_day(self) -> date:
        """The default as_of: the day after the last event (the next midnight UTC)."""
        return self.last_day() + timedelta(days=1)

    def _day(self, extreme: str) -> date:
        (found,) = self.engine.row(f"SELECT {extreme}(event_time) AS day FROM ({self.sql()})")
        if found is None:
            raise EventSchemaError(
                "the event log is empty"
                + (f" before {self.cut}" if self.cut else "")
                + f": {self.quality.n_rows_read} rows read, {self.quality.n_rows_used} usable.\n"
                "To mend: see `patronage doctor` for what was set aside and why."
            )
        return found.date() if isinstance(found, datetime) else found


_ONE_ROW_PER_EVENT = """
    customer_id, kind, event_time::DATE AS event_day, known_time::DATE AS known_day,
    1::BIGINT AS n_events, amount, amount AS amount_min, amount AS amount_max,
    event_time AS first_time"""


def _measured(measure: str) -> str:
    """SQL of a measure of one event."""
    _, one, _, kind = MEASURES[measure]
    return f"TRY_CAST({one} AS {kind})"


def _put_together(measure: str) -> str:
    """SQL of a measure over rows of the ledger."""
    _, _, how, kind = MEASURES[measure]
    return f"{how}({measure})::{kind}"


def _without_known_day(source: str) -> str:
    # Why: a second copy of the event day would be hashed in every GROUP BY of a plain log.
    return f"SELECT * REPLACE (event_day AS known_day) FROM ({source})"
