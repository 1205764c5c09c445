"""What the page of a validation is drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from patronage.evaluate.validation import Validation

__all__ = ["ValidationInputs"]


@dataclass(frozen=True, kw_only=True)
class ValidationInputs:
    """A validation, and what it rests on.

    Attributes
    ----------
    validation : every number and finding
    version, trained : of a saved model; '' and None where the model was fitted anew
    judged : at which days and how far ahead, in a sentence
    as_of, currency, n_customers, first_day, last_day : of the log
    when_to_use, setting, family, assumption : what the catalogue says of the model; '' if nothing
    threshold_from : where the threshold comes from
    rows_read, rows_used, quarantined, notes : of the intake
    """

    validation: Validation
    version: str
    trained: date | None
    judged: str
    as_of: date
    currency: str
    n_customers: int
    when_to_use: str
    setting: str
    family: str
    assumption: str
    threshold_from: str
    rows_read: int
    rows_used: int
    quarantined: Mapping[str, int]
    notes: tuple[str, ...]
    first_day: date
    last_day: date
