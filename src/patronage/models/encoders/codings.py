"""Codings: how a covariate is read, as learned from the customers of the fit."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Protocol, final

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int, Shaped

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

    def read(self, column: pl.Series) -> tuple[Shaped[np.ndarray, " rows"], tuple[str, ...]]:
        """A value or the place of a level for each row, and what could not be read, counted."""
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

    def read(self, column: pl.Series) -> tuple[Float[np.ndarray, " rows"], tuple[str, ...]]:
        """Numbers without gaps, at most one width of the fit's range outside of it."""
        found = _numbers(column, self.factor)
        name, width, said = self.factor.name, self.high - self.low, []
        missing = int(np.sum(~np.isfinite(found)))
        if missing:
            said.append(
                f"{name}: {missing:,} of {len(found):,} customers have no known number and are "
                f"taken at the mean, {self.usual:.6g}"
            )
        # Why: effects are exponential; a wrong unit would make a rate of e^1000.
        near = np.clip(found, self.low - width, self.high + width)
        far = int(np.sum(near != found)) - missing
        if far:
            said.append(
                f"{name}: {far:,} of {len(found):,} customers lie far outside of what the fit saw "
                f"({self.low:.6g} to {self.high:.6g}) and are taken one width outside"
            )
        return np.where(np.isfinite(near), near, self.usual), tuple(said)


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

    def read(self, column: pl.Series) -> tuple[Int[np.ndarray, " rows"], tuple[str, ...]]:
        """The place of each row's level among the levels."""
        texts, codes = _coded(column)
        counts = _counted(texts, np.bincount(codes, minlength=len(texts)))
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
        places = {level: place for place, level in enumerate(self.levels)}
        return np.array([places.get(text or "", 0) for text in texts])[codes], tuple(said)


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
    texts, codes = _coded(column)
    counts = _counted(texts, np.bincount(codes, weights=weight, minlength=len(texts)))
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


def _coded(column: pl.Series) -> tuple[list[str | None], Int[np.ndarray, " rows"]]:
    """The level of each distinct value as a text, and each row's place among these.

    Why distinct values: a million texts take a second to clean, and hold a few levels.
    """
    if column.dtype == pl.Boolean:
        truth = column.cast(pl.Int64)
        # Why only then: to fill none costs a query, a quarter of a fit of the NBD.
        truth = truth.fill_null(2) if truth.null_count() else truth
        return ["false", "true", None], truth.to_numpy()
    plain = column.fill_nan(None) if column.dtype.is_float() else column
    raw = plain.unique().drop_nulls().to_list()
    places = plain.replace_strict(
        raw, list(range(len(raw))), default=len(raw), return_dtype=pl.Int64
    )
    return [*map(_level, raw), None], places.to_numpy()


def _level(raw: Any) -> str | None:
    """Whole numbers are spelled alike, stored as integers, floats or texts; blanks are missing."""
    if isinstance(raw, float | Decimal) and math.isfinite(raw) and raw == int(raw):
        raw = int(raw)
    text = str(raw).strip()
    return (text.partition(".")[0] if _WHOLE.fullmatch(text) else text) or None


def _counted(
    texts: Sequence[str | None], weights: Shaped[np.ndarray, " values"]
) -> dict[str | None, float]:
    """The weight of each level; None: of what is missing."""
    found: dict[str | None, float] = {}
    for text, weight in zip(texts, weights.tolist(), strict=True):
        found[text] = found.get(text, 0.0) + weight
    return found


def _is_number(column: pl.Series) -> bool:
    """Whether a column is numeric, or holds texts of which every one is a number."""
    if column.dtype in _TEXTS:
        text = pl.Series(map(_level, column.drop_nulls().unique().to_list()), dtype=pl.String)
        text = text.drop_nulls()
        return len(text) > 0 and not text.cast(pl.Float64, strict=False).is_null().any()
    return column.dtype.is_numeric()


def _numbers(column: pl.Series, factor: Factor) -> Float[np.ndarray, " rows"]:
    """The transformed numbers; NaN where there is none, or where the transform has no value."""
    if column.dtype in _TEXTS:
        column = column.cast(pl.String).str.strip_chars()
    number = column.cast(pl.Float64, strict=False).to_numpy()
    with np.errstate(all="ignore"):
        found = np.asarray(_FUNCTIONS[factor.transform](number)) if factor.transform else number
    return np.where(np.isfinite(found), found, np.nan)
