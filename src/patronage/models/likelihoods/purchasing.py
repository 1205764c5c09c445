"""Poisson purchasing with gamma-distributed rates: what all buy-till-you-die likelihoods share."""

from typing import Final

import numpy as np
from jaxtyping import Float
from scipy.special import digamma, gammaln, zeta

from patronage.errors import NotEnoughDataError
from patronage.models.likelihoods.histories import Histories

__all__ = ["log_rising", "rate_start"]

_SUMMED: Final = 20


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
