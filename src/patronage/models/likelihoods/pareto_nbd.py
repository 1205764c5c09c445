"""The Pareto/NBD likelihood: dropout at any time, at a rate of the customer's own.

Schmittlein, Morrison & Colombo (1987), Counting your customers, Management Science 33(1). Purchase
rates λ ~ Gamma(r, alpha), dropout rates μ ~ Gamma(s, beta):

    L = Γ(r+x)/Γ(r) α^r β^s [ (α+T)^-(r+x) (β+T)^-s + s ∫_{t_x}^{T} (α+y)^-(r+x) (β+y)^-(s+1) dy ]

The first term is being alive at T, the integral is having died at y: a mixture of one atom and the
nodes of the quadrature. With p its normalised weights and t the logarithms of its terms at fixed y,
the gradient is E_p[∂t] and the Hessian E_p[∂²t] + Cov_p(∂t): sums of positive terms, no 2F1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
from jaxtyping import Float
from scipy.special import gammaln

from patronage.models.likelihoods.base import (
    Column,
    Limit,
    Moments,
    natural_to_log,
    packed_to_log,
    unpacked,
)
from patronage.models.likelihoods.exposure import exposure_nodes
from patronage.models.likelihoods.histories import Histories
from patronage.models.likelihoods.purchasing import listed_rising, log_rising, rate_start

__all__ = ["ParetoNBDLikelihood", "log_likelihood"]

Parameter = float | Float[np.ndarray, " rows"]

# Rows of a chunk: a column of nodes × rows takes 256 KB and stays in a core's own cache.
_CHUNK = 1024


def log_likelihood(
    r: Parameter,
    alpha: Parameter,
    s: Parameter,
    beta: Parameter,
    x: Float[np.ndarray, " rows"],
    t_x: Float[np.ndarray, " rows"],
    T: Float[np.ndarray, " rows"],
) -> Float[np.ndarray, " rows"]:
    """Log-likelihood of each history (module docstring).

    Parameters
    ----------
    r, alpha : shape of the purchase rates, and their rate (in units of time)
    s, beta : shape of the dropout rates, and their rate; all four numbers, or one value per row
    x : number of repeat purchases
    t_x, T : time from first purchase to the last, and to as_of
    """
    n = r + x
    y, log_weight, log_width = exposure_nodes(alpha, beta, n, s + 1, t_x, T)
    terms = log_weight - n * np.log(alpha + y) - (s + 1) * np.log(beta + y)
    highest = terms.max(axis=0)
    died = np.log(s) + log_width + highest + np.log(np.exp(terms - highest).sum(axis=0))
    alive = -n * np.log(alpha + T) - s * np.log(beta + T)
    constant = gammaln(n) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    return np.asarray(constant + np.logaddexp(alive, died))


class _Mixture(NamedTuple):
    """Atom and nodes of some rows: the log of their sum, their weights p and their slopes ∂t."""

    log_sum: Float[np.ndarray, " rows"]
    atom: Float[np.ndarray, " rows"]
    nodes: Float[np.ndarray, "nodes rows"]
    atom_slope: Float[np.ndarray, "4 rows"]
    node_slope: Float[np.ndarray, "4 nodes rows"]


def _mixture(
    r: Parameter, alpha: Parameter, s: Parameter, beta: Parameter, table: Histories
) -> _Mixture:
    n, T = r + table.x, table.T
    y, terms, log_width = exposure_nodes(alpha, beta, n, s + 1, table.t_x, T)
    # ∂t = (-ln(α+y), -n/(α+y), 1/s - ln(β+y), -(s+1)/(β+y))
    slope = np.empty((4, *y.shape))
    for row, shift, power in ((0, alpha, n), (2, beta, s + 1)):
        since = np.add(y, shift)
        np.divide(np.negative(power), since, out=slope[row + 1])
        log = np.log(since, out=slope[row])
        np.negative(log, out=log)
        terms += np.multiply(log, power, out=since)
    slope[2] += 1 / s
    highest = terms.max(axis=0)
    terms -= highest
    nodes = np.exp(terms, out=terms)
    total = nodes.sum(axis=0)
    died = np.log(s) + log_width + highest + np.log(total)

    atom_slope = np.stack(
        [-np.log(alpha + T), -n / (alpha + T), -np.log(beta + T), -s / (beta + T)]
    )
    alive = n * atom_slope[0] + s * atom_slope[2]
    log_sum = np.logaddexp(alive, died)
    nodes *= np.exp(died - log_sum) / total
    return _Mixture(log_sum, np.exp(alive - log_sum), nodes, atom_slope, slope)


def _packed_part(parameters: Sequence[Column], part: Histories) -> Float[np.ndarray, "15 rows"]:
    """ln [atom + nodes] and its derivatives in natural parameters, of a chunk's rows."""
    r, alpha, s, beta = parameters
    n = r + part.x
    mix = _mixture(r, alpha, s, beta, part)
    atom = mix.atom * mix.atom_slope
    weighted = mix.node_slope * mix.nodes
    node = weighted.sum(axis=1)
    mean = atom + node
    found = np.empty((15, len(part)))
    found[0], found[1:5] = mix.log_sum, mean
    # Why pair by pair: one einsum over all three factors takes three times as long.
    for at, (i, j) in enumerate(zip(*np.tril_indices(4), strict=True), start=5):
        found[at] = np.einsum("kr,kr->r", weighted[i], mix.node_slope[j])
        if i == j == 1:
            bent = found[at] + atom[i] * mix.atom_slope[i]
        elif i == j == 3:
            late = found[at].copy()
        found[at] += atom[i] * mix.atom_slope[j] - mean[i] * mean[j]
    found[6] += mean[1] / n
    found[7] += bent / n
    found[10] -= (1 - mix.atom) / s**2
    found[13] += node[3] / (s + 1) + atom[3] / s
    found[14] += late / (s + 1) + atom[3] * mix.atom_slope[3] / s
    return found


