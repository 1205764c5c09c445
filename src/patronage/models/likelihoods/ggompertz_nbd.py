"""The GGompertz/NBD likelihood: dropout whose rate may rise or fall with age.

Bemmaor & Glady (2012), Modeling purchasing behavior with sudden "death", Management Science 58(5).
Purchase rates λ ~ Gamma(r, alpha); Gompertz lifetimes with a scale η ~ Gamma(s, beta), so that
S(y) = (β / (β + e^{by} - 1))^s and f = h S s, h = b e^{by} / (β + e^{by} - 1):

    L = Γ(r+x)/Γ(r) α^r [ (α+T)^-(r+x) S(T) + ∫_{t_x}^{T} (α+y)^-(r+x) f(y) dy ]

As in `pareto_nbd` this is a mixture of an atom and the nodes of a quadrature: with p its normalised
weights and t the logarithms of its terms, the gradient is E_p[∂t] and the Hessian
E_p[∂²t] + Cov_p(∂t). With σ, p, z, u of `gompertz_exposure`, in the logarithms of (r, α, b, s, β),

    ∂t = (-r ln(α+y), -(r+x) α/(α+y), 1 - (s+1) z + u, 1 - s σ, s - (s+1) p)     of a death at y
    ∂t = (-r ln(α+T), -(r+x) α/(α+T),           - s z,   - s σ, s - s p)         of being alive

With b → 0 and β/b fixed this is Pareto/NBD with dropout rates of shape s and rate β/b; where the
dropout rate does not change with age the likelihood is level along that way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
from jaxtyping import Float
from scipy.special import gammaln

from patronage.models.likelihoods.base import Column, Limit, Moments, unpacked
from patronage.models.likelihoods.gompertz_exposure import Dying, dying, dying_nodes
from patronage.models.likelihoods.histories import Histories
from patronage.models.likelihoods.purchasing import listed_rising, log_rising, rate_start

__all__ = ["GGompertzNBDLikelihood", "log_likelihood"]

Parameter = float | Float[np.ndarray, " rows"]

# Rows of a chunk: a column of nodes × rows stays in a core's own cache.
_CHUNK = 1024


class _Mixture(NamedTuple):
    """Atom and nodes of some rows: the log of their sum, their weights, slopes and curvatures.

    `curvature` is E_p[∂²t] where both parameters are of the dropout.
    """

    log_sum: Float[np.ndarray, " rows"]
    atom: Float[np.ndarray, " rows"]
    nodes: Float[np.ndarray, "nodes rows"]
    atom_slope: Float[np.ndarray, "5 rows"]
    node_slope: Float[np.ndarray, "5 nodes rows"]
    curvature: Float[np.ndarray, "3 3 rows"]


def log_likelihood(
    r: Parameter,
    alpha: Parameter,
    b: Parameter,
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
    b : growth of the dropout rate (per unit of time)
    s, beta : shape and rate of the Gompertz scales; all five numbers, or one value per row
    x : number of repeat purchases
    t_x, T : time from first purchase to the last, and to as_of
    """
    n = r + x
    since, dead, terms = dying_nodes(alpha, b, s, beta, n, t_x, T)
    terms = terms + np.log(s) - n * np.log(since) - s * dead.decline
    alive = -n * np.log(alpha + T) - s * dying(b, beta, T).decline
    highest = np.maximum(terms.max(axis=0), alive)
    total = np.exp(terms - highest).sum(axis=0) + np.exp(alive - highest)
    constant = gammaln(n) - gammaln(r) + r * np.log(alpha)
    return np.asarray(constant + highest + np.log(total))


def _mixture(
    r: Parameter, alpha: Parameter, b: Parameter, s: Parameter, beta: Parameter, table: Histories
) -> _Mixture:
    n, T = r + table.x, table.T
    since, dead, terms = dying_nodes(alpha, b, s, beta, n, table.t_x, T)
    log_since = np.log(since)
    slope = np.empty((5, *since.shape))
    np.divide(-n * alpha, since, out=slope[1])
    np.multiply(dead.decline, -s, out=slope[3])
    terms += slope[3]
    terms += np.log(s)
    slope[3] += 1.0
    np.multiply(log_since, -n, out=slope[0])
    terms += slope[0]
    np.multiply(log_since, -r, out=slope[0])
    np.multiply(dead.pull, -(s + 1.0), out=slope[2])
    slope[2] += dead.aged
    slope[2] += 1.0
    np.multiply(dead.share, -(s + 1.0), out=slope[4])
    slope[4] += s

    end = dying(b, beta, T)
    log_T = np.log(alpha + T)
    atom_slope = np.stack(
        [-r * log_T, -n * alpha / (alpha + T), -s * end.pull, -s * end.decline, s - s * end.share]
    )
    alive = -n * log_T - s * end.decline
    highest = np.maximum(terms.max(axis=0), alive)
    terms -= highest
    nodes, atom = np.exp(terms, out=terms), np.exp(alive - highest)
    total = nodes.sum(axis=0) + atom
    nodes /= total
    atom /= total
    curvature = _curvature(s, atom, nodes, end, dead)
    return _Mixture(highest + np.log(total), atom, nodes, atom_slope, slope, curvature)


