"""The constant encoder: all customers share one θ, which makes the classical models."""

from dataclasses import dataclass
from typing import TypeVar, final

import numpy as np
from jaxtyping import Float

from patronage.models.likelihoods.base import Likelihood, Moments, Table

__all__ = ["ConstantEncoder"]

TableT = TypeVar("TableT", bound=Table)


@final
@dataclass(frozen=True)
class ConstantEncoder:
    """Its coefficients are θ itself."""

    def theta(
        self, coefficients: Float[np.ndarray, " k"], n_rows: int
    ) -> Float[np.ndarray, "rows k"]:
        """The same θ for each row."""
        return np.broadcast_to(coefficients, (n_rows, len(coefficients)))

    def moments(
        self,
        likelihood: Likelihood[TableT],
        coefficients: Float[np.ndarray, " k"],
        table: TableT,
    ) -> Moments:
        """The likelihood's own sums."""
        return likelihood.moments(coefficients, table)
