"""The linear encoder: covariates that shift the purchase rate, the dropout or the mean spend.

    θ_row = θ₀ + Σ_process (z_row · γ_process) direction_process,

where z_row are the columns of a design matrix and a likelihood says in `effects` in which direction
of θ a process lies: a rise of z · γ by 1 multiplies that rate (odds, mean) by e. Effects of several
processes may be tied to one coefficient, or held at a number: γ_process = map · free + held. The
derivatives are those of the likelihood, by the chain rule, which is exact as θ is linear.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from jaxtyping import Float

from patronage.models.encoders.designed import Designed
from patronage.models.likelihoods.base import ByColumn, Column, Likelihood, Moments, packed

__all__ = ["LinearEncoder"]

# Where some row's parameter would leave e^±100 nothing is evaluated: a search is to turn back.
_FARTHEST: Final = 100.0


@final
@dataclass(frozen=True)
class LinearEncoder:
    """Its coefficients are θ₀, that of a row whose design is all zero, then the free effects.

    Attributes
    ----------
    effect_names : of the free effects
    processes : what they act on, names among a likelihood's `effects`
    maps : of each process, how much of each free effect stands on each column of the design
    held : of each process, effects that are held at a number
    """

    effect_names: tuple[str, ...]
    processes: tuple[str, ...]
    maps: Float[np.ndarray, "processes columns effects"]
    held: Float[np.ndarray, "processes columns"]

    def observed(self, table: Designed[Any]) -> Any:
        """What the likelihood reads."""
        return table.table

    def theta(
        self,
        likelihood: Likelihood[Any],
        coefficients: Float[np.ndarray, " coefficients"],
        table: Designed[Any],
    ) -> Float[np.ndarray, "*rows k"]:
        """θ of each row; (k,) where it is the same for all."""
        theta = self.theta_of(likelihood, coefficients, table.patterns)
        return np.asarray(theta[0] if len(theta) == 1 else theta[table.pattern])

    def moments(
        self,
        likelihood: Likelihood[Any],
        coefficients: Float[np.ndarray, " coefficients"],
        table: Designed[Any],
    ) -> Moments:
        """Weighted log-likelihood, its gradient and Hessian with respect to the coefficients."""
        acting = self.maps @ coefficients[len(likelihood.parameter_names) :] + self.held
        # Why not each row's own θ: what the largest of every column makes costs nothing.
        furthest = np.abs(coefficients).max() + (np.abs(acting) @ table.reach).sum()
        if not furthest <= _FARTHEST:
            theta = self.theta_of(likelihood, coefficients, table.patterns)
            if not (np.abs(theta) <= _FARTHEST).all():
                n = len(coefficients)
                return Moments(np.asarray(-np.inf), np.full(n, np.nan), np.full((n, n), np.nan))
        if table.groups is not None:
            return self._by_groups(likelihood, coefficients, table)
        return self._by_rows(likelihood, coefficients, table)

    def gradient(
        self, likelihood: Likelihood[Any], slopes: Float[np.ndarray, "rows k"], table: Designed[Any]
    ) -> Float[np.ndarray, "rows coefficients"]:
        """From a derivative by each row's θ to that by the coefficients."""
        return self.gradient_of(likelihood, slopes, table.design)

    def gradient_of(
        self,
        likelihood: Likelihood[Any],
        slopes: Float[np.ndarray, "rows k"],
        design: Float[np.ndarray, "rows columns"],
    ) -> Float[np.ndarray, "rows coefficients"]:
        """The same, given the design matrix."""
        effects = np.zeros((len(slopes), len(self.effect_names)))
        for direction, tied in zip(self._directions(likelihood), self.maps, strict=True):
            effects += (slopes @ direction)[:, None] * (design @ tied)
        return np.concatenate([slopes, effects], axis=1)

    def _directions(self, likelihood: Likelihood[Any]) -> Float[np.ndarray, "processes k"]:
        k = len(likelihood.parameter_names)
        return np.reshape([likelihood.effects[process] for process in self.processes], (-1, k))

    def theta_of(
        self,
        likelihood: Likelihood[Any],
        coefficients: Float[np.ndarray, " coefficients"],
        design: Float[np.ndarray, "rows columns"],
    ) -> Float[np.ndarray, "rows k"]:
        """θ of each row of a design matrix."""
        return self._theta_columns(likelihood, coefficients, design.T).T

    def _theta_columns(
        self,
        likelihood: Likelihood[Any],
        coefficients: Float[np.ndarray, " coefficients"],
        columns: Float[np.ndarray, "columns rows"],
    ) -> Float[np.ndarray, "k rows"]:
        directions = self._directions(likelihood)
        k = directions.shape[1]
        acting = self.maps @ coefficients[k:] + self.held
        return np.asarray(coefficients[:k, None] + directions.T @ (acting @ columns))

    def _by_groups(
        self,
        likelihood: Likelihood[Any],
        coefficients: Float[np.ndarray, " coefficients"],
        table: Designed[Any],
    ) -> Moments:
        """Where many rows share a θ: the likelihood's own sums for each pattern."""
        assert table.groups is not None
        directions = self._directions(likelihood)
        k, n = directions.shape[1], len(coefficients)
        found = Moments(np.zeros(()), np.zeros(n), np.zeros((n, n)))
        for pattern, part in table.groups:
            slope = np.eye(k, n)
            slope[:, k:] = directions.T @ (pattern @ self.maps)
            theta = slope @ coefficients + directions.T @ (self.held @ pattern)
            here = likelihood.moments(theta, part)
            found = Moments(
                found.value + here.value,
                found.gradient + here.gradient @ slope,
                found.hessian + slope.T @ here.hessian @ slope,
            )
        return found

    def _by_rows(
        self,
        likelihood: Likelihood[Any],
        coefficients: Float[np.ndarray, " coefficients"],
        table: Designed[Any],
    ) -> Moments:
        """Every row at its own θ, some rows at a time."""
        directions = self._directions(likelihood)
        k, n = directions.shape[1], len(coefficients)
        acting = self.maps @ coefficients[k:] + self.held
        rows, columns = np.tril_indices(k)
        # What a lower triangle gives between two directions: d'Hd of each pair of processes.
        pairs = directions[:, None, rows] * directions[None, :, columns]
        pairs = np.where(rows == columns, pairs, pairs + pairs.transpose(1, 0, 2))
        n_processes, n_columns = acting.shape
        moments_of = _by_column(likelihood)
        sums = np.zeros((1 + k + len(rows), 1 + n_columns))
        between = np.zeros((n_processes, n_processes, n_columns, n_columns))
        for part, design, weighted in table.parts:
            own = _columns(coefficients[:k], directions, acting @ design)
            here = moments_of(own, part)
            sums += here @ weighted.T
            bent = pairs.reshape(-1, len(rows)) @ here[1 + k :]
            bent = bent.reshape(n_processes, -1, len(part))
            for first in range(n_processes):
                for second in range(first + 1):
                    between[first, second] += (weighted[1:] * bent[first, second]) @ design.T
        value, gradient, hessian = sums[0, 0], np.zeros(n), np.zeros((n, n))
        gradient[:k] = sums[1 : 1 + k, 0]
        hessian[rows, columns] = hessian[columns, rows] = sums[1 + k :, 0]
        across = np.empty((k, k, n_columns))
        across[rows, columns] = across[columns, rows] = sums[1 + k :, 1:]
        for first, (direction, tied) in enumerate(zip(directions, self.maps, strict=True)):
            gradient[k:] += direction @ sums[1 : 1 + k, 1:] @ tied
            hessian[:k, k:] += np.tensordot(direction, across, axes=1) @ tied
            for second, other in enumerate(self.maps):
                hessian[k:, k:] += tied.T @ between[max(first, second), min(first, second)] @ other
        hessian[k:, :k] = hessian[:k, k:].T
        return Moments(np.asarray(value), gradient, hessian)


def _columns(
    theta: Float[np.ndarray, " k"],
    directions: Float[np.ndarray, "processes k"],
    shifts: Float[np.ndarray, "processes rows"],
) -> list[Column]:
    """θ of each row, parameter by parameter; a number where nothing acts on it."""
    found: list[Column] = []
    for at, direction in zip(theta.tolist(), directions.T, strict=True):
        acting = np.flatnonzero(direction)
        found.append(at + direction[acting] @ shifts[acting] if len(acting) else at)
    return found


def _by_column(
    likelihood: Likelihood[Any],
) -> Callable[[Sequence[Column], Any], Float[np.ndarray, "entries rows"]]:
    """Its `packed_moments`, made of `row_moments` where it has none of its own."""
    if isinstance(likelihood, ByColumn):
        return likelihood.packed_moments

    def made(theta: Sequence[Column], table: Any) -> Float[np.ndarray, "entries rows"]:
        each = [np.broadcast_to(column, len(table)) for column in theta]
        return packed(likelihood.row_moments(np.stack(each).T, table))

    return made
