"""How numbers, money, shares and dates are written: one spelling for the whole report."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, TypeAlias

__all__ = [
    "ABSENT",
    "Amounts",
    "MoneyUnit",
    "Number",
    "amounts",
    "count",
    "day",
    "grouped",
    "join",
    "money",
    "money_unit",
    "month",
    "percent",
    "significant",
    "split_words",
]

Number: TypeAlias = float | int

ABSENT: Final = "–"
_NO_BREAK: Final = "\u00a0"
_MINUS: Final = "\u2212"
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True)
class MoneyUnit:
    """A scale for an axis: values are divided by `divisor`, its title ends with `label`."""

    divisor: float
    label: str


def _known(value: Number | None) -> bool:
    return value is not None and math.isfinite(value)


def grouped(value: Number | None, decimals: int = 0) -> str:
    """Thousands separated by commas, a true minus sign, a dash for what is not known.

    >>> grouped(-1234.5, 1), grouped(float("nan")), grouped(-0.001, 2)
    ('−1,234.5', '–', '0.00')
    """
    if value is None or not math.isfinite(value):
        return ABSENT
    text = f"{value:,.{decimals}f}"
    if text.startswith("-"):
        text = text[1:] if not text.strip("-0.,") else _MINUS + text[1:]
    return text


def count(value: Number | None) -> str:
    """A whole number of things."""
    return grouped(value, 0)


def _decimals(largest: Number) -> int:
    return 2 if abs(largest) < 1000 else 0


def significant(value: Number | None, digits: int = 3) -> str:
    """A number of any size in about `digits` significant digits.

    >>> significant(0.71953), significant(1.7261), significant(23570.2)
    ('0.720', '1.73', '23,570')
    """
    if value is None or not math.isfinite(value):
        return ABSENT
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    if magnitude < -6:
        return f"{value:.{digits - 1}e}".replace("-", _MINUS)
    return grouped(value, max(0, digits - 1 - max(magnitude, -4)))


def money(value: Number | None, currency: str) -> str:
    """Money in running text: exact to the unit below a million, three or four digits above.

    >>> money(12_345_678, "USD").replace(chr(160), " "), money(61.5, "EUR").replace(chr(160), " ")
    ('USD 12.35 million', 'EUR 61.50')
    """
    if value is None or not math.isfinite(value):
        return ABSENT
    prefix = f"{currency}{_NO_BREAK}" if currency else ""
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if abs(value) >= size * 0.9999995:
            scaled = value / size
            decimals = 2 if abs(scaled) < 100 else 1
            return f"{prefix}{grouped(scaled, decimals)}{_NO_BREAK}{word}"
    return prefix + grouped(value, _decimals(value))


@dataclass(frozen=True)
class Amounts:
    """How the money of one table is written: its caption says `label`, its cells hold numbers."""

    divisor: float
    decimals: int
    label: str

    def write(self, value: Number | None) -> str:
        """One amount."""
        return grouped(None if value is None else value / self.divisor, self.decimals)

    def between(self, low: Number | None, high: Number | None) -> str:
        """Two bounds."""
        if not (_known(low) and _known(high)):
            return ABSENT
        return f"{self.write(low)}{_NO_BREAK}–{_NO_BREAK}{self.write(high)}"


def amounts(values: Iterable[Number | None], currency: str) -> Amounts:
    """Cents where all are small, thousands and more where columns would not fit the page.

    >>> amounts([12.5, None], "USD"), amounts([2.5e9], "IDR").label
    (Amounts(divisor=1.0, decimals=2, label='USD'), 'IDR thousand')
    """
    largest = max((abs(v) for v in values if v is not None and math.isfinite(v)), default=0.0)
    for size, word in ((1e16, "trillion"), (1e13, "billion"), (1e10, "million"), (1e7, "thousand")):
        if largest >= size:
            return Amounts(size / 1e4, 0, f"{currency} {word}".strip())
    return Amounts(1.0, _decimals(largest), currency or "money")


def money_unit(largest: Number, currency: str) -> MoneyUnit:
    """The scale that keeps an axis' numbers short."""
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"), (1e4, "thousand")):
        if math.isfinite(largest) and abs(largest) >= size:
            divisor = 1e3 if word == "thousand" else size
            return MoneyUnit(divisor, f"{currency} {word}".strip())
    return MoneyUnit(1.0, currency or "money")


def percent(share: Number | None, decimals: int = 0) -> str:
    """A share as per cent: 0.583 → '58 %'."""
    if share is None or not math.isfinite(share):
        return ABSENT
    return f"{grouped(100 * share, decimals)}{_NO_BREAK}%"


def day(value: date | None) -> str:
    """A day in running text: '1 July 1998'."""
    if value is None:
        return ABSENT
    return f"{value.day}{_NO_BREAK}{_MONTHS[value.month - 1]}{_NO_BREAK}{value.year}"


def month(value: date | datetime) -> str:
    """A cohort's name: 'Jan 1997'."""
    return f"{_MONTHS[value.month - 1][:3]}{_NO_BREAK}{value.year}"


def join(words: list[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def split_words(name: str) -> str:
    """An identifier as words: 'top_decile_capture' → 'Top decile capture'."""
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]
