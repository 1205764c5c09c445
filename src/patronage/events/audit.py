"""One look at every row: how many can be used, why others cannot, and what the log is like."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from patronage.engines import default_engine, identifier, literal, ordered_engine, parquet
from patronage.events.plan import ASIDE, Plan, listed
from patronage.events.schema import PURCHASE_KINDS

__all__ = ["Facts", "look", "write_quarantine"]


@dataclass(frozen=True)
class Facts:
    """What one scan tells.

    Attributes
    ----------
    read : rows of the source
    quarantined : reason → rows
    used : rows that can be used
    first, last : extreme event times of the usable rows
    clocks : usable rows with a time of day, among those known before as_of
    negative : purchases with a negative amount
    positive_refunds : refunds with a positive amount
    rounded : amounts with more than four decimals
    early_known : rows known before they happened
    later : usable rows at or after as_of, by either clock
    """

    read: int
    quarantined: dict[str, int]
    used: int
    first: datetime | None
    last: datetime | None
    clocks: int
    negative: int
    positive_refunds: int
    rounded: int
    early_known: int
    later: int


def look(plan: Plan, *, as_of: date | None = None) -> Facts:
    """Judge every row."""
    known = "true"
    if as_of is not None:
        bound = f"TIMESTAMP {literal(as_of.isoformat())}"
        known = f"(__time < {bound} AND __known < {bound})"
    paid = f"__kind IN ({listed(PURCHASE_KINDS)})"
    number = "__number::DOUBLE"
    day = 86_400_000_000
    rows = default_engine().rows(
        f"""
        SELECT __code, count(*), min(__time), max(__time),
               count_if(epoch_us(__time) % {day} <> 0 AND {known}),
               count_if({paid} AND {number} < 0), count_if(__kind = 'refund' AND {number} > 0),
               count_if(abs({number} - round({number}, 4)) > 1e-9 * (1 + abs({number}))),
               count_if(__known < __time), count_if(NOT {known})
        FROM ({plan.judged()}) GROUP BY __code
        """
    )
    usable = next((row for row in rows if row[0] is None), (None, 0, None, None, *[0] * 6))
    counts = {int(row[0]): int(row[1]) for row in rows if row[0] is not None}
    return Facts(
        sum(int(row[1]) for row in rows),
        _reasons(plan, counts),
        *usable[1:4],
        *(int(n or 0) for n in usable[4:]),
    )


def _reasons(plan: Plan, counts: dict[int, int]) -> dict[str, int]:
    """Reason in words → rows, most frequent first."""
    found: dict[str, int] = {}
    for code, (_, words) in enumerate(plan.reasons()):
        if code not in counts:
            continue
        if words.count("'") == 2:
            found[words.strip("'")] = counts[code]
        else:
            said = default_engine().rows(
                f"SELECT {words}, count(*) FROM ({plan.judged()}) WHERE __code = {code} GROUP BY 1"
            )
            found.update({str(text): int(n) for text, n in said})
    if plan.aside:
        said = default_engine().rows(
            f"SELECT reason, count(*) FROM {parquet(plan.aside)} GROUP BY reason"
        )
        found.update({str(text): int(n) for text, n in said})
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def write_quarantine(plan: Plan, path: Path) -> Path:
    """Write the rows set aside: all columns of the source as text, `reason`, `row` and `file`.

    row : 1 for the first row of data of its file; file : its number, from 1
    """
    columns = [name for name in plan.raw.columns if name != plan.raw.broken]
    ours = {"reason", "row", "file"}
    texts = ", ".join(
        f"{identifier(name)}::VARCHAR AS "
        + identifier(f"{name}_given" if name.lower() in ours else name)
        for name in columns
    )
    reason = plan.reason()
    source = f"SELECT * FROM ({plan.judged()}) WHERE __code IS NOT NULL"
    if plan.aside:
        reason = f"coalesce(__aside, {reason})"
        source = f"""
            SELECT q.*, a.reason AS __aside FROM ({source}) q
            LEFT JOIN {parquet(plan.aside)} a
            ON q.__file = a.file AND q.__row = a.row AND q.__code = {ASIDE}"""
    return ordered_engine().write(
        f"SELECT {reason} AS reason, __row + 1 AS row, __file + 1 AS file, {texts} "
        f"FROM ({source}) ORDER BY file, row",
        path,
    )
