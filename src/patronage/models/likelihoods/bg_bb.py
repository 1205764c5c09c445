"""The BG/BB likelihood: chances to buy that come one by one, and dropout before any of them.

Fader, Hardie & Shang (2010), Customer-base analysis in a discrete-time noncontractual setting,
Marketing Science 29(6). At each of n opportunities a living customer buys with probability
p ~ Beta(alpha, beta), and before each leaves with probability θ ~ Beta(gamma, delta). Eq. (5):

    L = Σ_k  B(α+x, β+k-x) / B(α, β) · D_k / B(γ, δ),     k = t_x, …, n
    D_k = B(γ+1, δ+k)  left after k opportunities,   k < n;      D_n = B(γ, δ+n)  has not left

a mixture of the n - t_x + 1 numbers of opportunities k at which the customer was still there. With
p its normalised weights and t the logarithms of its terms the gradient is E_p[∂t], the Hessian
E_p[∂²t] + Cov_p(∂t). Beta functions come as rising factorials, ln Γ(a+k) - ln Γ(a): for whole k,
so that at one set of parameters a short list of each serves all rows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float

from patronage.errors import NotEnoughDataError
from patronage.models.likelihoods.base import Limit, Moments, natural_to_log
from patronage.models.likelihoods.opportunities import Opportunities
from patronage.models.likelihoods.purchasing import log_rising

__all__ = ["BGBBLikelihood", "log_likelihood"]

Parameter = float | Float[np.ndarray, " rows"]
Terms = Float[np.ndarray, "*shape"]

# Terms (rows × opportunities) that are evaluated at once.
_TERMS: Final = 16_384


class _Mixture(NamedTuple):
    """The log of the sum of some rows' terms, with its derivatives in the natural parameters."""

    value: Float[np.ndarray, " rows"]
    gradient: Float[np.ndarray, "rows 4"]
    hessian: Float[np.ndarray, "rows 4 4"]


def log_likelihood(
    alpha: Parameter,
    beta: Parameter,
    gamma: Parameter,
    delta: Parameter,
    x: Float[np.ndarray, " rows"],
    t_x: Float[np.ndarray, " rows"],
    n: Float[np.ndarray, " rows"],
) -> Float[np.ndarray, " rows"]:
    """Log-probability of each history (module docstring).

    Parameters
    ----------
    alpha, beta : of the probabilities to buy
    gamma, delta : of the probabilities to leave; all four numbers, or one value per row
    x, t_x, n : opportunities used, the last one used, and all
    """
    rows = Opportunities(x, t_x, n, np.ones(len(x)))
    return _mixture((alpha, beta, gamma, delta), rows, slopes=False).value


def _rising(size: Parameter, k: Terms) -> tuple[Terms, Terms, Terms]:
    """`log_rising` for whole k, which grow by 0 or 1 from line to line.

    From a list where the size is one number; else the first line, and what each step adds to it.
    """
    if isinstance(size, np.ndarray):
        found = np.empty((3, *k.shape))
        found[:, 0] = log_rising(size, k[0])
        if len(k) > 1:
            grows, since = k[1:] - k[:-1], size + k[:-1]
            per = grows / since
            # Why: a logarithm is dearer than all else, and log 1 is 0.
            np.log(np.where(grows > 0, since, 1.0), out=found[0, 1:])
            found[1, 1:] = per
            np.multiply(per, -per, out=found[2, 1:])
            np.cumsum(found, axis=1, out=found)
        return found[0], found[1], found[2]
    table = log_rising(size, np.arange(k.max(initial=0.0) + 1.0))
    at = k.astype(np.intp)
    first, second, third = (part[at] for part in table)
    return first, second, third


