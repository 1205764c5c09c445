"""The MBG/NBD likelihood: dropout may follow any purchase, the first too.

Batislam, Denizel & Filiztekin (2007), Empirical validation and comparison of models for customer
base analysis, International Journal of Research in Marketing 24(3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from patronage.models.likelihoods import beta_geometric
from patronage.models.likelihoods.base import Column, Limit, Moments, unpacked
from patronage.models.likelihoods.histories import Histories

__all__ = ["MBGNBDLikelihood", "log_likelihood"]


def log_likelihood(
    r: beta_geometric.Parameter,
    alpha: beta_geometric.Parameter,
    a: beta_geometric.Parameter,
    b: beta_geometric.Parameter,
    x: Float[np.ndarray, "*rows"],
    t_x: Float[np.ndarray, "*rows"],
    T: Float[np.ndarray, "*rows"],
) -> Float[np.ndarray, "*rows"]:
    """Log-likelihood of each history, eq. (9) of the paper; see `beta_geometric`.

    Parameters
    ----------
    r, alpha : shape of the purchase rates, and their rate (in units of time)
    a, b : of the dropout probabilities; all four numbers, or one value per row
    x : number of repeat purchases
    t_x, T : time from first purchase to the last, and to as_of
    """
    return beta_geometric.log_likelihood(r, alpha, a, b, x, t_x, T, extra_chances=1)


@final
@dataclass(frozen=True)
class MBGNBDLikelihood:
    """θ = ln (r, alpha, a, b)."""

    parameter_names: tuple[str, ...] = ("r", "alpha", "a", "b")
    unit_bearing: tuple[int, ...] = (0, 1, 0, 0)
    limits: tuple[Limit, ...] = beta_geometric.LIMITS

    @property
    def effects(self) -> Mapping[str, tuple[float, ...]]:
        """On the purchase rate, and on the odds of dropping out."""
        return beta_geometric.EFFECTS

    def starts(self, table: Histories) -> Float[np.ndarray, "starts 4"]:
        """Moments of the rates, with more or less dropout."""
        return beta_geometric.starts(table)

    def log_likelihood(
        self, theta: Float[np.ndarray, "*rows 4"], table: Histories
    ) -> Float[np.ndarray, " rows"]:
        """Of each row, at one θ or its own."""
        r, alpha, a, b = np.exp(theta).T
        return log_likelihood(r, alpha, a, b, table.x, table.t_x, table.T)

    def row_moments(self, theta: Float[np.ndarray, "rows 4"], table: Histories) -> Moments:
        """Value, gradient and Hessian of each row at its own θ."""
        return unpacked(self.packed_moments(list(theta.T), table), 4)

    def packed_moments(
        self, theta: Sequence[Column], table: Histories
    ) -> Float[np.ndarray, "15 rows"]:
        """The same, packed."""
        return beta_geometric.packed_moments(theta, table, extra_chances=1)

    def moments(self, theta: Float[np.ndarray, " 4"], table: Histories) -> Moments:
        """Weighted sums over the rows at one θ."""
        return beta_geometric.moments(theta, table, extra_chances=1)
