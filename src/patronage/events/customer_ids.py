"""Customer ids: whole numbers stay numbers, everything else is text; nothing is lost."""

from patronage.engines import default_engine, identifier
from patronage.events.raw import RawTable, Reading, blank, text_of

__all__ = ["cast_id", "read_ids"]

_WHOLE = r"(0|-?[1-9][0-9]{0,17})(\.0+)?"

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")


def read_ids(raw: RawTable, column: str) -> tuple[Reading, str]:
    """Expression of customer_id (NULL where missing) and its type, BIGINT or VARCHAR."""
    name = identifier(column)
    kind = raw.columns[column]
    if kind in _INTEGERS:
        return Reading(f"{name}::BIGINT"), "BIGINT"
    if kind in ("FLOAT", "DOUBLE") or kind.startswith("DECIMAL"):
        whole = f"isfinite({name}::DOUBLE) AND {name} = trunc({name}) AND abs({name}) < 1e15"
        (odd,) = default_engine().row(
            f"SELECT count_if({name} IS NOT NULL AND NOT isnan({name}::DOUBLE) AND NOT ({whole})) "
            f"FROM {raw.sql()}"
        )
        if not odd:
            return Reading(f"TRY_CAST({name} AS BIGINT)"), "BIGINT"
    text = text_of(column)
    (odd, given) = default_engine().row(
        f"SELECT count_if(NOT regexp_full_match(t, '{_WHOLE}')), count(*) "
        f"FROM (SELECT {text} AS t FROM {raw.sql()}) WHERE NOT {blank('t')}"
    )
    if given and not odd:
        return Reading(cast_id(text, "BIGINT"), cheap=False), "BIGINT"
    plain = kind == "VARCHAR" and not _needs_trim(raw, column)
    return Reading(name if plain else cast_id(text, "VARCHAR"), cheap=plain), "VARCHAR"


def cast_id(text: str, kind: str) -> str:
    """SQL of an id as text, in the type of the log's ids; NULL where it cannot be one."""
    if kind == "BIGINT":
        return f"TRY_CAST(regexp_replace({text}, '\\.0+$', '') AS BIGINT)"
    return f"CASE WHEN NOT {blank(text)} THEN {text} END"


def _needs_trim(raw: RawTable, column: str) -> bool:
    name, text = identifier(column), text_of(column)
    (odd,) = default_engine().row(
        f"SELECT count_if({name} <> {text} OR ({name} IS NOT NULL AND {blank(text)})) "
        f"FROM {raw.sql()}"
    )
    return bool(odd)
