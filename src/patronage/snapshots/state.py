"""CustomerLedger: what the live path holds of one customer, folded event by event.

Its features are those of a snapshot: the same texts, run in Python over the same rows.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any, Final

from patronage.engines.decimals import EXACT
from patronage.engines.expressions import Rows, compile_expression
from patronage.events.tables import SideTables
from patronage.snapshots.features.query import by_grain
from patronage.snapshots.grains import GRAINS, Entries, Known
from patronage.snapshots.grains.days import microseconds

__all__ = ["CustomerLedger"]

_TABLES: Final = ("cells", "marks", "orders")
_TIGHT: Final = (",", ":")
_encode: Final = json.JSONEncoder(separators=_TIGHT).encode


@dataclass(frozen=True)
class CustomerLedger:
    """What is known of one customer; order of arrival does not matter.

    Attributes
    ----------
    customer_id : as in the log
    entries : sums, counts and extremes by kind, event day and known day
    written : what `to_json` wrote of each entry, so that an event more is an entry more to write
    """

    customer_id: Any
    entries: Entries = field(default_factory=lambda: Entries(has_clock=True))
    written: dict[str, dict[tuple[Any, ...], tuple[Any, ...]]] = field(
        default_factory=lambda: {name: {} for name in _TABLES}, repr=False, compare=False
    )

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

    def to_json(self) -> str:
        """The ledger as text, the same in whatever order its events came; `from_json` reads it."""
        entries = self.entries
        said = {
            "customer_id": self.customer_id,
            "has_clock": entries.has_clock,
            "rated_kinds": entries.rated_kinds,
        }
        tables = [f'"{name}":[{",".join(self._texts(name))}]' for name in _TABLES]
        return f"{_encode(said)[:-1]},{','.join(tables)}}}"

    def _texts(self, table: str) -> list[str]:
        """The entries of a table as texts, in the order of their keys."""
        found, written = [], self.written[table]
        for key, entry in getattr(self.entries, table).items():
            there = written.get(key)
            # Why identity: another entry under this key is another object.
            if there is None or there[0] is not entry:
                place = tuple(map(str, key))
                there = entry, place, _encode((_plain(key), _plain(entry)))
                written[key] = there
            found.append(there)
        found.sort(key=lambda one: one[1])
        return [text for _, _, text in found]

    @classmethod
    def from_json(cls, text: str) -> "CustomerLedger":
        """The ledger that `to_json` wrote."""
        read = json.loads(text)
        tables = {
            name: {tuple(map(_rich, key)): tuple(map(_rich, entry)) for key, entry in read[name]}
            for name in _TABLES
        }
        entries = Entries(read["has_clock"], tuple(read["rated_kinds"]), **tables)
        return cls(read["customer_id"], entries)


def _plain(parts: Sequence[Any]) -> list[Any]:
    """Decimals, days and instants as marked texts; other texts are marked too."""
    # Why no call for each: most parts are counts or not known, and every event writes some.
    return [part if (write := _WRITTEN.get(type(part))) is None else write(part) for part in parts]


def _rich(part: Any) -> Any:
    if not isinstance(part, str):
        return part
    return _READ[part[0]](part[1:])


_WRITTEN: Final[Mapping[type, Callable[[Any], str]]] = {
    datetime: lambda moment: "t" + moment.isoformat(),
    date: lambda day: "d" + day.isoformat(),
    Decimal: lambda number: "n" + str(number),
    str: lambda text: "s" + text,
}
_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "t": datetime.fromisoformat,
    "d": date.fromisoformat,
    "n": Decimal,
    "s": str,
}


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
