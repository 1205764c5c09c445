"""What the reader of a report should know of the intake, in sentences."""

from datetime import date
from typing import Final

from patronage.events.audit import Facts
from patronage.events.duplicates import Duplicates
from patronage.events.plan import Plan

__all__ = ["remark"]


# Why lost → what to try first, where a column that was not recognised is the likely cause.
_HINTS: Final = {
    "missing amount": " Where a column holds amounts: --columns amount=ITS_NAME.",
}


def remark(
    plan: Plan, facts: Facts, doubles: Duplicates | None, as_of: date | None
) -> tuple[list[str], list[str]]:
    """Notes, and warnings with the loudest first."""
    notes: list[str] = []
    warnings: list[str] = []
    if facts.negative:
        notes.append(f"{facts.negative:,} purchases with a negative amount were read as refunds.")
    if facts.positive_refunds:
        notes.append(
            f"{facts.positive_refunds:,} refunds with a positive amount were read as money paid "
            "back."
        )
    if facts.rounded and plan.number is not None:
        notes.append(f"{facts.rounded:,} amounts were rounded to four decimals.")
    if facts.early_known:
        notes.append(
            f"{facts.early_known:,} events were known before they happened; they count from the "
            "day they happened."
        )
    if plan.known_time is None:
        notes.append(
            "no column says when a row was learned: each counts as known when it happened."
        )
    if facts.later and as_of is not None:
        notes.append(
            f"{facts.later:,} rows become known on or after {as_of} and are not looked at."
        )
    if doubles is not None and doubles.repeats:
        notes.append(_repeated(doubles))
        if doubles.in_pairs >= 0.9 * doubles.rows:
            warnings.append(
                f"{doubles.in_pairs / doubles.rows:.0%} OF ALL ROWS OCCUR TWICE OR MORE: the table "
                "was probably exported or loaded twice, and every value below would then be "
                "doubled. Check the export, or read it with --drop-duplicates."
            )
    lost = facts.read - facts.used
    if facts.read and lost >= 0.2 * facts.read:
        reason = next(iter(facts.quarantined), "")
        warnings.append(
            f"{lost:,} of {facts.read:,} rows ({lost / facts.read:.0%}) were set aside, most for: "
            f"{reason}.{_HINTS.get(reason, '')}"
        )
    return notes, warnings


def _repeated(doubles: Duplicates) -> str:
    n = doubles.repeats if doubles.exact else doubles.repeats * 16
    count = f"{n:,}" if doubles.exact else f"about {n:,}"
    return (
        f"{count} rows equal another row in every column and were kept, as two equal purchases of "
        "one day are ordinary; --drop-duplicates sets them aside."
    )
