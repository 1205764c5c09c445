"""Covariates: which of a customer's attributes act on what, as set; and as learned."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, final

import numpy as np
import polars as pl
from jaxtyping import Float

from patronage.errors import SettingsError
from patronage.events import EventLog
from patronage.models.encoders.design import Design
from patronage.models.encoders.designed import Designed
from patronage.models.encoders.formula import Term, parse_formula
from patronage.models.encoders.linear import LinearEncoder
from patronage.models.likelihoods.base import Table
from patronage.snapshots import attribute_source, is_attribute

__all__ = ["Covariates", "FittedCovariates", "named_columns", "sources_in"]

_log = logging.getLogger(__name__)
TableT = TypeVar("TableT", bound=Table)


@final
@dataclass(frozen=True)
class Covariates:
    """Settings: a formula (see `formula`) for each thing that covariates act on.

    Attributes
    ----------
    purchases : a rise by 1 of its sum multiplies the purchase rate by e
    dropout : the same for the dropout rate, or for the odds of dropping out
    spend : the same for the mean spend; only for spend models
    l2 : penalty ½ · l2 · Σ effect², of effects per standard deviation of a number, or per step of
        what has two values (such as a level); one number, or one for each of the three
    equal : terms or columns whose effect is the same wherever they act
    fixed : effects that are not fitted, such as {"dropout.gender": 0.5}; per unit as given
    """

    purchases: str = ""
    dropout: str = ""
    spend: str = ""
    l2: float | Mapping[str, float] = 0.0
    equal: tuple[str, ...] = ()
    fixed: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        wrong = [name for name in self._penalties() if name not in _THINGS]
        if wrong or not all(0 <= value < float("inf") for value in self._penalties().values()):
            raise SettingsError(
                f"l2 is {self.l2!r}.\nTo mend: give a number of 0 or more, or one for each of "
                f"{', '.join(_THINGS)}."
            )

    @property
    def formulas(self) -> dict[str, tuple[Term, ...]]:
        """The terms of each formula that is not empty."""
        read = {thing: parse_formula(getattr(self, thing)) for thing in _THINGS}
        return {thing: terms for thing, terms in read.items() if terms}

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the covariates."""
        named = [f.column for terms in self.formulas.values() for term in terms for f in term]
        return tuple(dict.fromkeys(named))

    def only(self, *things: str) -> "Covariates":
        """The settings of some of purchases, dropout and spend."""
        kept = {k: v for k, v in self.fixed.items() if k.partition(".")[0] in things}
        left = {thing: getattr(self, thing) if thing in things else "" for thing in _THINGS}
        return Covariates(**left, l2=self.l2, equal=self.equal, fixed=kept)

    def penalty(self, thing: str) -> float:
        """The strength for purchases, dropout or spend."""
        return float(self._penalties().get(thing, 0.0))

    def _penalties(self) -> Mapping[str, float]:
        return self.l2 if isinstance(self.l2, Mapping) else dict.fromkeys(_THINGS, float(self.l2))


_THINGS = ("purchases", "dropout", "spend")


@final
@dataclass(frozen=True)
class FittedCovariates:
    """How covariates become columns, and columns θ; both in the units of the user.

    Attributes
    ----------
    design : levels and ranges of the fit
    encoder : of coefficients like a report's: θ of a customer whose columns are zero, and effects
        per unit
    sources : covariate → what it is called where it comes from (an attribute of a snapshot, or a
        column of an RFM table)
    """

    design: Design
    encoder: LinearEncoder
    sources: dict[str, str]

    @property
    def features(self) -> tuple[str, ...]:
        """The attributes of a snapshot that are read."""
        return tuple(source for source in self.sources.values() if is_attribute(source))

    def attributes(self, log: EventLog) -> tuple[str, ...]:
        """The same of this log; covariates of an RFM table are looked for by their names."""
        return tuple(attribute_source(log, source) for source in self.sources.values())

    def beside(self, table: TableT, covariates: pl.DataFrame | None) -> Designed[TableT]:
        """A table with its customers' covariates beside it.

        Raises
        ------
        SettingsError : a covariate is not there at all
        """
        return Designed.of(table, self.matrix(covariates, len(table)))

    def matrix(
        self, covariates: pl.DataFrame | None, n_rows: int
    ) -> Float[np.ndarray, "rows columns"]:
        """The design matrix of some customers; SettingsError where a covariate is not there."""
        return self.design.read(named_columns(covariates, self.sources, n_rows))[0]

    def warn(self, covariates: pl.DataFrame | None, n_rows: int) -> None:
        """Log which covariates were missing or strange, and as what they are taken."""
        for remark in self.design.read(named_columns(covariates, self.sources, n_rows))[1]:
            _log.warning("%s", remark)

    @property
    def facts(self) -> dict[str, Any]:
        """What to tell beside the report: reference levels, and effects that were held."""
        encoder = self.encoder
        held = {
            f"{process}.{column.name}": float(value)
            for process, effects in zip(encoder.processes, encoder.held, strict=True)
            for column, value in zip(self.design.columns, effects, strict=True)
            if value != 0.0
        }
        return {"reference_levels": self.design.references, "fixed_effects": held}


def named_columns(
    covariates: pl.DataFrame | None, sources: Mapping[str, str], n_rows: int
) -> pl.DataFrame:
    """The columns of `sources`, by their names in formulas.

    Raises
    ------
    SettingsError : one is not there
    """
    there = [] if covariates is None else covariates.columns
    found = {
        name: next((one for one in (source, name, *_spelled(name, source)) if one in there), None)
        for name, source in sources.items()
    }
    missing = [name for name, column in found.items() if column is None]
    if missing:
        raise SettingsError(
            f"the model reads {', '.join(missing)}, which these customers do not have; "
            f"there are {', '.join(there) or 'no covariates'}.\n"
            "To mend: give a customers table (or an RFM table) with these columns."
        )
    if covariates is None or not found:
        return pl.DataFrame(height=n_rows)
    return pl.DataFrame({name: covariates[str(column)] for name, column in found.items()})


def sources_in(covariates: pl.DataFrame | None, names: Sequence[str]) -> dict[str, str]:
    """The column of each covariate: of that name, or an attribute of that name."""
    there = () if covariates is None else covariates.columns
    return {
        name: next((one for one in (name, *_spelled(name, name)) if one in there), name)
        for name in names
    }


def _spelled(name: str, source: str) -> tuple[str, ...]:
    """Attributes that a name without a source may stand for, the likeliest first."""
    return () if is_attribute(source) else (f"customers.{name}", f"first_purchase.{name}")
