"""How far ahead: a number of equal periods. The one file that knows how long a month is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

from patronage.errors import HorizonError

__all__ = ["DAYS_PER", "Horizon", "days_per"]

DAYS_PER: Final[Mapping[str, float]] = {
    "day": 1.0,
    "week": 7.0,
    "month": 365.25 / 12,
    "quarter": 365.25 / 4,
    "year": 365.25,
}

_TEXT = re.compile(r"\s*(\d+)\s*([a-zA-Z]+)\s*")


def days_per(unit: str) -> float:
    """Length of one unit of time in days; plurals and first letters are read too."""
    name = unit.strip().lower().rstrip("s")
    name = {"d": "day", "w": "week", "m": "month", "q": "quarter", "y": "year"}.get(name, name)
    if name not in DAYS_PER:
        raise HorizonError(
            f"{unit!r} is no unit of time; known units: {', '.join(DAYS_PER)}.\n"
            "To mend: write for example 'week'."
        )
    return DAYS_PER[name]


@dataclass(frozen=True)
class Horizon:
    """`n_periods` periods of one length, beginning at as_of.

    >>> Horizon(39, "week").days
    273.0
    >>> Horizon.parse("12 months")
    Horizon(n_periods=12, period='month')
    """

    n_periods: int
    period: str

    def __post_init__(self) -> None:
        if self.period not in DAYS_PER:
            raise HorizonError(
                f"{self.period!r} is no period; known periods: {', '.join(DAYS_PER)}.\n"
                "To mend: write for example Horizon(52, 'week')."
            )
        if self.n_periods < 1:
            raise HorizonError(
                f"a horizon has at least one period; {self.n_periods} given.\n"
                "To mend: write for example '52 weeks'."
            )
        if self.days > 36_600:
            raise HorizonError(
                f"a horizon ends within 100 years; {self} given.\n"
                "To mend: write for example '52 weeks'."
            )

    @classmethod
    def parse(cls, text: str) -> "Horizon":
        """Read '39 weeks', '12 months', '1y'."""
        match = _TEXT.fullmatch(text)
        if match is None:
            raise HorizonError(
                f"cannot read the horizon {text!r}.\n"
                "To mend: a whole number and a unit, for example '39 weeks' or '12 months'."
            )
        length = days_per(match[2])
        return cls(int(match[1]), next(name for name, days in DAYS_PER.items() if days == length))

    @property
    def days(self) -> float:
        """Length in days."""
        return self.n_periods * DAYS_PER[self.period]

    def edges(self) -> Float[np.ndarray, " edges"]:
        """Days from as_of to each period's bounds: 0, …, `days` (n_periods + 1 numbers)."""
        return np.arange(self.n_periods + 1) * DAYS_PER[self.period]

    def __str__(self) -> str:
        return f"{self.n_periods} {self.period}{'s' if self.n_periods > 1 else ''}"