def _mixture(
    parameters: tuple[Parameter, ...], table: Opportunities, *, slopes: bool = True
) -> _Mixture:
    """All rows at once: the columns of the table are rows here, and k runs downwards."""
    alpha, beta, gamma, delta = parameters
    x, t_x, n = table.columns
    k = np.minimum(t_x + np.arange(np.max(n - t_x, initial=0.0) + 1.0)[:, None], n)
    missing = t_x + np.arange(len(k))[:, None] > n
    left = (k < n).astype(float)
    used, used_1, used_2 = (part[0] for part in _rising(alpha, x[None, :]))
    unused, unused_1, unused_2 = _rising(beta, k - x)
    had, had_1, had_2 = _rising(alpha + beta, k)
    stayed, stayed_1, stayed_2 = _rising(delta, k)
    both, both_1, both_2 = _rising(gamma + delta, k + left)
    terms = used + unused - had + stayed - both + left * np.log(gamma)
    terms[missing] = -np.inf
    highest = terms.max(axis=0)
    weight = np.exp(terms - highest)
    total = weight.sum(axis=0)
    value = highest + np.log(total)
    n_rows = len(x)
    if not slopes:
        return _Mixture(value, np.empty((n_rows, 4)), np.empty((n_rows, 4, 4)))
    weight /= total
    slope = np.stack(
        [
            used_1 - had_1,
            unused_1 - had_1,
            left / gamma - both_1,
            stayed_1 - both_1,
        ]
    )
    weighted = weight * slope
    gradient = weighted.sum(axis=1).T
    hessian = np.empty((4, 4, n_rows)).transpose(2, 0, 1)
    # Why pair by pair: one einsum over all three factors takes many times as long.
    for i, j in zip(*np.tril_indices(4), strict=True):
        square = np.einsum("kr,kr->r", weighted[i], slope[j])
        hessian[:, i, j] = hessian[:, j, i] = square - gradient[:, i] * gradient[:, j]

    def mean(curvature: Terms) -> Float[np.ndarray, " rows"]:
        return np.asarray(np.einsum("kr,kr->r", weight, curvature))

    share_left = mean(left)
    had_mean, both_mean = mean(had_2), mean(both_2)
    hessian[:, :2, :2] -= had_mean[:, None, None]
    hessian[:, 2:, 2:] -= both_mean[:, None, None]
    hessian[:, 0, 0] += used_2
    hessian[:, 1, 1] += mean(unused_2)
    hessian[:, 2, 2] -= share_left / gamma**2
    hessian[:, 3, 3] += mean(stayed_2)
    return _Mixture(value, gradient, hessian)


def _starts(table: Opportunities) -> Float[np.ndarray, "starts 4"]:
    """Some probabilities to buy around the mean, with more or less dropout."""
    chances = float(table.weight @ table.n)
    if chances <= 0:
        raise NotEnoughDataError(
            "no customer has been observed for any time: nobody has had a whole period since "
            "the one of the first purchase.\n"
            "To mend: choose a later as_of or a shorter period, or give a log that reaches "
            "further back."
        )
    # Why: half a purchase, and half a miss, so that neither probability starts at zero.
    bought = (float(table.weight @ table.x) + 0.5) / (chances + 1.0)
    found = []
    for size, rise, gamma, delta in (
        (2.0, 1.3, 0.7, 2.8),
        (0.5, 1.0, 0.3, 3.0),
        (5.0, 1.5, 1.0, 3.0),
        (1.0, 1.0, 0.05, 2.0),
        (1.0, 1.3, 2.0, 20.0),
    ):
        share = min(rise * bought, 0.5 + 0.5 * bought)
        found.append((size * share, size * (1.0 - share), gamma, delta))
    return np.log(found)


_STAY = "nobody seems to drop out (dropout probability near 0)"
_LEAVE = "everybody seems to leave before the first opportunity"
_NEVER = "hardly anybody buys again"
_ALWAYS = "whoever is there buys at every opportunity"


