"""Beta-geometric dropout: what BG/NBD and MBG/NBD share.

A customer may leave right after a purchase, each time with probability p ~ Beta(a, b). The number
of such chances y is the number x of repeat purchases in BG/NBD, and x + 1 in MBG/NBD, where the
first purchase is a chance too. With purchase rates λ ~ Gamma(r, alpha) the likelihood is

    L = Γ(r+x)/Γ(r) α^r · B(a, b+y)/B(a, b) · [ (α+T)^-(r+x) + 1{y>0} a/(b+y-1) (α+t_x)^-(r+x) ],

eq. (6) of Fader, Hardie & Lee (2005) for y = x and eq. (9) of Batislam, Denizel & Filiztekin
(2007) for y = x + 1.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import numpy as np
from jaxtyping import Float
from scipy.special import betaln, gammaln

from patronage.models.likelihoods.base import Column, Limit, Moments, natural_to_log
from patronage.models.likelihoods.histories import Histories
from patronage.models.likelihoods.purchasing import (
    listed_rising,
    log_rising,
    log_rising_ratio,
    rate_start,
)

__all__ = ["EFFECTS", "LIMITS", "log_likelihood", "moments", "packed_moments", "starts"]

Chances = Literal[0, 1]  # y - x
Parameter = float | Float[np.ndarray, "*rows"]

# λ multiplies with e^z as alpha does with e^-z; the odds of dropout, a : b, with e^z as a and b
# move apart by half of it each.
EFFECTS: Final[Mapping[str, tuple[float, ...]]] = {
    "purchases": (0.0, -1.0, 0.0, 0.0),
    "dropout": (0.0, 0.0, 0.5, -0.5),
}

LIMITS = (
    Limit("dropout", (0, 0, -1, 1), "nbd", "nobody seems to drop out (dropout probability near 0)"),
    Limit("dropout", (0, 0, -1, 0), "nbd", "nobody seems to drop out (dropout probability near 0)"),
    Limit("dropout", (0, 0, 0, 1), "nbd", "nobody seems to drop out (dropout probability near 0)"),
    Limit(
        "dropout", (0, 0, 1, -1), "one-time buyers", "everybody seems to leave at the first chance"
    ),
    Limit(
        "dropout", (0, 0, 0, -1), "one-time buyers", "everybody seems to leave at the first chance"
    ),
    Limit("dropout", (0, 0, 1, 1), "geometric dropout", "customers share one dropout probability"),
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


def log_likelihood(
    r: Parameter,
    alpha: Parameter,
    a: Parameter,
    b: Parameter,
    x: Float[np.ndarray, "*rows"],
    t_x: Float[np.ndarray, "*rows"],
    T: Float[np.ndarray, "*rows"],
    *,
    extra_chances: Chances,
) -> Float[np.ndarray, "*rows"]:
    """Log-likelihood of each history (module docstring); parameters may differ by row."""
    y = x + extra_chances
    purchasing = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    # Why: (α+T)^-(r+x) is taken out of the sum, which would underflow for large x.
    stayed = betaln(a, b + y) - betaln(a, b) - (r + x) * np.log(alpha + T)
    odds = (r + x) * np.log((alpha + T) / (alpha + t_x)) + np.log(a / (b + np.maximum(y, 1) - 1))
    return np.asarray(purchasing + stayed + np.where(y > 0, np.logaddexp(0.0, odds), 0.0))


def packed_moments(
    theta: Sequence[Column], table: Histories, *, extra_chances: Chances
) -> Float[np.ndarray, "15 rows"]:
    """Value, gradient and Hessian of each row with respect to θ, packed.

    With p = α / (α + time), q the weight of having left, o its log odds and h = b / (b+y-1), the
    derivatives of o by ln (r, α, a, b) are (r ln((α+T)/(α+t)), n (p_T - p_t), 1, -h).
    """
    x = table.x
    found = np.zeros((15, len(x)))
    if (x[1:] > x[:-1]).any():
        order = np.argsort(-x, kind="stable")
        own = [c[order] if isinstance(c, np.ndarray) else c for c in theta]
        found[:, order] = packed_moments(own, table.take(order), extra_chances=extra_chances)
        return found
    # Who had a chance to leave comes first.
    last = len(x) if extra_chances else int(np.searchsorted(-x, 0.0))
    for had, write in ((slice(0, last), _with_chances), (slice(last, None), _without)):
        if len(x[had]):
            own = [c[had] if isinstance(c, np.ndarray) else c for c in theta]
            write(own, table.take(had), extra_chances, found[:, had])
    return found


def _without(
    theta: Sequence[Column], table: Histories, chances: Chances, found: Float[np.ndarray, "15 rows"]
) -> None:
    """Into `found`, rows without a repeat purchase: (α / (α+T))^r."""
    del chances
    r = np.exp(theta[0])
    share = np.exp(theta[1])
    share /= share + table.T
    value = np.log(share, out=found[0])
    value *= r
    found[1], found[5] = value, value
    np.multiply(share, -r, out=found[7])
    found[7] *= np.subtract(1.0, share, out=share)
    found[2] = np.multiply(share, r, out=found[6])


def _with_chances(
    theta: Sequence[Column], table: Histories, chances: Chances, found: Float[np.ndarray, "15 rows"]
) -> None:
    """Into `found`, rows after at least one chance to leave, in falling order of these."""
    log_alpha, log_a = theta[1], theta[2]
    r, alpha, a, b = (np.exp(column) for column in theta)
    x = table.x
    n, y = r + x, x + chances
    ends, since = alpha + table.T, alpha + table.t_x
    log_T, p_T, p_t = np.log(ends), alpha / ends, alpha / since
    log_ratio = log_T - np.log(since)
    rising, rising_1, rising_2 = listed_rising(r, x)
    ratio, up_1, up_2, low_1, low_2 = log_rising_ratio(b, a + b, y)
    left = b + (y - 1) if chances == 0 else b + x
    h = b / left
    odds = n * log_ratio
    odds += log_a
    odds -= np.log(left)
    small = np.exp(-np.abs(odds))
    q = np.where(odds > 0, 1.0, small)
    q /= 1 + small
    spread = q * (1 - q)

    value, g_r, g_alpha, g_a, g_b, rr, ar, aa, dr, da, dd, br, ba, bd, bb = found
    value[:] = rising + r * log_alpha
    value -= n * log_T
    value += ratio
    value += np.log1p(small)
    value += np.maximum(odds, 0, out=odds)
    s_r, gap = r * log_ratio, p_T - p_t
    s_alpha = n * gap
    log_T -= log_alpha
    g_r[:] = r * (rising_1 - log_T)
    g_r += q * s_r
    rr[:] = g_r + r * r * rising_2
    np.multiply(q, s_alpha, out=g_alpha)
    ar[:] = q * gap + (1 - p_T)
    ar *= r
    p_T *= n
    g_alpha += r - p_T
    # n p (1 - p) at both ends
    p_T *= 1 - alpha / ends
    p_t *= 1 - p_t
    p_t *= n
    aa[:] = q * (p_T - p_t) - p_T
    np.multiply(spread, s_r, out=dr)
    np.multiply(spread, s_alpha, out=da)
    rr += dr * s_r
    ar += dr * s_alpha
    aa += da * s_alpha
    np.multiply(dr, -h, out=br)
    np.multiply(da, -h, out=ba)

    low_1, up_1 = a * low_1, b * (up_1 - low_1)
    g_a[:] = q - low_1
    dd[:] = spread - low_1
    bb[:] = up_1 + b * b * (up_2 - low_2)
    low_2 = a * low_2
    dd -= a * low_2
    bd[:] = -b * low_2
    spread *= h
    bd -= spread
    spread *= h
    bb += spread
    q *= h
    g_b[:] = up_1 - q
    q *= 1 - h
    bb -= q


def moments(theta: Float[np.ndarray, " 4"], table: Histories, *, extra_chances: Chances) -> Moments:
    """Weighted sums over the rows at one θ; terms in x alone summed over its distinct values."""
    parameters = np.exp(theta)
    r, alpha, a, b = (float(value) for value in parameters)
    x, weight = table.frequencies
    total = float(weight.sum())
    rising, rising_1, rising_2 = (float(weight @ term) for term in log_rising(r, x))
    left_b, left_b1, left_b2 = (float(weight @ t) for t in log_rising(b, x + extra_chances))
    left_ab, left_ab1, left_ab2 = (
        float(weight @ term) for term in log_rising(a + b, x + extra_chances)
    )
    value = rising + total * r * np.log(alpha) + left_b - left_ab
    gradient = np.array(
        [rising_1 + total * np.log(alpha), total * r / alpha, -left_ab1, left_b1 - left_ab1]
    )
    hessian = np.zeros((4, 4))
    hessian[0, 0] = rising_2
    hessian[0, 1] = total / alpha
    hessian[1, 1] = -total * r / alpha**2
    hessian[2, 2] = hessian[2, 3] = -left_ab2
    hessian[3, 3] = left_b2 - left_ab2

    for chunk in table.chunks():
        w, n = chunk.weight, r + chunk.x
        wn = w * n
        ends = alpha + chunk.T
        log_T, per_T = np.log(ends), 1 / ends
        value -= float(wn @ log_T)
        gradient[0] -= float(w @ log_T)
        gradient[1] -= float(wn @ per_T)
        hessian[0, 1] -= float(w @ per_T)
        hessian[1, 1] += float(wn @ per_T**2)

        had_chance = slice(None) if extra_chances else chunk.x > 0
        w, n, log_T, per_T = w[had_chance], n[had_chance], log_T[had_chance], per_T[had_chance]
        last = alpha + chunk.t_x[had_chance]
        per_t, log_ratio = 1 / last, log_T - np.log(last)
        gap = per_T - per_t
        per_b = 1 / (b + (chunk.x[had_chance] + (extra_chances - 1)))
        odds = n * log_ratio + np.log(a * per_b)
        small = np.exp(-np.abs(odds))
        q = np.where(odds > 0, 1.0, small) / (1 + small)
        wq = w * q
        slope = np.stack([log_ratio, n * gap, np.full_like(n, 1 / a), -per_b])
        value += float(w @ (np.maximum(odds, 0) + np.log1p(small)))
        gradient += slope @ wq
        hessian += (slope * (wq * (1 - q))) @ slope.T
        hessian[0, 1] += float(wq @ gap)
        hessian[1, 1] -= float((wq * slope[1]) @ (per_T + per_t))
        hessian[2, 2] -= float(wq.sum()) / a**2
        hessian[3, 3] += float(wq @ per_b**2)

    hessian[1, 0], hessian[3, 2] = hessian[0, 1], hessian[2, 3]
    return natural_to_log(Moments(np.asarray(value), gradient, hessian), parameters)


def starts(table: Histories) -> Float[np.ndarray, "starts 4"]:
    """Moments of the rates, with more or less dropout."""
    r, alpha = rate_start(table)
    return np.log(
        [
            [r, alpha, 0.8, 2.5],
            [0.3 * r, 0.3 * alpha, 0.5, 1.0],
            [3 * r, 3 * alpha, 0.8, 8.0],
            [r, 0.5 * alpha, 2.0, 3.0],
            [r, alpha, 0.05, 2.0],
        ]
    )
