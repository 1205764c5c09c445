"""Poisson purchasing with gamma-distributed rates: what all buy-till-you-die likelihoods share."""

from typing import Final

import numpy as np
from jaxtyping import Float
from scipy.special import digamma, gammaln, zeta

from patronage.errors import NotEnoughDataError
from patronage.models.likelihoods.base import Column
from patronage.models.likelihoods.histories import Histories

__all__ = ["listed_rising", "log_rising", "log_rising_ratio", "rate_start"]

_SUMMED: Final = 20
# Rows that are taken together for all the purchases that they have left.
_FEW: Final = 512


def log_rising(
    size: float | Float[np.ndarray, "*rows"], x: Float[np.ndarray, "*rows"]
) -> tuple[Float[np.ndarray, "*rows"], Float[np.ndarray, "*rows"], Float[np.ndarray, "*rows"]]:
    """ln Γ(size + x) - ln Γ(size) and its first two derivatives with respect to size."""
    if isinstance(size, np.ndarray) and size.shape == x.shape:
        value, first, second = _log_rising_by_row(size.ravel(), x.ravel())
        return value.reshape(x.shape), first.reshape(x.shape), second.reshape(x.shape)
    return (
        gammaln(size + x) - gammaln(size),
        digamma(size + x) - digamma(size),
        zeta(2, size + x) - zeta(2, size),
    )


def listed_rising(
    size: float | Float[np.ndarray, " rows"], x: Float[np.ndarray, " rows"]
) -> tuple[Float[np.ndarray, " rows"], Float[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
    """`log_rising`; of one size each distinct whole x is evaluated once."""
    highest = float(x.max(initial=0.0))
    if isinstance(size, np.ndarray) or highest > len(x) or (x != np.floor(x)).any():
        return log_rising(size, x)
    at = x.astype(np.intp)
    value, first, second = log_rising(size, np.arange(highest + 1.0))
    return value[at], first[at], second[at]


def log_rising_ratio(
    upper: Column, lower: Column, y: Float[np.ndarray, " rows"]
) -> tuple[Float[np.ndarray, " rows"], ...]:
    """Σ ln((upper + i) / (lower + i)) over i < y, and first and second derivatives by both sizes.

    Where sizes differ by row, in one product and one logarithm for each row.

    Parameters
    ----------
    y : falling, 0 or above
    """
    if not (isinstance(upper, np.ndarray) and isinstance(lower, np.ndarray)):
        above, below = listed_rising(upper, y), listed_rising(lower, y)
        return above[0] - below[0], above[1], above[2], below[1], below[2]
    found = np.zeros((5, len(y)))
    whole = not (y != np.floor(y)).any()
    many = int(np.searchsorted(-y, -_SUMMED)) if whole else len(y)
    if many:
        head = slice(0, many)
        above, below = log_rising(upper[head], y[head]), log_rising(lower[head], y[head])
        found[:, head] = above[0] - below[0], above[1], above[2], below[1], below[2]
    rest = y[many:]
    _, first, second, low_first, low_second = found[:, many:]
    product, i = np.ones(len(rest)), 0
    up, low = upper[many:].copy(), lower[many:].copy()
    n = int(np.searchsorted(-rest, 0.0))
    while n > _FEW:
        per_up, per_low = 1 / up[:n], 1 / low[:n]
        first[:n] += per_up
        low_first[:n] += per_low
        product[:n] *= up[:n]
        product[:n] *= per_low
        second[:n] -= np.square(per_up, out=per_up)
        low_second[:n] -= np.square(per_low, out=per_low)
        i += 1
        n = int(np.searchsorted(-rest, -i))
        up[:n] += 1
        low[:n] += 1
    if n:
        # Why: in a step for each further purchase, calls would cost more than what they do.
        steps = np.arange(rest[0] - i)[:, None]
        counts = steps < rest[:n] - i
        ups, lows = up[:n] + steps, low[:n] + steps
        product[:n] *= np.where(counts, ups / lows, 1.0).prod(axis=0)
        per_up, per_low = counts / ups, counts / lows
        first[:n] += per_up.sum(axis=0)
        low_first[:n] += per_low.sum(axis=0)
        second[:n] -= np.einsum("ij,ij->j", per_up, per_up)
        low_second[:n] -= np.einsum("ij,ij->j", per_low, per_low)
    np.log(product, out=found[0, many:])
    return tuple(found)


def _log_rising_by_row(
    size: Float[np.ndarray, " rows"], x: Float[np.ndarray, " rows"]
) -> tuple[Float[np.ndarray, " rows"], Float[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
    """Where every row has its own size: Σ ln(size + i), i < x, where x is whole and small.

    Why: six special functions a row cost ten times what the few logarithms do.
    """
    value, first, second = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
    summed = (x <= _SUMMED) & (x == np.floor(x))
    rest = np.flatnonzero(~summed)
    if len(rest):
        s, end = size[rest], size[rest] + x[rest]
        value[rest] = gammaln(end) - gammaln(s)
        first[rest] = digamma(end) - digamma(s)
        second[rest] = zeta(2, end) - zeta(2, s)
    rows = np.flatnonzero(summed & (x > 0))
    i = 0
    while len(rows):
        since = size[rows] + i
        per = 1 / since
        value[rows] += np.log(since)
        first[rows] += per
        second[rows] -= per * per
        i += 1
        rows = rows[x[rows] > i]
    return value, first, second


def rate_start(table: Histories) -> tuple[float, float]:
    """Moment estimates of r and alpha as if nobody dropped out.

    The rate's mean is Σx / ΣT; its squared coefficient of variation 1/r follows from
    E[x(x - 1)] = mean² (1 + 1/r) E[T²].
    """
    w, x, T = table.weight, table.x, table.T
    purchases, exposure = float(w @ x), float(w @ T)
    if exposure <= 0:
        raise NotEnoughDataError(
            "no customer has been observed for any time: every first purchase is on the last day.\n"
            "To mend: choose a later as_of, or give a log that reaches further back."
        )
    # Why: half a purchase, so that a table of one-time buyers still has a rate above zero.
    mean = max(purchases, 0.5) / exposure
    pairs = float(w @ (x * (x - 1))) / float(w @ (mean * T) ** 2)
    if purchases == 0:
        return 1.0, 1 / mean
    r = 1 / (pairs - 1) if pairs > 1.05 else 20.0
    r = min(max(r, 0.1), 20.0)
    return r, r / mean
