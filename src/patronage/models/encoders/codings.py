"""Codings: how a covariate is read, as learned from the customers of the fit."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Protocol, final

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from patronage.errors import SettingsError
from patronage.models.encoders.formula import Factor

__all__ = ["Coding", "Levels", "Numbers", "learn_coding"]

_MOST_LEVELS: Final = 100
_WHOLE: Final = re.compile(r"-?\d+\.0+")
_FUNCTIONS: Final = {"log": np.log, "log1p": np.log1p, "sqrt": np.sqrt}


class Coding(Protocol):
    """A frozen dataclass of what was learned of one factor."""

    @property
    def factor(self) -> Factor:
        """What it reads."""
        ...

    @property
    def reference(self) -> str:
        """What effects are counted from, in words; "" for numbers, which count from zero."""
        ...

    def remarks(self, column: pl.Series) -> tuple[str, ...]:
        """What customers show that could not be read, counted; and as what they were taken."""
        ...


@final
@dataclass(frozen=True)
class Numbers:
    """A covariate that enters as it is, or by its logarithm.

    Attributes
    ----------
    usual : the mean, which stands in for what is missing
    low, high : the range that the fit saw
    """

    factor: Factor
    usual: float
    low: float
    high: float

    reference = ""

    def values(self, column: pl.Series) -> Float[np.ndarray, " rows"]:
        """Numbers without gaps, at most one width of the fit's range outside of it."""
        found = _numbers(column, self.factor)
        width = self.high - self.low
        # Why: effects are exponential; a wrong unit would make a rate of e^1000.
        near = np.clip(found, self.low - width, self.high + width)
        return np.where(np.isfinite(found), near, self.usual)

    def remarks(self, column: pl.Series) -> tuple[str, ...]:
        found = _numbers(column, self.factor)
        known = found[np.isfinite(found)]
        name, said = self.factor.name, []
        if len(known) < len(found):
            said.append(
                f"{name}: {len(found) - len(known):,} of {len(found):,} customers have no known "
                f"number and are taken at the mean, {self.usual:.6g}"
            )
        width = self.high - self.low
        far = int(np.sum((known < self.low - width) | (known > self.high + width)))
        if far:
            said.append(
                f"{name}: {far:,} of {len(found):,} customers lie far outside of what the fit saw "
                f"({self.low:.6g} to {self.high:.6g}) and are taken one width outside"
            )
        return tuple(said)


@final
@dataclass(frozen=True)
class Levels:
    """A covariate that enters as categories.

    Attributes
    ----------
    levels : the categories of the fit; the first is the reference, which stands in for what is
        missing or was never seen
    """

    factor: Factor
    levels: tuple[str, ...]

    @property
    def reference(self) -> str:
        return self.levels[0]

    def places(self, column: pl.Series) -> Int[np.ndarray, " rows"]:
        """The place of each row's level among the levels."""
        numbers = {level: place for place, level in enumerate(self.levels)}
        places = {raw: numbers.get(level or "", 0) for raw, level in _spelled(column).items()}
        found = _plain(column).replace_strict(
            list(places), list(places.values()), default=0, return_dtype=pl.Int64
        )
        return found.to_numpy()

    def remarks(self, column: pl.Series) -> tuple[str, ...]:
        counts = _counted(column, np.ones(len(column)))
        missing = int(counts.pop(None, 0))
        unseen = sorted((level, int(n)) for level, n in counts.items() if level not in self.levels)
        name, said = self.factor.name, []
        if missing:
            said.append(
                f"{name}: {missing:,} of {len(column):,} customers have no known level and are "
                f"taken as {self.reference!r}"
            )
        if unseen:
            names = ", ".join(repr(level) for level, _ in unseen[:3])
            said.append(
                f"{name}: {sum(n for _, n in unseen):,} of {len(column):,} customers have a level "
                f"that the fit never saw ({names}{', …' if len(unseen) > 3 else ''}) and are taken "
                f"as {self.reference!r}"
            )
        return tuple(said)