def _curvature(
    s: Parameter,
    atom: Float[np.ndarray, " rows"],
    nodes: Float[np.ndarray, "nodes rows"],
    end: Dying,
    dead: Dying,
) -> Float[np.ndarray, "3 3 rows"]:
    """E_p[∂²t] in ln (b, s, β), from ∂z = (z (1-z+u), 0, -z p), ∂σ = (z, 0, p-1), ∂p = p (1-p)."""

    def mean(
        one: Float[np.ndarray, "nodes rows"], other: Float[np.ndarray, "nodes rows"]
    ) -> Float[np.ndarray, " rows"]:
        return np.asarray(np.einsum("kr,kr->r", one, other))

    pulled, shared = nodes * dead.pull, nodes * dead.share
    pull, share = pulled.sum(axis=0), shared.sum(axis=0)
    age = mean(nodes, dead.aged)
    found = np.empty((3, 3, len(atom)))
    at_end = atom * end.pull
    rise = pull - mean(pulled, dead.pull) + mean(pulled, dead.aged)
    found[0, 0] = age - (s + 1) * rise - s * at_end * (1 - end.pull + end.aged)
    found[0, 1] = -s * (pull + at_end)
    found[0, 2] = (s + 1) * mean(pulled, dead.share) + s * at_end * end.share
    found[1, 1] = -s * (mean(nodes, dead.decline) + atom * end.decline)
    found[1, 2] = s * (1 - share - atom * end.share)
    found[2, 2] = -(s + 1) * (share - mean(shared, dead.share))
    found[2, 2] -= s * atom * end.share * (1 - end.share)
    found[1, 0], found[2, 0], found[2, 1] = found[0, 1], found[0, 2], found[1, 2]
    return found


def _packed_part(parameters: Sequence[Column], part: Histories) -> Float[np.ndarray, "21 rows"]:
    """ln [atom + nodes] and its derivatives, of a chunk's rows."""
    r, alpha, b, s, beta = parameters
    n = r + part.x
    mix = _mixture(r, alpha, b, s, beta, part)
    weighted, atom = mix.node_slope * mix.nodes, mix.atom_slope * mix.atom
    mean = weighted.sum(axis=1) + atom
    found = np.empty((21, len(part)))
    found[0], found[1:6] = mix.log_sum, mean
    # Why pair by pair: one einsum over all three factors takes many times as long.
    for at, (i, j) in enumerate(zip(*np.tril_indices(5), strict=True), start=6):
        found[at] = np.einsum("kr,kr->r", weighted[i], mix.node_slope[j])
        found[at] += atom[i] * mix.atom_slope[j]
        if i == j == 1:
            found[at] += mean[1] + found[at] / n
        found[at] -= mean[i] * mean[j]
        if i >= j >= 2:
            found[at] += mix.curvature[i - 2, j - 2]
    found[7] += r * mean[1] / n
    return found


def _starts(table: Histories) -> Float[np.ndarray, "starts 5"]:
    r, alpha = rate_start(table)
    span = float(table.weight @ table.T) / float(table.weight.sum())
    # b span is how much the dropout rate has grown by the end, in logs.
    return np.log(
        [
            [r, 0.9 * alpha, 1 / span, 0.6, 1.0],
            [0.5 * r, 0.5 * alpha, 0.1 / span, 0.3, 0.03],
            [3 * r, 3 * alpha, 3 / span, 1.0, 20.0],
            [r, 0.6 * alpha, 0.3 / span, 2.0, 0.6],
            [r, alpha, 5 / span, 0.3, 50.0],
        ]
    )


_LEAVE = "everybody seems to leave at once"
_STAY = "nobody seems to drop out (dropout rate near 0)"


