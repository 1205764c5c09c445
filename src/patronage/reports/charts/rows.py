"""A frame as the inline data of a chart: dates as local midnights, what is unknown as null."""

import math
from datetime import date, datetime
from typing import Any

import altair as alt
import polars as pl

__all__ = ["inline"]


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date):
        # A bare date is read as UTC and then shown in local time, which may be the day before.
        return f"{value.isoformat()}T00:00:00"
    return value


def inline(frame: pl.DataFrame) -> alt.InlineData:
    """The rows of `frame`."""
    return alt.InlineData(
        values=[
            {name: _plain(value) for name, value in row.items()}
            for row in frame.iter_rows(named=True)
        ]
    )
