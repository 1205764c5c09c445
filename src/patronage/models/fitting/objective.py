"""Objective: a log-density of coefficients that every way of fitting climbs or draws from."""

from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from patronage.models.encoders.base import Encoder
from patronage.models.likelihoods.base import Likelihood, Moments, Roughened, Table

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
            held = self.held(coefficients)
        return Moments(*(data + prior for data, prior in zip(found, held, strict=True)))

    def held(self, coefficients: Float[np.ndarray, " coefficients"]) -> Moments:
        """The prior's part; zeros without one."""
        if self.prior is None:
            k = len(coefficients)
            return Moments(np.zeros(()), np.zeros(k), np.zeros((k, k)))
        return self.prior.moments(coefficients)

    def value(self, coefficients: Float[np.ndarray, " coefficients"]) -> float:
        """The value alone, which is cheaper."""
        held = 0.0 if self.prior is None else float(self.prior.moments(coefficients).value)
        return float(self.table.weight @ self.rows(coefficients)) + held

    def rows(self, coefficients: Float[np.ndarray, " coefficients"]) -> Float[np.ndarray, " rows"]:
        """Log-likelihood of each row, unweighted and without the prior."""
        with np.errstate(all="ignore"):
            theta = self.encoder.theta(self.likelihood, coefficients, self.table)
            return self.likelihood.log_likelihood(theta, self.encoder.observed(self.table))

    def values(self, draws: Float[np.ndarray, "draws coefficients"]) -> Float[np.ndarray, " draws"]:
        """The value at many points; -inf where it is no number."""
        found = np.array([self.value(draw) for draw in draws])
        return np.where(np.isfinite(found), found, -np.inf)

    def row_moments(self, coefficients: Float[np.ndarray, " coefficients"]) -> Moments | None:
        """Value, gradient and Hessian of each row, unweighted and without the prior.

        None where θ differs by row: then only sums can be had.
        """
        theta = self.encoder.theta(self.likelihood, coefficients, self.table)
        if theta.shape != coefficients.shape:
            return None
        each = np.broadcast_to(theta, (len(self.table), len(theta)))
        return self.likelihood.row_moments(each, self.table)

    def reweighted(self, weight: Float[np.ndarray, " rows"]) -> "Objective":
        """The same with other weights of the rows."""
        table = self.table.grouped(np.arange(len(self.table)), weight)
        return replace(self, table=table)

    def thinned(self, every: int) -> "Objective":
        """The same on every so-many-th row."""
        return Objective(self.likelihood, self.encoder, self.table.thinned(every), self.prior)

    @property
    def rough(self) -> "Objective":
        """The same, quicker where the likelihood can be had less exactly."""
        likelihood = self.likelihood
        if not isinstance(likelihood, Roughened):
            return self
        return replace(self, likelihood=likelihood.rough)