def learn_coding(
    factor: Factor, column: pl.Series, weight: Float[np.ndarray, " rows"]
) -> Numbers | Levels:
    """From the customers of the fit.

    Texts and booleans are categories; texts that are all numbers (as in a CSV) are numbers, unless
    C(…) says otherwise. The reference is the most frequent level, of equals the first by alphabet;
    of false and true it is false.

    Raises
    ------
    SettingsError : nothing is known, there are too many levels, or the type has no meaning here
    """
    if not (column.dtype.is_numeric() or column.dtype in (*_TEXTS, pl.Boolean)):
        raise SettingsError(
            f"the covariate {factor.column!r} is of type {column.dtype}, neither number nor text.\n"
            "To mend: turn a date into a number of days or years, a list into a text."
        )
    if factor.transform == "C" or (not factor.transform and not _is_number(column)):
        return _levels(factor, column, weight)
    found = _numbers(column, factor)
    known: Bool[np.ndarray, " rows"] = np.isfinite(found)
    if not known.any():
        raise SettingsError(
            f"no customer has a known {factor.name}.\n"
            "To mend: check that the table of customers has numbers there, known before as_of."
        )
    usual = float(np.average(found[known], weights=weight[known]))
    return Numbers(factor, usual, float(found[known].min()), float(found[known].max()))


def _levels(factor: Factor, column: pl.Series, weight: Float[np.ndarray, " rows"]) -> Levels:
    counts = _counted(column, weight)
    known = [(-n, level) for level, n in counts.items() if level is not None]
    levels = [level for _, level in sorted(known)]
    if not levels:
        raise SettingsError(
            f"no customer has a known {factor.name}.\n"
            "To mend: check that the table of customers has that column filled before as_of."
        )
    if len(levels) > _MOST_LEVELS:
        raise SettingsError(
            f"the covariate {factor.name} has {len(levels):,} levels ({levels[0]!r}, "
            f"{levels[1]!r}, …); at most {_MOST_LEVELS} can be told apart.\n"
            "To mend: group them into a column with fewer levels, or give numbers."
        )
    if sorted(level.lower() for level in levels) == ["false", "true"]:
        levels.sort(key=str.lower)
    return Levels(factor, (levels[0], *sorted(levels[1:])))


_TEXTS: Final = (pl.String, pl.Categorical, pl.Enum)


def _plain(column: pl.Series) -> pl.Series:
    return column.fill_nan(None) if column.dtype.is_float() else column


def _spelled(column: pl.Series) -> dict[Any, str | None]:
    """Each distinct value as the text of its level; blanks are missing.

    Whole numbers are spelled alike, stored as integers, floats or texts. Why distinct values: a
    million texts take a second to clean, and hold a few levels.
    """
    return {raw: _level(raw) for raw in _plain(column).unique().to_list()}


def _level(raw: Any) -> str | None:
    if isinstance(raw, float | Decimal) and raw == raw.__floor__():
        raw = int(raw)
    text = str(raw).lower() if isinstance(raw, bool) else str(raw).strip()
    if _WHOLE.fullmatch(text):
        text = text.partition(".")[0]
    return None if raw is None or not text else text


def _counted(column: pl.Series, weight: Float[np.ndarray, " rows"]) -> dict[str | None, float]:
    """The weight of each level; None: of what is missing."""
    spelled = _spelled(column)
    sums = pl.DataFrame({"raw": _plain(column), "weight": weight}).group_by("raw").sum()
    found: dict[str | None, float] = {}
    for raw, total in sums.rows():
        found[spelled[raw]] = found.get(spelled[raw], 0.0) + total
    return found


def _is_number(column: pl.Series) -> bool:
    """Whether a column is numeric, or holds texts of which every one is a number."""
    if column.dtype in _TEXTS:
        known = [level for level in _spelled(column).values() if level is not None]
        text = pl.Series(known, dtype=pl.String)
        return len(text) > 0 and not text.cast(pl.Float64, strict=False).is_null().any()
    return column.dtype.is_numeric()


def _numbers(column: pl.Series, factor: Factor) -> Float[np.ndarray, " rows"]:
    """The transformed numbers; NaN where there is none, or where the transform has no value."""
    source = column.cast(pl.String).str.strip_chars() if column.dtype in _TEXTS else column
    number = source.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    with np.errstate(all="ignore"):
        found = np.asarray(_FUNCTIONS[factor.transform](number)) if factor.transform else number
    return np.where(np.isfinite(found), found, np.nan)
