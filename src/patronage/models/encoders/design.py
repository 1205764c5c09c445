"""Design: the columns that formulas make of covariates, as learned from the customers of a fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import polars as pl
from jaxtyping import Float

from patronage.models.encoders.codings import Levels, Numbers, learn_coding
from patronage.models.encoders.formula import Term

__all__ = ["Column", "Design", "learn_design"]


@final
@dataclass(frozen=True)
class Column:
    """One column: a product of factors, each a number or the indicator of a level.

    Attributes
    ----------
    term : the term of the formula that it belongs to: "channel", "channel:income"
    parts : each factor's place among the codings, and the place of its level (0 for a number)
    name : "channel[web]", "channel[web]:income"
    """

    term: str
    parts: tuple[tuple[int, int], ...]
    name: str


@final
@dataclass(frozen=True)
class Design:
    """What makes the same columns of any customers.

    Attributes
    ----------
    codings : of each factor
    columns : of the design matrix
    """

    codings: tuple[Numbers | Levels, ...]
    columns: tuple[Column, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the covariates."""
        return tuple(dict.fromkeys(coding.factor.column for coding in self.codings))

    @property
    def references(self) -> dict[str, str]:
        """The reference level of each factor that has levels."""
        return {c.factor.name: c.reference for c in self.codings if c.reference}

    def read(
        self, covariates: pl.DataFrame
    ) -> tuple[Float[np.ndarray, "rows columns"], tuple[str, ...]]:
        """The design matrix, and what was taken as usual in it, counted."""
        pairs = [coding.read(covariates[coding.factor.column]) for coding in self.codings]
        found = np.ones((len(self.columns), len(covariates)))
        for row, column in zip(found, self.columns, strict=True):
            for place, level in column.parts:
                values = pairs[place][0]
                row *= values == level if isinstance(self.codings[place], Levels) else values
        return found.T, tuple(said for _, remarks in pairs for said in remarks)


def learn_design(
    formulas: Mapping[str, tuple[Term, ...]],
    covariates: pl.DataFrame,
    weight: Float[np.ndarray, " rows"],
) -> tuple[Design, dict[str, tuple[int, ...]]]:
    """The design that serves several formulas, and the columns of each.

    A factor stands in a term by its levels without the reference if the term without that factor
    is in the formula too (or is the level θ₀), and by all of its levels if not, as in R.
    """
    factors = list(dict.fromkeys(f for terms in formulas.values() for term in terms for f in term))
    codings = tuple(learn_coding(f, covariates[f.column], weight) for f in factors)
    columns: dict[Column, int] = {}
    by_formula = {}
    for name, terms in formulas.items():
        made = [
            column
            for term in terms
            for column in _columns(term, {frozenset(t) for t in terms}, factors, codings)
        ]
        by_formula[name] = tuple(columns.setdefault(column, len(columns)) for column in made)
    return Design(codings, tuple(columns)), by_formula


def _columns(
    term: Term,
    terms: set[frozenset[object]],
    factors: Sequence[object],
    codings: Sequence[Numbers | Levels],
) -> list[Column]:
    about = ":".join(factor.name for factor in term)
    found = [Column(about, (), "")]
    for factor in term:
        place = factors.index(factor)
        coding = codings[place]
        rest = frozenset(term) - {factor}
        if isinstance(coding, Levels):
            first = 1 if not rest or rest in terms else 0
            ways = [
                (level, f"{factor.name}[{coding.levels[level]}]")
                for level in range(first, len(coding.levels))
            ]
        else:
            ways = [(0, factor.name)]
        found = [
            Column(about, (*column.parts, (place, level)), f"{column.name}:{name}".lstrip(":"))
            for column in found
            for level, name in ways
        ]
    return found
