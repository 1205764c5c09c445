"""The linear encoder: covariates that shift the purchase rate, the dropout or the mean spend.

    θ_row = θ₀ + Σ_process (z_row · γ_process) direction_process,

where z_row are the columns of a design matrix and a likelihood says in `effects` in which direction
of θ a process lies: a rise of z · γ by 1 multiplies that rate (odds, mean) by e. Effects of several
processes may be tied to one coefficient, or held at a number: γ_process = map · free + held. The
derivatives are those of the likelihood, by the chain rule, which is exact as θ is linear.
"""

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
            (theta,) = self.theta_of(likelihood, coefficients, pattern[None, :])
            here = likelihood.moments(theta, part)
            slope = np.zeros((k, n))
            slope[:, :k] = np.eye(k)
            slope[:, k:] = directions.T @ (pattern @ self.maps)
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
        both = np.where(rows == columns, 0.5, 1.0)
        found = np.zeros(1 + k + len(rows))
        effects, hessian = np.zeros(n - k), np.zeros((n, n))
        for part, design in table.parts:
            own = _columns(coefficients[:k], directions, acting @ design)
            here = _packed(likelihood, own, part)
            weight, bent = part.weight, here[1 + k :]
            found += here @ weight
            # The design of each free effect in each process, weighted where it meets a sum.
            each = [tied.T @ design for tied in self.maps]
            for first, direction in zip(each, directions, strict=True):
                weighted = first * weight
                effects += weighted @ (direction @ here[1 : 1 + k])
                across = weighted @ bent.T
                np.add.at(hessian[k:], (slice(None), rows), across * (both * direction[columns]))
                np.add.at(hessian[k:], (slice(None), columns), across * (both * direction[rows]))
                for second, other in zip(each, directions, strict=True):
                    pair = direction[rows] * other[columns] + direction[columns] * other[rows]
                    hessian[k:, k:] += (weighted * ((both * pair) @ bent)) @ second.T
        hessian[rows, columns] = hessian[columns, rows] = found[1 + k :]
        hessian[:k, k:] = hessian[k:, :k].T
        gradient = np.concatenate([found[1 : 1 + k], effects])
        return Moments(np.asarray(found[0]), gradient, hessian)


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


def _packed(
    likelihood: Likelihood[Any], theta: list[Column], table: Any
) -> Float[np.ndarray, "entries rows"]:
    if isinstance(likelihood, ByColumn):
        return likelihood.packed_moments(theta, table)
    each = [np.broadcast_to(column, len(table)) for column in theta]
    return packed(likelihood.row_moments(np.stack(each).T, table))