def _starts(table: Histories) -> Float[np.ndarray, "starts 4"]:
    r, alpha = rate_start(table)
    span = float(table.weight @ table.T) / float(table.weight.sum())
    return np.log(
        [
            [r, 0.9 * alpha, 0.6, span],
            [0.5 * r, 0.5 * alpha, 0.3, 0.3 * span],
            [3 * r, 3 * alpha, 1.0, 3 * span],
            [r, 0.6 * alpha, 2.0, 2 * span],
            [r, alpha, 0.05, span],
        ]
    )


@final
@dataclass(frozen=True)
class ParetoNBDLikelihood:
    """θ = ln (r, alpha, s, beta)."""

    parameter_names: tuple[str, ...] = ("r", "alpha", "s", "beta")
    unit_bearing: tuple[int, ...] = (0, 1, 0, 1)
    limits: tuple[Limit, ...] = (
        Limit("dropout", (0, 0, -1, 0), "nbd", "nobody seems to drop out (dropout rate near 0)"),
        Limit("dropout", (0, 0, 0, 1), "nbd", "nobody seems to drop out (dropout rate near 0)"),
        Limit("dropout", (0, 0, -1, 1), "nbd", "nobody seems to drop out (dropout rate near 0)"),
        Limit("dropout", (0, 0, 1, -1), "one-time buyers", "everybody seems to leave at once"),
        Limit("dropout", (0, 0, 1, 0), "one-time buyers", "everybody seems to leave at once"),
        Limit("dropout", (0, 0, 0, -1), "one-time buyers", "everybody seems to leave at once"),
        Limit("dropout", (0, 0, 1, 1), "exponential lifetimes", "customers share one dropout rate"),
        Limit(
            "dropout",
            (0, 0, -1, -1),
            "stayers and leavers",
            "some never leave, the others leave at once",
        ),
        Limit("purchases", (1, 1, 0, 0), "Poisson purchasing", "customers share one purchase rate"),
        Limit("purchases", (-1, -1, 0, 0), "logarithmic series", "rates differ without measure"),
        Limit("purchases", (-1, 0, 0, 0), "no repeat purchases", "hardly anybody buys again"),
        Limit("purchases", (0, 1, 0, 0), "no repeat purchases", "hardly anybody buys again"),
    )

    @property
    def effects(self) -> Mapping[str, tuple[float, ...]]:
        """On the purchase rate λ, and on the dropout rate μ."""
        return {"purchases": (0.0, -1.0, 0.0, 0.0), "dropout": (0.0, 0.0, 0.0, -1.0)}

    def starts(self, table: Histories) -> Float[np.ndarray, "starts 4"]:
        """Moments of the rates, with more or less dropout."""
        return _starts(table)

    def log_likelihood(
        self, theta: Float[np.ndarray, "*rows 4"], table: Histories
    ) -> Float[np.ndarray, " rows"]:
        """Of each row, at one θ or its own; in chunks whose nodes stay in a core's own cache."""
        parameters = np.exp(theta)
        found = np.empty(len(table))
        for first in range(0, len(table), _CHUNK):
            rows = slice(first, first + _CHUNK)
            part = table.take(rows)
            r, alpha, s, beta = parameters[rows].T if theta.ndim == 2 else parameters
            found[rows] = log_likelihood(r, alpha, s, beta, part.x, part.t_x, part.T)
        return found

    def row_moments(self, theta: Float[np.ndarray, "rows 4"], table: Histories) -> Moments:
        """Value, gradient and Hessian of each row at its own θ."""
        return unpacked(self.packed_moments(list(theta.T), table), 4)

    def packed_moments(
        self, theta: Sequence[Column], table: Histories
    ) -> Float[np.ndarray, "15 rows"]:
        """The same, packed."""
        own = [np.exp(column) for column in theta]
        r, alpha, s, beta = own
        found = np.empty((15, len(table)))
        for first in range(0, len(table), _CHUNK):
            rows = slice(first, first + _CHUNK)
            cut = [p[rows] if isinstance(p, np.ndarray) and p.ndim else float(p) for p in own]
            found[:, rows] = _packed_part(cut, table.take(rows))
        rising, rising_1, rising_2 = listed_rising(r, table.x)
        found[0] += rising + r * theta[1] + s * theta[3]
        for at, term in enumerate((rising_1 + theta[1], r / alpha, theta[3], s / beta), start=1):
            found[at] += term
        found[5] += rising_2
        found[6] += 1 / alpha
        found[7] -= r / alpha**2
        found[13] += 1 / beta
        found[14] -= s / beta**2
        return packed_to_log(found, own)

    def moments(self, theta: Float[np.ndarray, " 4"], table: Histories) -> Moments:
        """Weighted sums over the rows at one θ, as in `row_moments` but summed chunk by chunk."""
        parameters = np.exp(theta)
        r, alpha, s, beta = (float(value) for value in parameters)
        x, weight = table.frequencies
        total = float(weight.sum())
        rising, rising_1, rising_2 = (float(weight @ term) for term in log_rising(r, x))
        value = rising + total * (r * np.log(alpha) + s * np.log(beta))
        gradient = np.array([rising_1, 0, 0, 0]) + total * np.array(
            [np.log(alpha), r / alpha, np.log(beta), s / beta]
        )
        hessian = np.zeros((4, 4))
        hessian[0, 0] = rising_2
        hessian[0, 1], hessian[1, 1] = total / alpha, -total * r / alpha**2
        hessian[2, 3], hessian[3, 3] = total / beta, -total * s / beta**2
        for part in table.chunks(_CHUNK):
            w, n = part.weight, r + part.x
            mix = _mixture(r, alpha, s, beta, part)
            flat = mix.node_slope.reshape(4, -1)
            weighted = mix.node_slope * (mix.nodes * w)
            node, atom = weighted.sum(axis=1), mix.atom_slope * (mix.atom * w)
            mean = atom + node
            atoms, nodes = atom @ mix.atom_slope.T, weighted.reshape(4, -1) @ flat.T
            square = np.einsum("kr,kr->r", weighted[1], mix.node_slope[1])
            square += atom[1] * mix.atom_slope[1]
            value += float(w @ mix.log_sum)
            gradient += mean.sum(axis=1)
            hessian += atoms + nodes - mean @ (mean / w).T
            hessian[0, 1] += float(np.sum(mean[1] / n))
            hessian[1, 1] += float(np.sum(square / n))
            hessian[2, 2] -= float(w @ (1 - mix.atom)) / s**2
            hessian[2, 3] += float(node[3].sum()) / (s + 1) + float(atom[3].sum()) / s
            hessian[3, 3] += nodes[3, 3] / (s + 1) + atoms[3, 3] / s
        hessian[1, 0], hessian[3, 2] = hessian[0, 1], hessian[2, 3]
        return natural_to_log(Moments(np.asarray(value), gradient, hessian), parameters)
