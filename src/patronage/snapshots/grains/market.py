"""Market: the rows of the calendar known at as_of; they belong to no customer.

`latest` numbers the rows of a kind that have begun, the last first; null for what is to come.
"""

from datetime import date, datetime
from typing import Any, Final

from patronage.snapshots.grains.grain import Asked, Grain, Known, Table, table_of

__all__ = ["MARKET"]


def _sql(asked: Asked) -> str:
    calendar = asked.log.tables.calendar
    if calendar is None:
        empty = ", ".join(f"NULL::{kind} AS {name}" for name, kind in MARKET.columns.items())
        return f"SELECT {empty} WHERE false"
    value = "TRY_CAST(value AS DOUBLE)" if "value" in calendar.columns else "NULL::DOUBLE"
    rows = f"""
        SELECT start::DATE AS start_day, coalesce("end"::DATE, start::DATE) AS end_day, name, kind,
               {value} AS value FROM ({asked.side["calendar"]})"""
    return f"""
        SELECT *, CASE WHEN start_day < {asked.day} THEN row_number() OVER (
            PARTITION BY kind, CASE WHEN start_day < {asked.day} THEN 1 ELSE 0 END
            ORDER BY start_day DESC, name) END AS latest
        FROM ({rows})"""


def _fold(known: Known) -> Table:
    calendar = known.tables.calendar
    rows: list[dict[str, Any]] = []
    for row in [] if calendar is None else calendar.to_dicts():
        start = _day(row["start"])
        end = start if row["end"] is None else _day(row["end"])
        rows.append({**row, "start_day": start, "end_day": end, "value": _number(row.get("value"))})
    rows.sort(key=lambda row: row["name"])
    rows.sort(key=lambda row: row["start_day"], reverse=True)
    seen: dict[str, int] = {}
    for row in rows:
        if row["start_day"] < known.as_of:
            seen[row["kind"]] = row["latest"] = seen.get(row["kind"], 0) + 1
    return table_of(MARKET.columns, rows)


def _day(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _number(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None


MARKET: Final = Grain(
    {
        "start_day": "DATE",
        "end_day": "DATE",
        "name": "VARCHAR",
        "kind": "VARCHAR",
        "value": "DOUBLE",
        "latest": "BIGINT",
    },
    _sql,
    _fold,
    of_everybody=True,
)
