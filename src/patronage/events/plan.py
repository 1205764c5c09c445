"""The SQL that turns the source into events: every column read, every row judged once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from patronage.engines import literal, parquet
from patronage.events.amounts import LARGEST, Number
from patronage.events.kinds import KindReading
from patronage.events.raw import RawTable, Reading
from patronage.events.schema import PURCHASE_KINDS

__all__ = ["ASIDE", "Plan", "listed"]

# Code of the rows set aside for what other rows say.
ASIDE: Final = 100

# Kinds that mean nothing without their money; the others may come without.
_NEEDS_AMOUNT: Final = ("purchase", "refund", "usage", "fee", "renewal")

_EARLIEST: Final = "TIMESTAMP '1900-01-01'"


def listed(words: tuple[str, ...]) -> str:
    """SQL list of texts."""
    return ", ".join(literal(word) for word in words)


@dataclass(frozen=True)
class Plan:
    """How each column of the log is computed, and which rows cannot be used.

    Attributes
    ----------
    raw : the source
    customer_id, event_time : readings
    known_time : reading, or None: the source does not say
    kind : reading of the kinds
    number : the amount, or None: every purchase counts 1
    extras : optional column of the log → reading
    tomorrow : events at or after this day are in the future; None: they are let through
    aside : Parquet files (file, row, reason) of rows set aside for what other rows say
    rated : Parquet file (file, row, value) of cash derived from a rate table
    """

    raw: RawTable
    customer_id: Reading
    event_time: Reading
    known_time: Reading | None
    kind: KindReading
    number: Number | None
    extras: Mapping[str, Reading]
    tomorrow: date | None
    aside: tuple[Path, ...] = ()
    rated: Path | None = None

    @property
    def cheap(self) -> bool:
        """The readings cost next to nothing, so that a view over the source will do."""
        readings = [self.customer_id, self.event_time, *self.extras.values()]
        if self.known_time is not None:
            readings.append(self.known_time)
        plain = all(reading.cheap for reading in readings)
        number = self.number is None or self.number.cheap
        return plain and number and self.kind.cheap and self.rated is None

    def parsed(self) -> str:
        """The source's columns, and beside them what was read (names with two underscores)."""
        number = self.number
        known = "__time" if self.known_time is None else self.known_time.sql
        columns = {
            "file": "file_index",
            "row": "file_row_number",
            "customer_id": self.customer_id.sql,
            "time": self.event_time.sql,
            "kind": self.kind.sql,
            "number": "NULL::DOUBLE" if number is None else number.sql,
            "missing": "false" if number is None else number.missing,
            "finite": "true" if number is None else number.finite,
            **{name: reading.sql for name, reading in self.extras.items()},
        }
        read = ", ".join(f"{sql} AS __{name}" for name, sql in columns.items())
        source = f"SELECT *, {read} FROM {self.raw.sql()}"
        source = f"SELECT *, {known} AS __known FROM ({source})"
        if self.rated is not None:
            source = f"""
                SELECT p.* REPLACE (coalesce(r.value, p.__number) AS __number,
                    p.__missing AND r.value IS NULL AS __missing,
                    p.__finite OR r.value IS NOT NULL AS __finite)
                FROM ({source}) p LEFT JOIN {parquet([self.rated])} r
                ON p.__file = r.file AND p.__row = r.row"""
        return source

    def reasons(self) -> list[tuple[str, str]]:
        """SQL condition and SQL of the reason, in the order in which they are tried."""
        broken = self.raw.broken
        needs = f"__kind IN ({listed(_NEEDS_AMOUNT)})"
        found = [
            (f'"{broken}" IS NOT NULL', "'line that cannot be split into columns'")
            if broken
            else None,
            ("__customer_id IS NULL", "'missing customer id'"),
            ("__time IS NULL OR NOT isfinite(__time)", "'unparsable time'"),
            (f"__time < {_EARLIEST}", "'time before 1900'"),
            (f"__time >= TIMESTAMP {literal(self.tomorrow)}", "'time in the future'")
            if self.tomorrow
            else None,
            ("__known IS NULL OR NOT isfinite(__known)", "'unparsable known time'")
            if self.known_time
            else None,
            ("__kind IS NULL", self.kind.unknown),
        ]
        if self.number is not None:
            found += [
                ("NOT __missing AND NOT __finite", "'amount not a finite number'"),
                (f"NOT __missing AND abs(__number) >= {LARGEST:.0f}", "'amount too large'"),
                (f"__missing AND {needs}", "'missing amount'"),
            ]
        return [pair for pair in found if pair is not None]

    def judged(self) -> str:
        """`parsed` with __code: NULL where the row is usable, else which reason it has."""
        branches = "".join(
            f" WHEN {condition} THEN {code}" for code, (condition, _) in enumerate(self.reasons())
        )
        judged = f"SELECT *, (CASE{branches} END)::TINYINT AS __code FROM ({self.parsed()})"
        if not self.aside:
            return judged
        return f"""
            SELECT j.* REPLACE (coalesce(j.__code, a.code) AS __code)
            FROM ({judged}) j
            LEFT JOIN (SELECT *, {ASIDE}::TINYINT AS code FROM {parquet(self.aside)}) a
            ON j.__file = a.file AND j.__row = a.row"""

    def reason(self) -> str:
        """SQL of the reason of a row of `judged` in words."""
        branches = "".join(
            f" WHEN {code} THEN {text}" for code, (_, text) in enumerate(self.reasons())
        )
        return f"CASE __code{branches} ELSE '' END"

    def amount(self, *, clean: bool) -> str:
        """SQL of the amount before signs are settled; `clean`: every row is usable."""
        if self.number is None:
            paid = f"__kind IN ({listed(PURCHASE_KINDS)})"
            if self.kind.words == ("purchase",):
                return "1::DECIMAL(18,4)"
            back = "WHEN __kind = 'refund' THEN -1"
            return f"(CASE WHEN {paid} THEN 1 {back} ELSE 0 END)::DECIMAL(18,4)"
        if clean and self.kind.words == ("purchase",):
            return "__number::DECIMAL(18,4)"
        return "CASE WHEN __missing THEN 0 ELSE TRY_CAST(__number AS DECIMAL(18,4)) END"

    def events(self, *, clean: bool, negative: bool, positive_refunds: bool) -> str:
        """SQL of the log.

        clean : no row is set aside
        negative : some purchase has a negative amount, and is a refund
        positive_refunds : some refund has a positive amount
        """
        amount, kind = self.amount(clean=clean), "__kind"
        paid = f"__kind IN ({listed(PURCHASE_KINDS)})"
        if negative:
            kind = f"CASE WHEN {paid} AND {amount} < 0 THEN 'refund' ELSE __kind END"
        if positive_refunds:
            amount = (
                f"CASE WHEN __kind = 'refund' AND {amount} > 0 THEN -({amount}) ELSE {amount} END"
            )
        known = "__time" if self.known_time is None else "__known"
        extras = "".join(f", __{name} AS {name}" for name in self.extras)
        source = self.parsed() if clean else f"{self.judged()}"
        kept = "" if clean else " WHERE __code IS NULL"
        return (
            f"SELECT __customer_id AS customer_id, __time AS event_time, {known} AS known_time, "
            f"{kind} AS kind, ({amount})::DECIMAL(18,4) AS amount{extras} FROM ({source}){kept}"
        )
