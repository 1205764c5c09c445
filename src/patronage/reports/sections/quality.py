"""Section 6, the data: what was read, used, set aside and assumed."""

from dataclasses import dataclass

from patronage.reports.formats import count, day, money, percent
from patronage.reports.inputs import ReportInputs
from patronage.reports.tables import Column, Table, make_table

__all__ = ["DataAccount", "data_section"]


@dataclass(frozen=True)
class DataAccount:
    """What section 6 shows."""

    sentence: str
    facts: str
    warnings: tuple[str, ...]
    reasons: Table | None
    matched: Table | None
    notes: tuple[str, ...]


def data_section(inputs: ReportInputs) -> DataAccount:
    """Gather section 6; warnings of the intake first, then what does not add up here."""
    quality = inputs.quality
    aside = quality.n_rows_quarantined
    share = f" ({percent(aside / quality.n_rows_read, 2)})" if aside and quality.n_rows_read else ""
    reasons = sorted(quality.quarantined.items(), key=lambda item: (-item[1], item[0]))
    span = (
        f", from {day(inputs.first_day)} to {day(inputs.last_day)}"
        if inputs.first_day and inputs.last_day
        else ""
    )
    return DataAccount(
        sentence=f"{count(quality.n_rows_read)} rows read = {count(quality.n_rows_used)} used + "
        f"{count(aside)} set aside{share}.",
        facts=f"{count(inputs.n_events)} events of {count(inputs.n_customers)} customers{span}.",
        warnings=quality.warnings + _contradictions(inputs),
        reasons=make_table(
            "Rows set aside, by reason",
            [
                Column("Reason", lambda r: str(r["reason"]), numeric=False),
                Column("Rows", lambda r: count(r["rows"])),
            ],
            rows=[{"reason": reason, "rows": rows} for reason, rows in reasons],
        )
        if reasons
        else None,
        matched=make_table(
            "Columns matched",
            [
                Column("Column of the log", lambda r: str(r["ours"]), numeric=False),
                Column("As the source spells it", lambda r: str(r["theirs"]), numeric=False),
            ],
            rows=[{"ours": k, "theirs": v} for k, v in quality.matched.items()],
        )
        if quality.matched
        else None,
        notes=quality.notes,
    )


def _contradictions(inputs: ReportInputs) -> tuple[str, ...]:
    """Sums that ought to agree and do not: said loudly, for a report must not hide it."""
    found = []
    quality = inputs.quality
    if quality.n_rows_read != quality.n_rows_used + quality.n_rows_quarantined:
        found.append(
            f"The rows do not add up: {count(quality.n_rows_read)} read, but "
            f"{count(quality.n_rows_used + quality.n_rows_quarantined)} accounted for."
        )
    total = inputs.total.expected
    for name, parts in (
        ("the customers' values", float(inputs.scores["clv"].sum())),
        ("the periods' present values", float(inputs.value_table["present_value"].sum())),
    ):
        if abs(parts - total) > 0.005 * max(abs(total), abs(parts)):
            found.append(
                f"The expected total is {money(total, inputs.currency)}, but {name} sum to "
                f"{money(parts, inputs.currency)}."
            )
    return tuple(found)
