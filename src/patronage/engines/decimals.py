"""Decimals in Python that are rounded as DuckDB rounds them."""

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa
from jaxtyping import Float, Int

__all__ = ["EXACT", "decimal_as_double", "decimal_column", "to_decimal"]

# Wide enough for any product of two sums.
EXACT: Final = Context(prec=80)
# Whole numbers up to it are doubles.
_MOST_WHOLE: Final = 2**53


def to_decimal(value: float | int | Decimal, scale: int, precision: int = 18) -> Decimal | None:
    """The value with `scale` digits behind the point; None where it has no room.

    Floats are scaled and rounded half to even, once ties were moved away from zero, as DuckDB does.
    """
    if isinstance(value, float):
        scaled = value * 10.0**scale
        if not abs(scaled) < 10.0**precision:
            return None
        units = round(scaled + (1e-9 if scaled > 0 else -1e-9 if scaled < 0 else 0.0))
        return Decimal(units).scaleb(-scale, EXACT)
    exact = Decimal(value).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, EXACT)
    return exact if abs(exact) < Decimal(10) ** (precision - scale) else None


def decimal_column(units: Int[np.ndarray, " n"], precision: int, scale: int) -> pl.Series:
    """Whole numbers of the last digit as decimals."""
    # Why: a decimal is an integer of 128 bits; its upper half repeats the sign.
    wide = units.astype(np.int64, copy=False)
    halves = np.stack([wide, wide >> 63], axis=1)
    kind = pa.decimal128(precision, scale)
    return pl.Series(pa.Array.from_buffers(kind, len(units), [None, pa.py_buffer(halves)]))


def decimal_as_double(units: Int[np.ndarray, " n"], scale: int) -> Float[np.ndarray, " n"]:
    """Whole numbers of the last digit as DuckDB casts the decimals to DOUBLE."""
    power = 10**scale
    found = units / float(power)
    if max(int(units.max(initial=0)), -int(units.min(initial=0))) > _MOST_WHOLE:
        large = np.flatnonzero(np.abs(units) > _MOST_WHOLE)
        rest = np.fmod(units[large], power)
        found[large] = ((units[large] - rest) // power).astype(np.float64) + rest / float(power)
    return found
