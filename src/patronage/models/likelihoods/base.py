"""Likelihood: a pure function of unconstrained parameters per row, with its derivatives.

The unconstrained parameters θ are the logarithms of the natural ones, which are all positive. An
encoder gives θ per row; the constant encoder gives the same θ to all rows, and then sums over rows
can be taken without ever building a Hessian per row (`moments`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Float, Int, Shaped

__all__ = [
    "ByColumn",
    "Column",
    "Likelihood",
    "Limit",
    "Moments",
    "Roughened",
    "Table",
    "natural_to_log",
    "packed",
    "packed_to_log",
    "unpacked",
]

# One of θ: a number where all rows share it.
Column = float | Float[np.ndarray, " rows"]


class Moments(NamedTuple):
    """A log-likelihood and its first two derivatives with respect to θ.

    Summed over weighted rows: a number, (k,) and (k, k). Per row: (rows,), (rows, k), (rows, k, k).
    """

    value: Float[np.ndarray, "*rows"]
    gradient: Float[np.ndarray, "*rows k"]
    hessian: Float[np.ndarray, "*rows k k"]


@dataclass(frozen=True)
class Limit:
    """A simpler model that the likelihood turns into far along one direction of θ.

    Attributes
    ----------
    about : what becomes simpler: purchases, dropout or spend
    direction : sign of each θ along the way: -1, 0 or 1
    nested : name of the simpler model
    meaning : what it says about the customers
    level : on the way there nothing changes any more, and the other parameters stay finite: the
        fit is as good as the simpler model's, and only how far along it lies is not known
    """

    about: str
    direction: tuple[int, ...]
    nested: str
    meaning: str
    level: bool = False


# Why not Self: it cannot be checked at run time in a protocol.
Same = TypeVar("Same", bound="Table")


@runtime_checkable
class Table(Protocol):
    """Rows of data with weights, in a unit that can be changed (time or money)."""

    def __len__(self) -> int:
        """Number of rows."""
        ...

    @property
    def columns(self) -> tuple[Float[np.ndarray, " rows"], ...]:
        """All that a row shows but its weight: rows equal in these are the same row."""
        ...

    def grouped(
        self: Same, first: Int[np.ndarray, " groups"], weight: Float[np.ndarray, " groups"]
    ) -> Same:
        """The rows `first`, each standing for its group, with the weights given."""
        ...

    def take(self: Same, rows: Shaped[np.ndarray, " taken"] | slice) -> Same:
        """Some of the rows (a mask, indices or a slice)."""
        ...

    @property
    def weight(self) -> Float[np.ndarray, " rows"]:
        """Number of customers a row stands for."""
        ...

    @property
    def unit(self) -> float:
        """Size of the unit in which the table's numbers are neither large nor small."""
        ...

    @property
    def unit_power(self) -> float:
        """d log-likelihood / d log unit: densities in c units are c^-unit_power as high."""
        ...

    def rescaled(self: Same, unit: float) -> Same:
        """The same rows with their numbers divided by `unit`."""
        ...

    def thinned(self: Same, every: int) -> Same:
        """Every so-many-th row."""
        ...


TableT = TypeVar("TableT", bound=Table, contravariant=True)


@runtime_checkable
class Likelihood(Protocol[TableT]):
    """A family of distributions of what a row shows.

    `unit_bearing` says how the parameters change with the table's unit; `limits` are the simpler
    models on the boundary.
    """

    @property
    def effects(self) -> Mapping[str, tuple[float, ...]]:
        """What covariates can act on (purchases, dropout, spend) → the direction of θ in which a
        rise by 1 multiplies that rate (or the odds of dropout, or the mean spend) by e.
        """
        ...

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the natural parameters, all positive, in the order of θ."""
        ...

    @property
    def unit_bearing(self) -> tuple[int, ...]:
        """Power of the table's unit in each parameter: 1 a time, -1 a rate, 0 without unit."""
        ...

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The simpler models on the boundary."""
        ...

    def starts(self, table: TableT) -> Float[np.ndarray, "starts k"]:
        """Values of θ to begin from: by moment matching first, then others spread around it."""
        ...

    def log_likelihood(
        self, theta: Float[np.ndarray, "*rows k"], table: TableT
    ) -> Float[np.ndarray, " rows"]:
        """Of each row, unweighted; one θ for all rows, or each its own."""
        ...

    def row_moments(self, theta: Float[np.ndarray, "rows k"], table: TableT) -> Moments:
        """Unweighted moments of each row at its own θ: what an encoder's chain rule needs."""
        ...

    def moments(self, theta: Float[np.ndarray, " k"], table: TableT) -> Moments:
        """Weighted sums over the rows of the moments at one θ, without a Hessian per row."""
        ...


@runtime_checkable
class Roughened(Protocol[TableT]):
    """A likelihood that is integrated, and can be less exactly where it is climbed on the way."""

    @property
    def rough(self) -> Likelihood[TableT]:
        """The same to about 1e-6 of a usual row and 1e-3 of an extreme one, in less time."""
        ...


@runtime_checkable
class ByColumn(Protocol[TableT]):
    """A likelihood that gains where some of θ are the same for all rows."""

    def packed_moments(
        self, theta: Sequence[Column], table: TableT
    ) -> Float[np.ndarray, "entries rows"]:
        """`row_moments`, packed."""
        ...


def packed(moments: Moments) -> Float[np.ndarray, "entries rows"]:
    """A row's value, gradient and lower triangle of the Hessian, below one another."""
    rows, columns = np.tril_indices(moments.gradient.shape[1])
    bent = moments.hessian.transpose(1, 2, 0)[rows, columns]
    return np.concatenate([moments.value[None, :], moments.gradient.T, bent])


def unpacked(entries: Float[np.ndarray, "entries rows"], k: int) -> Moments:
    """The reverse of `packed`."""
    rows, columns = np.tril_indices(k)
    hessian = np.empty((k, k, entries.shape[1]))
    hessian[rows, columns] = hessian[columns, rows] = entries[1 + k :]
    return Moments(entries[0], entries[1 : 1 + k].T, hessian.transpose(2, 0, 1))


def packed_to_log(
    entries: Float[np.ndarray, "entries rows"], parameters: Sequence[Column]
) -> Float[np.ndarray, "entries rows"]:
    """`natural_to_log` of packed moments, in place."""
    k = len(parameters)
    for at, parameter in enumerate(parameters):
        entries[1 + at] *= parameter
    triangle = zip(*(side.tolist() for side in np.tril_indices(k)), strict=True)
    for at, (i, j) in enumerate(triangle, start=1 + k):
        entries[at] *= parameters[i] * parameters[j]
        if i == j:
            entries[at] += entries[1 + i]
    return entries


def natural_to_log(moments: Moments, parameters: Float[np.ndarray, "*rows k"]) -> Moments:
    """From derivatives with respect to positive parameters to those with respect to their logs."""
    gradient = moments.gradient * parameters
    hessian = moments.hessian * parameters[..., :, None] * parameters[..., None, :]
    diagonal = np.arange(parameters.shape[-1])
    hessian[..., diagonal, diagonal] += gradient
    return Moments(moments.value, gradient, hessian)