@final
@dataclass(frozen=True)
class BGBBLikelihood:
    """θ = ln (alpha, beta, gamma, delta); none has a unit."""

    parameter_names: tuple[str, ...] = ("alpha", "beta", "gamma", "delta")
    unit_bearing: tuple[int, ...] = (0, 0, 0, 0)
    limits: tuple[Limit, ...] = (
        Limit("dropout", (0, 0, -1, 1), "beta-binomial", _STAY),
        Limit("dropout", (0, 0, -1, 0), "beta-binomial", _STAY),
        Limit("dropout", (0, 0, 0, 1), "beta-binomial", _STAY),
        Limit("dropout", (0, 0, 1, -1), "one-time buyers", _LEAVE),
        Limit("dropout", (0, 0, 1, 0), "one-time buyers", _LEAVE),
        Limit("dropout", (0, 0, 0, -1), "one-time buyers", _LEAVE),
        Limit(
            "dropout", (0, 0, 1, 1), "geometric dropout", "customers share one dropout probability"
        ),
        Limit(
            "dropout",
            (0, 0, -1, -1),
            "stayers and leavers",
            "some never leave, the others leave at once",
        ),
        Limit("purchases", (1, 1), "binomial purchasing", "customers share one chance to buy"),
        Limit("purchases", (-1, -1), "always or never", "some buy every time, others never"),
        Limit("purchases", (-1, 1), "no repeat purchases", _NEVER),
        Limit("purchases", (-1, 0), "no repeat purchases", _NEVER),
        Limit("purchases", (0, 1), "no repeat purchases", _NEVER),
        Limit("purchases", (1, -1), "a purchase every time", _ALWAYS),
        Limit("purchases", (1, 0), "a purchase every time", _ALWAYS),
        Limit("purchases", (0, -1), "a purchase every time", _ALWAYS),
    )

    @property
    def effects(self) -> Mapping[str, tuple[float, ...]]:
        """On the odds of buying at an opportunity, and on those of dropping out before it."""
        return {"purchases": (0.5, -0.5, 0.0, 0.0), "dropout": (0.0, 0.0, 0.5, -0.5)}

    def starts(self, table: Opportunities) -> Float[np.ndarray, "starts 4"]:
        """Some probabilities to buy around the mean, with more or less dropout."""
        return _starts(table)

    def log_likelihood(
        self, theta: Float[np.ndarray, "*rows 4"], table: Opportunities
    ) -> Float[np.ndarray, " rows"]:
        """Of each row, at one θ or its own."""
        parts = self._over(theta, table, lambda p, part: _mixture(p, part, slopes=False))
        return np.concatenate([part.value for part in parts])

    def row_moments(self, theta: Float[np.ndarray, "rows 4"], table: Opportunities) -> Moments:
        """Value, gradient and Hessian of each row at its own θ."""
        return self._moments(theta, table)

    def moments(self, theta: Float[np.ndarray, " 4"], table: Opportunities) -> Moments:
        """Weighted sums over the rows, which are few."""
        rows, weight = self._moments(theta, table), table.weight
        hessian = np.einsum("r,rij->ij", weight, rows.hessian)
        return Moments(np.asarray(weight @ rows.value), weight @ rows.gradient, hessian)

    def _moments(self, theta: Float[np.ndarray, "*rows 4"], table: Opportunities) -> Moments:
        found = self._over(theta, table, _mixture)
        value, gradient, hessian = (np.concatenate(column) for column in zip(*found, strict=True))
        return natural_to_log(Moments(value, gradient, hessian), np.exp(theta))

    def _over(
        self,
        theta: Float[np.ndarray, "*rows 4"],
        table: Opportunities,
        make: Callable[[tuple[Parameter, ...], Opportunities], _Mixture],
    ) -> list[_Mixture]:
        """In chunks, so that rows × opportunities stays small."""
        size = max(1, int(_TERMS / (1.0 + np.max(table.n - table.t_x, initial=0.0))))
        found = []
        for first in range(0, max(len(table), 1), size):
            rows = slice(first, first + size)
            own: tuple[Parameter, ...]
            if theta.ndim == 2:
                own = tuple(np.exp(theta[rows]).T)
            else:
                own = tuple(float(p) for p in np.exp(theta))
            found.append(make(own, table.take(rows)))
        return found
