"""CustomerLedger: what the live path holds of one customer, folded event by event.

Its features are those of a snapshot: the same texts, run in Python over the same rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Any

from patronage.engines.decimals import EXACT
from patronage.engines.expressions import Rows, compile_expression
from patronage.events.tables import SideTables
from patronage.snapshots.features.query import by_grain
from patronage.snapshots.grains import GRAINS, Entries, Known
from patronage.snapshots.grains.days import microseconds

__all__ = ["CustomerLedger"]


@dataclass(frozen=True)
class CustomerLedger:
    """What is known of one customer; order of arrival does not matter.

    Attributes
    ----------
    customer_id : as in the log
    entries : sums, counts and extremes by kind, event day and known day
    """

    customer_id: Any
    entries: Entries = field(default_factory=lambda: Entries(has_clock=True))

    def after(self, *events: Mapping[str, Any]) -> "CustomerLedger":
        """The ledger with more events: the columns of the log, of which any may be missing."""
        return replace(self, entries=self.entries.after(events))

    def features(
        self,
        as_of: date,
        groups: Sequence[str] = (),
        *,
        tables: SideTables | None = None,
        neighbours: Mapping[Any, "CustomerLedger"] | None = None,
    ) -> dict[str, Any]:
        """The customer's row of `Snapshot.customers` at as_of; empty where nothing was known.

        Parameters
        ----------
        groups : feature groups
        tables : side tables, where a group reads them
        neighbours : the ledgers of linked customers, where a group reads them
        """
        known = Known(
            self.customer_id,
            self.entries.before(as_of),
            as_of,
            (tables or SideTables()).before(as_of).latest(),
            {who: one.entries.before(as_of) for who, one in (neighbours or {}).items()},
        )
        if not known.entries.cells:
            return {}
        end = as_of if known.entries.has_clock else as_of - timedelta(days=1)
        marks = {"as_of": as_of, "end_us": microseconds(end)}
        found = {"customer_id": self.customer_id, **_summary(known)}
        with localcontext(EXACT):
            for grain, lines in by_grain(groups).items():
                columns = GRAINS[grain].fold(known)
                rows = Rows(columns, len(next(iter(columns.values()))), marks)
                names = tuple(GRAINS[grain].columns)
                for feature, sql in lines.items():
                    found[feature] = compile_expression(sql, names)(rows)
        return found


def _summary(known: Known) -> dict[str, Any]:
    """The columns that every snapshot has, as `summary_sql` says them."""
    days = GRAINS["days"].fold(known)
    clock = known.entries.has_clock
    rows = list(
        zip(days["event_day"], days["purchases"], days["spent"], days["instant_us"], strict=True)
    )
    bought = [row for row in rows if row[1] > 0]
    counted = [row for row in rows if row[2] > 0]
    start = bought[0] if bought else rows[0]
    first_day, first_spent = start[0], start[2] if bought else Decimal(0)
    frequency = len(counted) - (first_spent > 0)
    start_us = start[3] if start[3] is not None else microseconds(first_day)
    end_us = microseconds(known.as_of if clock else known.as_of - timedelta(days=1))
    spend, cash = sum(days["spent"], Decimal(0)), sum(days["cash"], Decimal(0))
    counted_first = first_spent if first_spent > 0 else Decimal(0)
    return {
        "first_day": first_day,
        "is_buyer": bool(bought),
        "frequency": frequency,
        "recency": (counted[-1][3] - start_us) / 86400e6 if frequency > 0 else 0.0,
        "T": (end_us - start_us) / 86400e6,
        "monetary_value": float(spend - counted_first) / frequency if frequency > 0 else None,
        "first_amount": float(first_spent),
        "spend": float(spend),
        "cash": float(cash),
    }
