"""Times of any spelling, as UTC without zone; the form is decided over the whole column."""

from typing import Final

from patronage.engines import default_engine, identifier, literal
from patronage.errors import EventSchemaError, SettingsError
from patronage.events.raw import RawTable, Reading, blank, text_of

__all__ = ["check_zone", "read_times"]

_ISO: Final = r"^[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}($|[T ])"
_DAY_MONTH: Final = r"^([0-9]{1,2})[-/. ]([0-9]{1,2})[-/. ]([0-9]{4}|[0-9]{2})($|[T ,])"
_NAMED: Final = r"(?i)^([a-z]{3,9}\.?,? )?([0-9]{1,2}[- ]?[a-z]{3,9}|[a-z]{3,9}\.? [0-9]{1,2}\b)"
_ZONED: Final = r"[0-9]:[0-9].*(Z|[+-][0-9]{2}(:?[0-9]{2})?| ?UTC| ?GMT| [A-Za-z]+/[A-Za-z_/]+)$"
_HALF_DAY: Final = r"(?i)[0-9] ?[ap]\.?m\.?$"
_DIGITS: Final = r"^-?[0-9]+(T[0-9]{6})?(\.[0-9]*)?$"

_DAYS_BY_NAME: Final = ("%d %b %Y", "%d %B %Y", "%b %d %Y", "%B %d %Y", "%d %b %y", "%d%b%Y")
_CLOCKS: Final = ("", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p")


def check_zone(zone: str | None) -> None:
    """Raise SettingsError unless the time zone is known."""
    if zone is None:
        return
    known = {str(row[0]) for row in default_engine().rows("SELECT name FROM pg_timezone_names()")}
    if zone not in known:
        raise SettingsError(
            f"no time zone {zone!r}.\nTo mend: name one as 'Europe/Berlin' or 'UTC'."
        )


def read_times(
    raw: RawTable, column: str, *, zone: str | None = None, day_first: bool | None = None
) -> Reading:
    """Expression of the UTC time (NULL where it cannot be read).

    Raises
    ------
    EventSchemaError : nothing in the column tells days from months
    """
    name, kind = identifier(column), raw.columns[column]
    if kind == "DATE":
        return Reading(f"{name}::TIMESTAMP")
    if kind == "TIMESTAMP WITH TIME ZONE":
        return Reading(f"{name}::TIMESTAMP", (f"{column!r} carries a time zone; read as UTC.",))
    if kind.startswith("TIMESTAMP"):
        return _naive(raw, column, f"{name}::TIMESTAMP", zone)
    if kind.endswith("INT") or kind in ("INTEGER", "FLOAT", "DOUBLE") or kind[:7] == "DECIMAL":
        return _numbers(raw, column)
    return _texts(raw, column, zone, day_first)


def _naive(raw: RawTable, column: str, sql: str, zone: str | None) -> Reading:
    if zone is None or zone == "UTC":
        return Reading(sql, (f"times in {column!r} carry no zone and were read as UTC.",))
    (clocks,) = default_engine().row(
        f"SELECT count_if(({sql}) <> date_trunc('day', {sql})) FROM {raw.sql()}"
    )
    if not clocks:
        return Reading(sql, (f"{column!r} holds days only; the time zone {zone} changes nothing.",))
    note = f"times in {column!r} carry no zone and were read as {zone}."
    return Reading(f"timezone({literal(zone)}, {sql})::TIMESTAMP", (note,), cheap=False)


def _numbers(raw: RawTable, column: str) -> Reading:
    """YYYYMMDD, or seconds, milliseconds, microseconds or nanoseconds since 1970."""
    number = f"{identifier(column)}"
    text = f"TRY_CAST({number} AS HUGEINT)::VARCHAR"
    days = f"TRY_CAST({_compact(text)} AS TIMESTAMP)"
    odd, typical = default_engine().row(
        f"SELECT count_if({days} IS NULL OR {number} NOT BETWEEN 19000101 AND 21001231), "
        f"median(abs({number})) FROM {raw.sql()} "
        f"WHERE isfinite({number}::DOUBLE)"
    )
    if typical is not None and not odd:
        return Reading(days, (f"{column!r} was read as days written YYYYMMDD.",), cheap=False)
    name, per_second = _epoch_unit(float(typical or 0))
    note = f"{column!r} was read as {name} since 1970-01-01 UTC."
    micros = f"round({number}::DOUBLE * {1e6 / per_second!r})"
    exact = f"{number}::HUGEINT * 1000000 // {per_second}"
    fractional = raw.columns[column] in ("FLOAT", "DOUBLE") or "DECIMAL" in raw.columns[column]
    return Reading(_instant(micros if fractional else exact, number), (note,), cheap=False)


def _epoch_unit(typical: float) -> tuple[str, int]:
    if typical < 1e11:
        return "seconds", 1
    if typical < 1e14:
        return "milliseconds", 1_000
    if typical < 1e17:
        return "microseconds", 1_000_000
    return "nanoseconds", 1_000_000_000


def _instant(micros: str, number: str) -> str:
    # Why: small numbers are row numbers or weeks, not instants; nobody sold anything on 1970-01-02.
    near = f"abs({micros}) BETWEEN 1e13 AND 9e15"
    instant = f"make_timestamp(({micros})::BIGINT)"
    return f"CASE WHEN isfinite({number}::DOUBLE) AND {near} THEN {instant} END"


def _compact(text: str) -> str:
    """SQL: YYYYMMDD[hhmmss] with dashes and colons."""
    return (
        f"regexp_replace(regexp_replace({text}, "
        r"'^([0-9]{4})([0-9]{2})([0-9]{2})(\.0*)?$', '\1-\2-\3'), "
        r"'^([0-9]{4})([0-9]{2})([0-9]{2})[T ]?([0-9]{2})([0-9]{2})([0-9]{2})$',"
        r" '\1-\2-\3 \4:\5:\6')"
    )


def _texts(raw: RawTable, column: str, zone: str | None, day_first: bool | None) -> Reading:
    text = text_of(column)
    dm = _DAY_MONTH
    facts = default_engine().row(
        f"""
        SELECT count_if(iso), count_if(dm), count_if(digits), count_if(named),
               count_if(regexp_matches(t, '{_ZONED}')), count_if(regexp_matches(t, '{_HALF_DAY}')),
               count_if(dm AND TRY_CAST(regexp_extract(t, '{dm}', 1) AS INT) > 12),
               count_if(dm AND TRY_CAST(regexp_extract(t, '{dm}', 2) AS INT) > 12),
               count_if(dm AND regexp_matches(t, '^[0-9]+\\.')), count_if(contains(t, ':')),
               count(*)
        FROM (SELECT t, regexp_matches(t, '{_ISO}') AS iso, regexp_matches(t, '{dm}') AS dm,
                     regexp_matches(t, '{_DIGITS}') AS digits,
                     regexp_matches(t, '{_NAMED}') AS named
              FROM (SELECT {text} AS t FROM {raw.sql()}) WHERE NOT {blank("t")})
        """
    )
    iso, slashed, digits, named, zoned, half, over_first, over_second, points, clocks, n = (
        int(fact or 0) for fact in facts
    )
    notes: list[str] = []
    written = text
    if slashed:
        first = day_first
        if first is None:
            first = _day_first(raw, column, slashed, over_first, over_second, points)
        order = r"\3-\2-\1" if first else r"\3-\1-\2"
        short = r"20\3-\2-\1" if first else r"20\3-\1-\2"
        rest = r"($|[T ,].*$)"
        parts = r"^([0-9]{1,2})[-/. ]([0-9]{1,2})[-/. ]"
        written = (
            f"regexp_replace(regexp_replace({written}, '{parts}([0-9]{{4}}){rest}', '{order}\\4'), "
            f"'{parts}([0-9]{{2}}){rest}', '{short}\\4')"
        )
        written = f"replace({written}, ',', '')"
        which = "day/month/year" if first else "month/day/year"
        notes.append(f"dates in {column!r} were read as {which}.")
    if iso:
        written = (
            f"regexp_replace({written}, '^([0-9]{{4}})[/.]([0-9]{{1,2}})[/.]([0-9]{{1,2}})',"
            r" '\1-\2-\3')"
        )
    if digits:
        written = _compact(written)
    naive = f"TRY_CAST({written} AS TIMESTAMP)"
    if half:
        # Why: '3 p.m.' and '3PM' are '3 PM'.
        spaced = rf"regexp_replace(upper({written}), ' ?([AP])\.?M\.?$', ' \1M')"
        formats = ", ".join(f"'%Y-%m-%d {clock}'" for clock in ("%I:%M:%S %p", "%I:%M %p", "%I %p"))
        naive = f"coalesce(try_strptime({spaced}, [{formats}]), {naive})"
    if named:
        formats = ", ".join(literal(day + clock) for day in _DAYS_BY_NAME for clock in _CLOCKS)
        plain = rf"regexp_replace(regexp_replace({text}, '(?i)^[a-z]+, ', ''), '[-,. ]+', ' ', 'g')"
        naive = f"coalesce({naive}, try_strptime({plain}, [{formats}]))"
    local = naive
    if zone not in (None, "UTC") and clocks:
        local = f"timezone({literal(zone)}, {naive})::TIMESTAMP"
    sql = local
    if zoned:
        absolute = f"TRY_CAST({written} AS TIMESTAMPTZ)::TIMESTAMP"
        sql = f"CASE WHEN regexp_matches({text}, '{_ZONED}') THEN {absolute} ELSE {local} END"
        notes.append(f"times with a zone in {column!r} were converted to UTC.")
    if zoned < n - digits:
        notes.append(f"times in {column!r} without a zone were read as {zone or 'UTC'}.")
    if digits:
        sql, note = _epoch_texts(raw, column, text, sql)
        notes.extend(note)
    return Reading(f"CASE WHEN NOT {blank(text)} THEN {sql} END", tuple(notes), cheap=False)


def _epoch_texts(raw: RawTable, column: str, text: str, other: str) -> tuple[str, list[str]]:
    """Long numbers written as text are instants; 8 and 14 digits are dates."""
    epoch = rf"regexp_full_match({text}, '-?([0-9]{{9,13}}|[0-9]{{15,19}})(\.[0-9]*)?')"
    number = f"TRY_CAST({text} AS DECIMAL(38,9))"
    found, typical = default_engine().row(
        f"SELECT count(*), median(abs({number})) FROM {raw.sql()} WHERE {epoch}"
    )
    if not found:
        return other, []
    name, per_second = _epoch_unit(float(typical))
    micros = f"round({number}::DOUBLE * {1e6 / per_second!r})"
    sql = f"CASE WHEN {epoch} THEN {_instant(micros, number)} ELSE {other} END"
    return sql, [f"numbers in {column!r} were read as {name} since 1970-01-01 UTC."]


def _day_first(
    raw: RawTable, column: str, slashed: int, over_first: int, over_second: int, points: int
) -> bool:
    if over_first != over_second:
        return over_first > over_second
    if points == slashed and over_first == 0:
        return True  # with points, the day comes first everywhere
    (example,) = default_engine().row(
        f"SELECT any_value({text_of(column)}) FROM {raw.sql()} "
        f"WHERE regexp_matches({text_of(column)}, '{_DAY_MONTH}')"
    )
    raise EventSchemaError(
        f"nothing in {column!r} tells days from months: is {example!r} day/month or month/day?\n"
        "To mend: write dates as YYYY-MM-DD, or pass day_first=True (31/12/2020) or "
        "day_first=False (12/31/2020)."
    )
