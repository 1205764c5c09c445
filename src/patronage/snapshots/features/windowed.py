"""Groups over the spans: what happened in nested windows, their lags and trends."""

from collections.abc import Mapping
from typing import Final

from patronage.errors import SettingsError
from patronage.snapshots.features.group import Group
from patronage.snapshots.grains.spans import SPAN_DAYS

__all__ = ["WINDOWED", "within"]

Lines = dict[str, tuple[str, str]]

# Windows of which the double is one too.
_DOUBLED: Final = tuple(days for days in SPAN_DAYS if 2 * days in SPAN_DAYS)


def within(column: str, days: int, *, after: int = 0) -> str:
    """SQL of the sum of a column over the last `days` days, without the last `after` of them."""
    if {days, after or days} - {*SPAN_DAYS}:
        raise SettingsError(f"no spans make up the days from {after} to {days} before as_of.")
    since = f" AND span > {after}" if after else ""
    return f"coalesce(sum({column}) FILTER (span <= {days}{since}), 0)"


def _sums(column: str, windows: tuple[int, ...], says: str, *, money: bool = False) -> Lines:
    cast = "::DOUBLE" if money else "::BIGINT"
    return {
        f"{column}_{days}": (within(column, days) + cast, f"{says} in the last {days} days")
        for days in windows
    }


def _lags(column: str, says: str, *, money: bool = False) -> Lines:
    cast = "::DOUBLE" if money else "::BIGINT"
    return {
        f"{column}_{days}_before": (
            within(column, 2 * days, after=days) + cast,
            f"{says} in the {days} days before the last {days}",
        )
        for days in _DOUBLED
    }


def _trends(column: str, says: str) -> Lines:
    found = {
        f"{column}_change_{days}": (
            f"({within(column, days)} - {within(column, 2 * days, after=days)})::DOUBLE",
            f"{says} in the last {days} days less those of the {days} before",
        )
        for days in (28, 91, 365)
    }
    found |= {
        f"{column}_pace_{short}_of_{long}": (
            f"({within(column, short)} * {long})::DOUBLE"
            f" / nullif(({within(column, long)} * {short})::DOUBLE, 0)",
            f"{says} a day in the last {short} days over those in the last {long}",
        )
        for short, long in ((28, 182), (91, 365))
    }
    return found


_FEW: Final = (28, 91, 365)

WINDOWED: Final[Mapping[str, Group]] = {
    "spent_windows": Group("spans", _sums("spent", SPAN_DAYS, "gross money", money=True)),
    "buying_windows": Group("spans", _sums("buying_days", SPAN_DAYS, "purchase days")),
    "event_windows": Group("spans", _sums("events", (7, 28, 91, 365), "events of any kind")),
    "cash_windows": Group(
        "spans",
        {
            f"net_{name}": line
            for name, line in _sums("cash", SPAN_DAYS, "net cash", money=True).items()
        },
    ),
    "active_windows": Group("spans", _sums("active_days", SPAN_DAYS, "days with any event")),
    "lags": Group(
        "spans",
        _lags("spent", "gross money", money=True) | _lags("buying_days", "purchase days"),
    ),
    "trends": Group(
        "spans", _trends("spent", "gross money") | _trends("buying_days", "purchase days")
    ),
    "item_windows": Group(
        "spans", _sums("items", (28, 91, 182, 365), "items bought", money=True), ("quantity",)
    ),
    "return_windows": Group(
        "spans",
        _sums("refunds", (28, 91, 182, 365), "refunds")
        | _sums("refunded", (91, 365), "money paid back (negative)", money=True),
    ),
    "browsing_windows": Group(
        "spans",
        _sums("visits", _FEW, "visits")
        | _sums("clicks", _FEW, "clicks")
        | _sums("app_uses", _FEW, "uses of the app")
        | _sums("browsing_days", (7, *_FEW), "days with a visit, click or use of the app"),
    ),
    "response_windows": Group(
        "spans",
        _sums("responses", _FEW, "answers to e-mails and posts")
        | _sums("treatments", _FEW, "treatments received"),
    ),
    "service_windows": Group(
        "spans",
        _sums("contacts", _FEW, "support contacts") | _sums("failures", _FEW, "failed payments"),
    ),
    "discount_windows": Group(
        "spans", _sums("discount", _FEW, "discounts received", money=True), ("discount",)
    ),
}
