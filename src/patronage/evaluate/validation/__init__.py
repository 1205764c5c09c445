"""Validation: whether who is responsible for a model may sign for it."""

from patronage.evaluate.examined import Decision
from patronage.evaluate.validation.catalog import FAMILIES, VALIDATION_METRICS
from patronage.evaluate.validation.limits import LIMITS, Limit, limits_with
from patronage.evaluate.validation.validate import VALIDATION_COLUMNS, Validation, validate
from patronage.evaluate.validation.verdict import Finding

__all__ = [
    "FAMILIES",
    "LIMITS",
    "VALIDATION_COLUMNS",
    "VALIDATION_METRICS",
    "Decision",
    "Finding",
    "Limit",
    "Validation",
    "limits_with",
    "validate",
]
