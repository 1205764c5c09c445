"""The distribution of a sum of a random number of spends, from P(N = n) and that of n spends."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float, Shaped

from patronage.forecast.inversion import invert_cdf
from patronage.forecast.spend import AbstractSpend
from patronage.forecast.thinning import thin_counts

__all__ = ["Part", "mixed_cdf", "mixed_quantile"]

# A point with less of a customer's mass moves no probability that is looked at.
_LEAST_MASS: Final = 1e-9

# P(N = n) of each row, or a signed share of it, and the spend of a purchase.
Part = tuple[Float[np.ndarray, "rows counts"], AbstractSpend]


def mixed_cdf(
    parts: Sequence[Part], money: Float[np.ndarray, " rows"]
) -> Float[np.ndarray, " rows"]:
    """Σ_{n >= 1} P(N = n) P(sum of n spends <= money), over all parts."""
    found = np.zeros(len(money))
    for pmf, spend in parts:
        for n, mass in thin_counts(pmf):
            some = np.flatnonzero(np.abs(mass) > _LEAST_MASS)
            found[some] += mass[some] * spend.take(some).sum_cdf(n, money[some])
    return found


def mixed_quantile(
    parts: Sequence[Part], level: float, *, sign: int = 1
) -> Float[np.ndarray, " rows"]:
    """Quantile of the gross total, 0 where it is not positive; with sign -1 of minus the total."""

    def below(
        n: float, part: AbstractSpend, money: Float[np.ndarray, " some"]
    ) -> Float[np.ndarray, " some"]:
        return part.sum_cdf(n, money) if sign > 0 else 1.0 - part.sum_cdf(n, -money)

    none: Float[np.ndarray, " rows"] = np.asarray(sum(pmf[:, 0] for pmf, _ in parts))
    found, not_above = np.zeros_like(none), none
    for pmf, spend in parts:
        if spend.signed:
            nothing = np.zeros_like(none)
            not_above = not_above + sum(m * below(n, spend, nothing) for n, m in thin_counts(pmf))
    rows = np.flatnonzero(not_above < level)
    if len(rows) == 0:
        return found
    if level >= 1.0:
        found[rows] = np.inf
        return found
    here = [(thin_counts(pmf[rows]), spend.take(rows)) for pmf, spend in parts]
    guess = sum(
        np.abs(spend.mean()[rows]) * (pmf[rows] @ np.arange(pmf.shape[1])) for pmf, spend in parts
    ) / np.maximum(1.0 - none[rows], 1e-300)

    def both(
        money: Float[np.ndarray, " some"], which: Shaped[np.ndarray, " some"]
    ) -> tuple[Float[np.ndarray, " some"], Float[np.ndarray, " some"]]:
        reached, density = none[rows][which], np.zeros(len(which))
        for points, spend in here:
            for n, mass in points:
                share = mass[which]
                some = np.flatnonzero(np.abs(share) > _LEAST_MASS)
                if len(some):
                    one, part = spend.take(which[some]), share[some]
                    reached[some] += part * below(n, one, money[some])
                    density[some] += part * one.sum_pdf(n, sign * money[some])
        return reached, density

    found[rows] = invert_cdf(both, np.full(len(rows), level), guess=np.maximum(guess, 1e-12))
    return found
