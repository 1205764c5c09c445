"""Amounts: numbers, or texts with separators and signs, decided over the whole column."""

from dataclasses import dataclass
from typing import Final

from patronage.engines import default_engine, identifier
from patronage.events.raw import RawTable, blank, text_of

__all__ = ["LARGEST", "UNWRITTEN", "Number", "product_of", "read_number"]

# |amount| below this fits DECIMAL(18,4) with room for the sums of a customer.
LARGEST: Final = 1e13

_EXACT: Final = (
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
    *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
)

# A number with a sign, brackets and a short unit (€, USD, kr., R$) on either side of it.
_UNIT = r"(\p{L}{1,4}\.?\p{Sc}?|\p{Sc})?"
_WRITTEN = rf"[(+-]?\s*{_UNIT}\s*[(+-]?\s*[.,]?[0-9][0-9.,''\x{{2019}}\s\x{{00a0}}]*{_UNIT}\s*[)-]?"


@dataclass(frozen=True)
class Number:
    """How a number is computed from the source.

    Attributes
    ----------
    sql : the number; NULL or not finite where it cannot be read
    finite : SQL condition: it can be read
    missing : SQL condition: nothing was written
    notes : what was decided, in sentences
    cheap : costs next to nothing in every query
    """

    sql: str
    finite: str
    missing: str
    notes: tuple[str, ...] = ()
    cheap: bool = True


# Of a source without amounts.
UNWRITTEN: Final = Number("NULL::DOUBLE", finite="false", missing="true")


def read_number(raw: RawTable, column: str) -> Number:
    """Read one column as money, a price or a quantity."""
    name, kind = identifier(column), raw.columns[column]
    if kind in ("FLOAT", "DOUBLE"):
        return Number(name, f"isfinite({name})", f"{name} IS NULL")
    if kind in _EXACT or kind.startswith("DECIMAL"):
        return Number(name, f"{name} IS NOT NULL", f"{name} IS NULL")
    sql, notes = _from_text(raw, column)
    text = text_of(column)
    # Why: the word nan is a number that somebody's program wrote, and not a finite one.
    missing = f"({blank(text)} AND coalesce(lower({text}), '') <> 'nan')"
    return Number(sql, f"({sql}) IS NOT NULL", missing, notes, cheap=False)


def product_of(quantity: Number, price: Number) -> Number:
    """Quantity × price, where there is no amount."""
    sql = f"(({quantity.sql})::DOUBLE * ({price.sql})::DOUBLE)"
    return Number(
        sql,
        f"coalesce(isfinite({sql}), false)",
        f"({quantity.missing} OR {price.missing})",
        (*quantity.notes, *price.notes),
        quantity.cheap and price.cheap,
    )


def _from_text(raw: RawTable, column: str) -> tuple[str, tuple[str, ...]]:
    text = text_of(column)
    comma, commas_between = _decimal_comma(raw, text)
    plain = f"TRY_CAST({text} AS DECIMAL(38,8))"
    if comma is None:
        return plain, ()
    bare = _bare(text)
    bare = f"replace(replace({bare}, '.', ''), ',', '.')" if comma else f"replace({bare}, ',', '')"
    # Why: accountants write a negative as (12.50), some exports as 12.50-.
    sign = f"CASE WHEN regexp_matches({bare}, '[(-]|-$') THEN '-' ELSE '' END"
    signed = f"TRY_CAST({sign} || regexp_replace({bare}, '[()+-]', '', 'g') AS DECIMAL(38,8))"
    signed = f"CASE WHEN regexp_full_match({text}, '{_WRITTEN}') THEN {signed} END"
    if comma:
        note = f"{column!r} writes a comma before the decimals (12,50) and was read so."
        return signed, (note,)
    note = f"commas in {column!r} were read as thousands separators (1,234.50)."
    return f"coalesce({plain}, {signed})", (note,) if commas_between else ()


def _bare(text: str) -> str:
    """SQL of a text with its digits, separators and signs only."""
    return f"regexp_replace(replace({text}, '\u2212', '-'), '\\p{{L}}+\\.?|[^0-9.,()+-]', '', 'g')"


def _decimal_comma(raw: RawTable, text: str) -> tuple[bool | None, bool]:
    """Whether the column writes 12,50; None where every value is plain; and if it has commas."""
    group = r"[(+-]*[0-9]{1,3}({0}[0-9]{3})+[)-]*"
    by_comma, by_point = group.replace("{0}", ","), group.replace("{0}", r"\.")
    facts = default_engine().row(
        f"""
        SELECT count_if(TRY_CAST(t AS DECIMAL(38,8)) IS NULL AND lower(t) <> 'nan'),
               count_if(contains(d, ',')),
               count_if(regexp_matches(d, ',[0-9]*\\.|,[0-9]*,')),
               count_if(contains(d, '.') AND NOT contains(d, ',')
                        AND NOT regexp_full_match(d, '{by_point}')),
               count_if(regexp_matches(d, '\\.[0-9]*,|\\.[0-9]*\\.')),
               count_if(contains(d, ',') AND NOT contains(d, '.')
                        AND NOT regexp_full_match(d, '{by_comma}'))
        FROM (SELECT t, {_bare("t")} AS d
              FROM (SELECT {text} AS t FROM {raw.sql()}) WHERE NOT {blank("t")})
        """
    )
    # Why: counted over no rows at all, count_if is null.
    odd, commas, point_after, point_alone, comma_after, comma_alone = (int(f or 0) for f in facts)
    if odd == 0:
        return None, False
    return comma_after + comma_alone > point_after + point_alone, commas > 0
