"""Read the rate table, and give events without an amount of their own its values."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from patronage.engines import EngineError, default_engine, identifier, parquet
from patronage.errors import EventSchemaError
from patronage.events.kinds import kind_meant
from patronage.events.landing import land_frame, land_source
from patronage.events.matching import find_column
from patronage.events.plan import Plan
from patronage.events.rates import Rates
from patronage.events.raw import RawTable, blank, text_of
from patronage.events.times import read_times

__all__ = ["apply_rates"]

_SPELLINGS = {
    "kind": ("kind", "event", "event_type", "type"),
    "value": ("value", "rate", "amount", "cash", "revenue"),
    "product_id": ("product_id", "product", "sku"),
    "start": ("start", "start_date", "from", "valid_from", "date"),
    "end": ("end", "end_date", "to", "until", "valid_to"),
}

# Of several rows that fit, the first counts.
_WINS = "product_id IS NOT NULL DESC, coalesce(start, '1900-01-01') DESC, value DESC"


def apply_rates(plan: Plan, rates: Any, workspace: Path) -> tuple[Plan, Rates, list[str]]:
    """Give events without an amount of their own the value of the rate table, as `Rates` says.

    Returns the plan, the table as it was read, and notes.

    Raises
    ------
    EventSchemaError : the table lacks kind or value, or they cannot be read
    """
    raw = (
        land_source(rates, workspace, "rates")
        if isinstance(rates, str | Path)
        else land_frame(rates, workspace, "rates")
    )
    read = Rates(default_engine().frame(f"SELECT * FROM ({_table(raw)}) ORDER BY {_WINS}"))
    table = workspace / "rated-by.parquet"
    read.table.with_row_index("place").write_parquet(table)
    product = "r.product_id = p.__product_id" if "product_id" in plan.extras else "false"
    path = default_engine().write(
        f"""
        SELECT p.__file AS file, p.__row AS row, p.__kind AS kind,
               arg_min(r.value, r.place) AS value
        FROM ({plan.parsed()}) p JOIN {parquet([table])} r
          ON r.kind = p.__kind AND (r.product_id IS NULL OR {product})
         AND (r.start IS NULL OR p.__time >= r.start) AND (r."end" IS NULL OR p.__time < r."end")
        WHERE p.__missing GROUP BY ALL
        """,
        workspace / "rated.parquet",
    )
    counted = default_engine().rows(
        f"SELECT kind, count(*) FROM {parquet([path])} GROUP BY kind ORDER BY kind"
    )
    if not counted:
        return plan, read, ["the rate table fits no event without an amount of its own."]
    notes = [f"cash of {n} {kind} events is derived from the rate table." for kind, n in counted]
    return replace(plan, rated=path), read, notes


def _table(raw: RawTable) -> str:
    found = {
        name: hits[0]
        for name, spellings in _SPELLINGS.items()
        if (hits := find_column(raw.columns, spellings))
    }
    missing = [name for name in ("kind", "value") if name not in found]
    if missing:
        raise EventSchemaError(
            f"the rate table lacks {' and '.join(missing)}; it has {list(raw.columns)}.\n"
            "To mend: give columns kind, value and, where they matter, product_id, start, end."
        )
    words = [
        str(row[0])
        for row in default_engine().rows(
            f"SELECT DISTINCT {text_of(found['kind'])} FROM {raw.sql()}"
        )
    ]
    strange = [word for word in words if kind_meant(word) is None]
    if strange:
        raise EventSchemaError(
            f"the rate table has unknown kinds {strange}.\n"
            "To mend: use the kinds of the events, such as visit, click, app_use, review."
        )
    meant = " ".join(
        f"WHEN '{word.replace(chr(39), chr(39) * 2)}' THEN '{kind_meant(word)}'" for word in words
    )
    kind = f"CASE {text_of(found['kind'])} {meant} END"
    product = "NULL::VARCHAR"
    if "product_id" in found:
        text = text_of(found["product_id"])
        product = f"CASE WHEN NOT {blank(text)} THEN {text} END"
    dates = {
        name: _finite(read_times(raw, found[name]).sql) if name in found else "NULL::TIMESTAMP"
        for name in ("start", "end")
    }
    value = f"{identifier(found['value'])}::DECIMAL(18,4)"
    table = (
        f"SELECT {kind} AS kind, {value} AS value, {product} AS product_id, "
        f'{dates["start"]} AS start, {dates["end"]} AS "end" FROM {raw.sql()}'
    )
    try:
        (blanks,) = default_engine().row(f"SELECT count_if(value IS NULL) FROM ({table})")
    except EngineError as error:
        raise EventSchemaError(
            f"the values of the rate table are not all numbers: {str(error).splitlines()[0]}"
        ) from error
    if blanks:
        raise EventSchemaError(f"{blanks} rows of the rate table have no value.")
    return table


def _finite(time: str) -> str:
    # Why: databases write infinity for a rate that holds without end.
    return f"CASE WHEN isfinite({time}) THEN {time} END"
