"""The rate table: what an event without an amount of its own is worth."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property

import polars as pl

from patronage.events.raw import SPACES

__all__ = ["Rates"]

_Rate = tuple[datetime | None, datetime | None, Decimal]


@dataclass(frozen=True)
class Rates:
    """Values by kind, product and date.

    Of the rows that fit an event, one that names its product wins over one for all products, then
    the one that starts last, then the greater value.

    Attributes
    ----------
    table : kind, product_id (null: all products), start, end (UTC; null: without; end is the first
        instant at which the rate no longer holds), value (currency of the log, DECIMAL(18,4)); of
        rows that fit, the first one wins
    """

    table: pl.DataFrame

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """The kinds whose events it may give cash."""
        return tuple(self.table["kind"].unique().sort())

    def value(self, kind: str, product_id: str | None, time: datetime) -> Decimal | None:
        """What such an event at this time is worth; None: no rate fits it."""
        if kind not in self.kinds:
            return None
        fit = self._rates.get((kind, None), [])
        if product_id is not None:
            fit = self._rates.get((kind, product_id.strip(SPACES)), []) + fit
        for start, end, value in fit:
            if (start is None or time >= start) and (end is None or time < end):
                return value
        return None

    @cached_property
    def _rates(self) -> Mapping[tuple[str, str | None], list[_Rate]]:
        found = defaultdict[tuple[str, str | None], list[_Rate]](list)
        for row in self.table.iter_rows(named=True):
            rate = (row["start"], row["end"], row["value"])
            found[row["kind"], row["product_id"]].append(rate)
        return dict(found)
