"""The constant encoder: all customers share one θ, which makes the classical models."""

from dataclasses import dataclass
from typing import ClassVar, TypeVar, final

import numpy as np
from jaxtyping import Float

from patronage.models.likelihoods.base import Likelihood, Moments, Table

__all__ = ["ConstantEncoder"]

TableT = TypeVar("TableT", bound=Table)


@final
@dataclass(frozen=True)
class ConstantEncoder:
    """Its coefficients are θ itself."""

    effect_names: ClassVar[tuple[str, ...]] = ()

    def theta(
        self,
        likelihood: Likelihood[TableT],
        coefficients: Float[np.ndarray, " k"],
        table: TableT,
    ) -> Float[np.ndarray, " k"]:
        """The same θ for each row."""
        del likelihood, table
        return coefficients

    def moments(
        self,
        likelihood: Likelihood[TableT],
        coefficients: Float[np.ndarray, " k"],
        table: TableT,
    ) -> Moments:
        """The likelihood's own sums."""
        return likelihood.moments(coefficients, table)