@final
@dataclass(frozen=True)
class GGompertzNBDLikelihood:
    """θ = ln (r, alpha, b, s, beta)."""

    parameter_names: tuple[str, ...] = ("r", "alpha", "b", "s", "beta")
    unit_bearing: tuple[int, ...] = (0, 1, -1, 0, 0)
    limits: tuple[Limit, ...] = (
        Limit(
            "dropout",
            (0, 0, -1, 0, -1),
            "pareto_nbd",
            "the dropout rate does not change with age (b near 0)",
            level=True,
        ),
        Limit("dropout", (0, 0, 0, -1, 0), "nbd", _STAY),
        Limit("dropout", (0, 0, 0, -1, 1), "nbd", _STAY),
        Limit("dropout", (0, 0, -1, -1, 1), "nbd", _STAY),
        Limit("dropout", (0, 0, 1, 0, 1), "equal lifetimes", "customers leave at one age"),
        Limit("dropout", (0, 0, 0, 1, -1), "one-time buyers", _LEAVE),
        Limit("dropout", (0, 0, 0, 1, 0), "one-time buyers", _LEAVE),
        Limit("dropout", (0, 0, 0, 0, -1), "one-time buyers", _LEAVE),
        Limit(
            "dropout",
            (0, 0, 1, -1, 0),
            "exponential lifetimes",
            "customers share one dropout rate",
        ),
        Limit(
            "dropout", (0, 0, 0, 1, 1), "Gompertz lifetimes", "customers share one scale of dropout"
        ),
        Limit(
            "dropout",
            (0, 0, 0, -1, -1),
            "stayers and leavers",
            "some never leave, the others leave at once",
        ),
        Limit("purchases", (1, 1), "Poisson purchasing", "customers share one purchase rate"),
        Limit("purchases", (-1, -1), "logarithmic series", "rates differ without measure"),
        Limit("purchases", (-1, 0), "no repeat purchases", "hardly anybody buys again"),
        Limit("purchases", (0, 1), "no repeat purchases", "hardly anybody buys again"),
    )

    @property
    def effects(self) -> Mapping[str, tuple[float, ...]]:
        """On the purchase rate λ, and on the scale of the dropout rate."""
        return {"purchases": (0.0, -1.0, 0.0, 0.0, 0.0), "dropout": (0.0, 0.0, 0.0, 0.0, -1.0)}

    def starts(self, table: Histories) -> Float[np.ndarray, "starts 5"]:
        """Moments of the rates, with dropout that grows by little or much."""
        return _starts(table)

    def log_likelihood(
        self, theta: Float[np.ndarray, "*rows 5"], table: Histories
    ) -> Float[np.ndarray, " rows"]:
        """Of each row, at one θ or its own; in chunks whose nodes stay in a core's own cache."""
        parameters = np.exp(theta)
        found = np.empty(len(table))
        for first in range(0, len(table), _CHUNK):
            rows = slice(first, first + _CHUNK)
            part = table.take(rows)
            r, alpha, b, s, beta = parameters[rows].T if theta.ndim == 2 else parameters
            found[rows] = log_likelihood(r, alpha, b, s, beta, part.x, part.t_x, part.T)
        return found

    def row_moments(self, theta: Float[np.ndarray, "rows 5"], table: Histories) -> Moments:
        """Value, gradient and Hessian of each row at its own θ."""
        return unpacked(self.packed_moments(list(theta.T), table), 5)

    def packed_moments(
        self, theta: Sequence[Column], table: Histories
    ) -> Float[np.ndarray, "21 rows"]:
        """The same, packed."""
        own = [np.exp(column) for column in theta]
        found = np.empty((21, len(table)))
        for first in range(0, len(table), _CHUNK):
            rows = slice(first, first + _CHUNK)
            cut = [p[rows] if isinstance(p, np.ndarray) and p.ndim else float(p) for p in own]
            found[:, rows] = _packed_part(cut, table.take(rows))
        r, log_alpha = own[0], theta[1]
        rising, rising_1, rising_2 = listed_rising(r, table.x)
        found[0] += rising + r * log_alpha
        found[1] += r * (rising_1 + log_alpha)
        found[2] += r
        found[6] += found[1] + r**2 * rising_2
        found[7] += r
        return found

    def moments(self, theta: Float[np.ndarray, " 5"], table: Histories) -> Moments:
        """Weighted sums over the rows at one θ, as in `row_moments` but summed chunk by chunk."""
        r, alpha, b, s, beta = (float(value) for value in np.exp(theta))
        x, weight = table.frequencies
        total = float(weight.sum())
        rising, rising_1, rising_2 = (float(weight @ term) for term in log_rising(r, x))
        value = rising + total * r * np.log(alpha)
        gradient = np.array([r * (rising_1 + total * np.log(alpha)), total * r, 0.0, 0.0, 0.0])
        hessian = np.zeros((5, 5))
        hessian[0, 0], hessian[0, 1] = r**2 * rising_2, total * r
        for part in table.chunks(_CHUNK):
            w, n = part.weight, r + part.x
            mix = _mixture(r, alpha, b, s, beta, part)
            weighted = mix.node_slope * (mix.nodes * w)
            atom = mix.atom_slope * (mix.atom * w)
            mean = weighted.sum(axis=1) + atom
            square = np.einsum("kr,kr->r", weighted[1], mix.node_slope[1])
            square += atom[1] * mix.atom_slope[1]
            value += float(w @ mix.log_sum)
            gradient += mean.sum(axis=1)
            hessian += weighted.reshape(5, -1) @ mix.node_slope.reshape(5, -1).T
            hessian += atom @ mix.atom_slope.T - mean @ (mean / w).T
            hessian[2:, 2:] += mix.curvature @ w
            hessian[0, 1] += r * float(np.sum(mean[1] / n))
            hessian[1, 1] += float(mean[1].sum() + np.sum(square / n))
        hessian[0, 0] += gradient[0]
        hessian[1, 0] = hessian[0, 1]
        return Moments(np.asarray(value), gradient, hessian)
