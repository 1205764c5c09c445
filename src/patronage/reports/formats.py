"""How numbers, money, shares and dates are written: one spelling for the whole report."""

import math
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

__all__ = [
    "ABSENT",
    "MoneyUnit",
    "count",
    "day",
    "decimals_for",
    "grouped",
    "join",
    "money",
    "money_range",
    "money_unit",
    "month",
    "percent",
    "significant",
    "split_words",
]

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


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def grouped(value: float | None, decimals: int = 0) -> str:
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


def count(value: float | None) -> str:
    """A whole number of things."""
    return grouped(value, 0)


def decimals_for(largest: float | None) -> int:
    """Decimals worth showing where the largest magnitude is `largest`: cents under 1,000."""
    return 2 if largest is None or not math.isfinite(largest) or abs(largest) < 1000 else 0


def significant(value: float | None, digits: int = 3) -> str:
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


def money(value: float | None, currency: str) -> str:
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
    return prefix + grouped(value, decimals_for(value))


def money_range(low: float | None, high: float | None, decimals: int = 0) -> str:
    """Bounds of money without the currency, for a column whose header names it."""
    if not (_known(low) and _known(high)):
        return ABSENT
    return f"{grouped(low, decimals)}{_NO_BREAK}–{_NO_BREAK}{grouped(high, decimals)}"


def money_unit(largest: float, currency: str) -> MoneyUnit:
    """The scale that keeps an axis' numbers short."""
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"), (1e4, "thousand")):
        if math.isfinite(largest) and abs(largest) >= size:
            divisor = 1e3 if word == "thousand" else size
            return MoneyUnit(divisor, f"{currency} {word}".strip())
    return MoneyUnit(1.0, currency or "money")


def percent(share: float | None, decimals: int = 0) -> str:
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
