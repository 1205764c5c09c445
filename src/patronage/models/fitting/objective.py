"""Objective: a log-density of coefficients that every way of fitting climbs or draws from."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from patronage.models.encoders.base import Encoder
from patronage.models.likelihoods.base import Likelihood, Moments, Table

__all__ = ["LogPrior", "Objective"]


@runtime_checkable
class LogPrior(Protocol):
    """What is believed of the coefficients before the data: a log-density, up to a constant."""

    def moments(self, coefficients: Float[np.ndarray, " coefficients"]) -> Moments:
        """Its value, gradient and Hessian."""
        ...


@dataclass(frozen=True)
class Objective:
    """Likelihood × encoder × table (× prior), as a function of the encoder's coefficients.

    Attributes
    ----------
    likelihood, encoder, table : the table in a unit in which its numbers are around 10
    prior : None for maximum likelihood
    """

    likelihood: Likelihood[Any]
    encoder: Encoder[Any]
    table: Table
    prior: LogPrior | None = None

    def __call__(self, coefficients: Float[np.ndarray, " coefficients"]) -> Moments:
        """Value, gradient and Hessian at the coefficients."""
        # Why: a step may try absurd parameters; what is not finite is then refused by the search.
        with np.errstate(all="ignore"):
            found = self.encoder.moments(self.likelihood, coefficients, self.table)
            if self.prior is None:
                return found
            held = self.prior.moments(coefficients)
        return Moments(*(data + prior for data, prior in zip(found, held, strict=True)))

    def value(self, coefficients: Float[np.ndarray, " coefficients"]) -> float:
        """The value alone, which is cheaper."""
        held = 0.0 if self.prior is None else float(self.prior.moments(coefficients).value)
        return float(self.table.weight @ self.rows(coefficients)) + held

    def rows(self, coefficients: Float[np.ndarray, " coefficients"]) -> Float[np.ndarray, " rows"]:
        """Log-likelihood of each row, unweighted and without the prior."""
        with np.errstate(all="ignore"):
            theta = self.encoder.theta(self.likelihood, coefficients, self.table)
            return self.likelihood.log_likelihood(theta, self.table)

    def thinned(self, every: int) -> "Objective":
        """The same on every so-many-th row."""
        return Objective(self.likelihood, self.encoder, self.table.thinned(every), self.prior)
