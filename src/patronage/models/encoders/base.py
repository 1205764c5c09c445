"""Encoder: what turns a table of customers into θ, the parameters of a likelihood, per row."""

from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Float

from patronage.models.likelihoods.base import Likelihood, Moments, Table

__all__ = ["Encoder"]

TableT = TypeVar("TableT", bound=Table, contravariant=True)


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

    def observed(self, table: TableT) -> Any:
        """What the likelihood reads of the table: the table without the encoder's covariates."""
        ...

    def theta(
        self,
        likelihood: Likelihood[Any],
        coefficients: Float[np.ndarray, " coefficients"],
        table: TableT,
    ) -> Float[np.ndarray, "*rows k"]:
        """θ of each row; (k,) where it is the same for all."""
        ...

    def gradient(
        self, likelihood: Likelihood[Any], slopes: Float[np.ndarray, "rows k"], table: TableT
    ) -> Float[np.ndarray, "rows coefficients"]:
        """From a derivative by each row's θ to that by the coefficients: slopes · ∂θ/∂c."""
        ...

    def moments(
        self,
        likelihood: Likelihood[Any],
        coefficients: Float[np.ndarray, " coefficients"],
        table: TableT,
    ) -> Moments:
        """Weighted log-likelihood, its gradient and Hessian with respect to the coefficients.

        By the chain rule over `likelihood.row_moments`, or more cheaply where θ is the same for
        all rows.
        """
        ...
