"""Encoder: what turns a table of customers into θ, the parameters of a likelihood, per row."""

from typing import Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Float

from patronage.models.likelihoods.base import Likelihood, Moments, Table

__all__ = ["Encoder"]

TableT = TypeVar("TableT", bound=Table)


@runtime_checkable
class Encoder(Protocol[TableT]):
    """A function from its own coefficients (and, where it reads any, covariates) to θ.

    The first k coefficients are θ of a customer whose covariates are all zero; what follows are
    effects of covariates, which may have any sign.
    """

    @property
    def effect_names(self) -> tuple[str, ...]:
        """Names of the coefficients after the first k, such as "purchases.channel[web]"."""
        ...

    def theta(
        self,
        likelihood: Likelihood[TableT],
        coefficients: Float[np.ndarray, " coefficients"],
        table: TableT,
    ) -> Float[np.ndarray, "*rows k"]:
        """θ of each row; (k,) where it is the same for all."""
        ...

    def moments(
        self,
        likelihood: Likelihood[TableT],
        coefficients: Float[np.ndarray, " coefficients"],
        table: TableT,
    ) -> Moments:
        """Weighted log-likelihood, its gradient and Hessian with respect to the coefficients.

        By the chain rule over `likelihood.row_moments`, or more cheaply where θ is the same for
        all rows.
        """
        ...
