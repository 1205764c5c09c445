"""read_events: the door through which every table of events comes in."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from patronage.engines import default_engine, parquet
from patronage.errors import EventSchemaError
from patronage.events.amounts import UNWRITTEN, product_of, read_number
from patronage.events.audit import Facts, look, write_quarantine
from patronage.events.currencies import settle_currency
from patronage.events.customer_ids import read_ids
from patronage.events.duplicates import drop_equal_rows, find_duplicates, set_repeats_aside
from patronage.events.kinds import read_kinds
from patronage.events.landing import land_frame, land_source
from patronage.events.log import EventLog
from patronage.events.matching import Match, match_columns
from patronage.events.plan import Plan
from patronage.events.quality import QualityReport
from patronage.events.rates import Rates
from patronage.events.rating import apply_rates
from patronage.events.raw import RawTable, Reading, blank, text_of
from patronage.events.remarks import remark
from patronage.events.schema import EVENT_COLUMNS
from patronage.events.side_tables import read_side_tables
from patronage.events.times import check_zone, read_times
from patronage.events.workspace import Workspace

__all__ = ["read_events"]

_EXTRAS: Final[tuple[str, ...]] = (
    *("event_id", "order_id", "product_id", "quantity", "channel", "campaign"),
    *("payment_method", "text", "score", "discount", "propensity", "policy", "device"),
)
_NUMBERS: Final = ("quantity", "score", "discount", "propensity")
# Fewer rows than these are written down even where they could be read where they lie: to plan the
# text that settles their columns, in every query of every day, takes longer than to run it.
_FEW: Final = 200_000


def read_events(
    source: Any,
    *,
    currency: str | None = None,
    columns: Mapping[str, str] | None = None,
    drop_duplicates: bool = False,
    as_of: date | None = None,
    customers: Any = None,
    products: Any = None,
    links: Any = None,
    calendar: Any = None,
    rates: Any = None,
    timezone: str | None = None,
    has_clock: bool | None = None,
    day_first: bool | None = None,
    query: str | None = None,
    observation_date: date | None = None,
    workspace: Path | None = None,
) -> EventLog:
    """Read a table of events and account for every row of it.

    Parameters
    ----------
    source : CSV, Parquet, JSON or NDJSON file, a glob, a folder, an address, a database URL with
        a query; or a pandas, Polars or Arrow table
    currency : ISO 4217 code of the amounts; else the source's own, else USD, said in the notes
    columns : column of the log → column of the source, where the names do not tell
    drop_duplicates : set aside rows that equal an earlier row
    as_of : the log ends before this day; later rows are simply not known
    customers, products, links, calendar : side tables, files or frames
    rates : value by kind, product and date, for events without an amount of their own
    timezone : of times that carry none; UTC by default
    has_clock : times of day matter; else found out
    query : SQL to run, where `source` is the address of a database
    observation_date : every customer was observed on this one day: what is before it is known,
        what follows is the outcome; such a log may be split by customers, and cannot be rewound
    day_first : 03/04/2020 is 3 April; else found out over the whole column
    workspace : folder for what is written, of this log alone; else a temporary one that lives as
        long as the log

    Raises
    ------
    EventSourceError : the source cannot be read
    EventSchemaError : it is no table of events, or no row of it can be used
    """
    check_zone(timezone)
    holder = Workspace(workspace)
    folder = holder.path
    is_place = isinstance(source, str | Path)
    raw = land_source(source, folder, query=query) if is_place else land_frame(source, folder)
    match = match_columns((name for name in raw.columns if name != raw.broken), columns)
    code, currency_notes = settle_currency(raw, match, currency)
    today = datetime.now(UTC).date()
    tomorrow = None if as_of else today + timedelta(days=1)
    draft = _draft(raw, match, timezone, day_first, tomorrow, rated=rates is not None)
    plan, notes = draft.plan, [*raw.notes, *match.notes, *draft.notes]
    table: Rates | None = None
    if rates is not None:
        plan, table, said = apply_rates(plan, rates, folder)
        notes += said
    facts = look(plan, as_of=as_of)
    if facts.used and "event_id" in plan.extras:
        plan, repeated = set_repeats_aside(plan, folder)
        facts = look(plan, as_of=as_of) if repeated else facts
    if facts.used and drop_duplicates:
        plan, dropped = drop_equal_rows(plan, folder)
        facts = look(plan, as_of=as_of) if dropped else facts
    _check_any(facts, plan)
    doubles = None
    if "event_id" not in plan.extras:
        doubles = find_duplicates(plan, facts.used, clean=facts.used == facts.read)
    said, warnings = remark(plan, facts, doubles, as_of)
    tables, table_notes = read_side_tables(
        {"customers": customers, "products": products, "links": links, "calendar": calendar},
        id_type=draft.id_type,
        workspace=folder,
        zone=timezone,
    )
    quarantined = facts.read - facts.used
    report = QualityReport(
        n_rows_read=facts.read,
        n_rows_used=facts.used,
        quarantined=facts.quarantined,
        matched=draft.matched,
        notes=tuple(
            dict.fromkeys(
                [*notes, *(currency_notes if plan.number is not None else ()), *said, *table_notes]
            )
        ),
        warnings=(*warnings, *plan.kind.warnings),
        quarantine=write_quarantine(plan, folder / "quarantine.parquet") if quarantined else None,
    )
    log = EventLog(
        relation=_relation(plan, facts, folder),
        columns=("customer_id", "event_time", "known_time", "kind", "amount", *plan.extras),
        currency="purchases" if plan.number is None else code,
        has_clock=facts.clocks > 0 if has_clock is None else has_clock,
        has_known_time=plan.known_time is not None,
        quality=report,
        tables=tables,
        kinds=_kinds(plan, facts),
        rated_kinds=() if table is None else table.kinds,
        rates=table,
        observation_date=observation_date,
        workspace=holder,
    )
    _sweep(folder, log.relation)
    return log if as_of is None else log.before(as_of)


def _sweep(folder: Path, relation: str) -> None:
    """Remove what was written on the way and is not read again."""
    for path in (*folder.glob("raw-*.parquet"), *folder.glob("aside-*"), *folder.glob("rated*")):
        if str(path) not in relation:
            path.unlink()


@dataclass(frozen=True)
class _Draft:
    plan: Plan
    id_type: str
    matched: dict[str, str]
    notes: list[str]


def _draft(
    raw: RawTable,
    match: Match,
    zone: str | None,
    day_first: bool | None,
    tomorrow: date | None,
    *,
    rated: bool,
) -> _Draft:
    """Settle how each column is read; `rated`: a rate table gives amounts."""
    found = dict(match.found)
    notes: list[str] = []
    ids, id_type = read_ids(raw, found["customer_id"])
    time = read_times(raw, found["event_time"], zone=zone, day_first=day_first)
    known = None
    if "known_time" in found:
        known = read_times(raw, found["known_time"], zone=zone, day_first=day_first)
        text = text_of(found["known_time"])
        known = replace(known, sql=f"CASE WHEN {blank(text)} THEN __time ELSE {known.sql} END")
    certain = "kind" in match.given or found.get("kind", "").lower() in ("kind", "event_kind")
    kind = read_kinds(raw, found.get("kind"), certain=certain)
    if kind is None:
        notes.append(f"{found.pop('kind')!r} holds no kinds of event and was left unread.")
        kind = read_kinds(raw, None, certain=True)
        assert kind is not None
    number = None
    if "amount" in found:
        number = read_number(raw, found["amount"])
    elif "price" in found and "quantity" in found:
        number = product_of(read_number(raw, found["quantity"]), read_number(raw, found["price"]))
        notes.append(f"amount is {found['quantity']!r} times {found['price']!r}.")
    elif "price" in found:
        number = read_number(raw, found["price"])
        notes.append(f"amount is {found['price']!r}, as there is no quantity.")
    elif rated:
        number = UNWRITTEN
        notes.append(
            "there is no amount: all cash is that of the rate table, and a purchase to which it "
            "gives none is set aside."
        )
    else:
        notes.append("there is no amount: every purchase counts 1, and values are in purchases.")
    extras = {name: _extra(raw, name, found[name]) for name in _EXTRAS if name in found}
    readings = [time, *([] if known is None else [known])]
    for reading in readings:
        notes.extend(reading.notes)
    notes.extend(kind.notes)
    notes.extend(number.notes if number is not None else ())
    matched = {name: found[name] for name in (*EVENT_COLUMNS, "price", "currency") if name in found}
    plan = Plan(raw, ids, time, known, kind, number, extras, tomorrow)
    return _Draft(plan, id_type, matched, notes)


def _extra(raw: RawTable, name: str, column: str) -> Reading:
    text = text_of(column)
    if name in _NUMBERS:
        number = read_number(raw, column)
        return Reading(f"TRY_CAST({number.sql} AS {EVENT_COLUMNS[name]})", cheap=number.cheap)
    return Reading(f"CASE WHEN NOT {blank(text)} THEN {text} END")


def _check_any(facts: Facts, plan: Plan) -> None:
    if facts.used:
        return
    if not facts.read:
        raise EventSchemaError(
            f"the table has no rows, only the columns {list(plan.raw.columns)}.\n"
            "To mend: export the table of events again."
        )
    counted = "; ".join(f"{reason} ({n})" for reason, n in list(facts.quarantined.items())[:8])
    raise EventSchemaError(
        f"none of the {facts.read} rows can be used: {counted}.\n"
        "To mend: check that the right columns were taken; "
        "--columns customer_id=…,time=…,amount=… names them."
    )


def _relation(plan: Plan, facts: Facts, folder: Path) -> str:
    clean = facts.read == facts.used
    sql = plan.events(
        clean=clean,
        negative=facts.negative > 0,
        positive_refunds=facts.positive_refunds > 0,
    )
    if plan.cheap and not plan.aside and facts.used > _FEW:
        return sql
    path = default_engine().write(sql, folder / "events.parquet", compression="snappy")
    return f"SELECT * FROM {parquet([path])}"


def _kinds(plan: Plan, facts: Facts) -> tuple[str, ...]:
    refunds = ("refund",) if facts.negative else ()
    return tuple(dict.fromkeys((*plan.kind.words, *refunds)))
