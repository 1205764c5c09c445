"""Lives: customers drawn from the definition of each process, past the day until which we watch.

Every process here is one renewal process that ends: a first purchase, then gaps of a law of the
customer's own, until a lifetime or a number of purchases is used up. Written apart from
`Process.simulate`, so that each checks the other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from patronage.snapshots import RFM

__all__ = ["PERIOD", "Lives", "draw_lives"]

# Days from one opportunity of bg_bb to the next.
PERIOD: Final = 7.0

Rows = np.ndarray


@dataclass(frozen=True)
class Lives:
    """Repeat purchases of all customers: each one's row and time since that row's first purchase.

    Attributes
    ----------
    T : until when each customer is watched; in opportunities of bg_bb, else in days, as is `when`
    """

    who: Rows
    when: Rows
    T: Rows

    @property
    def ahead(self) -> Rows:
        """Purchases of each customer after T."""
        return np.bincount(self.who[self.when > self.T[self.who]], minlength=len(self.T))

    def rfm(self, money_of: np.random.Generator, spend: Sequence[float]) -> tuple[RFM, Rows]:
        """What is seen until T, and the money of what comes after; p, q, gamma of the spend."""
        n, (p, q, gamma) = len(self.T), spend
        seen = self.when <= self.T[self.who]
        who, when = self.who[seen], self.when[seen]
        x, t_x = np.bincount(who, minlength=n).astype(float), np.zeros(n)
        np.maximum.at(t_x, who, when)
        order = np.lexsort((when, who))
        who, when = who[order], when[order]
        before = np.where(np.r_[True, who[1:] != who[:-1]], 0.0, np.r_[0.0, when[:-1]])
        log_gaps = np.bincount(who, np.log(when - before), n)
        level = p / money_of.gamma(q, 1 / gamma, n)

        def paid(purchases: Rows) -> Rows:
            some = money_of.gamma(p * np.maximum(purchases, 1)) * level / p
            return np.asarray(np.where(purchases > 0, some, 0.0))

        mean = np.where(x > 0, paid(x) / np.maximum(x, 1), np.nan)
        rfm = RFM(np.arange(n), x, t_x, self.T.copy(), mean, log_gaps=log_gaps)
        return rfm, paid(self.ahead)


def draw_lives(
    model: str, truth: Sequence[float], T: Rows, ahead: float, rng: np.random.Generator
) -> Lives:
    """Every repeat purchase until T + ahead, both in days.

    k of the regular ones is 2; the opportunities of bg_bb are the whole periods.
    """
    n = len(T)
    if model == "bg_bb":
        alpha, beta, gamma, delta = truth
        p = rng.beta(alpha, beta, n)
        stays = rng.geometric(np.maximum(rng.beta(gamma, delta, n), 1e-12)) - 1.0
        T = np.floor(T / PERIOD)
        until = np.minimum(T + ahead / PERIOD, stays)
        return _renewed(lambda rows: rng.geometric(p[rows]).astype(float), T, until, np.inf)
    k, most, life = np.ones(n), np.full(n, np.inf), np.full(n, np.inf)
    if model == "pareto_ggg":
        t, gamma, *truth = truth
        k = rng.gamma(t, 1 / gamma, n)
    elif "cnbd" in model:
        # Of k events one is a purchase: the rate of the purchases is a kth of that of the events.
        k = np.full(n, 2.0)
    r, alpha, *leaving = truth
    rate = rng.gamma(r, 1 / alpha, n)
    if model == "pareto_ggg":
        rate = rate * k
    if model in ("pareto_nbd", "pareto_ggg"):
        life = rng.exponential(size=n) / rng.gamma(leaving[0], 1 / leaving[1], n)
    elif model == "ggompertz_nbd":
        b, s, beta = leaving
        life = np.log1p(rng.exponential(size=n) / rng.gamma(s, 1 / beta, n)) / b
    elif model != "nbd":
        p = np.maximum(rng.beta(leaving[0], leaving[1], n), 1e-12)
        most = rng.geometric(p) - float(model.startswith("mbg"))
    until = np.minimum(T + ahead, life)
    return _renewed(lambda rows: rng.gamma(k[rows]) / rate[rows], T, until, most)


def _renewed(gaps: Callable[[Rows], Rows], T: Rows, until: Rows, most: Rows | float) -> Lives:
    """Gap after gap of whoever is still there."""
    now, made = np.zeros(len(T)), np.zeros(len(T))
    here = np.flatnonzero(made < most)
    who, when = [here[:0]], [now[:0]]
    while len(here):
        now[here] += gaps(here)
        here = here[now[here] <= until[here]]
        made[here] += 1
        who.append(here)
        when.append(now[here])
        here = here[(made < most)[here]]
    return Lives(np.concatenate(who), np.concatenate(when), T)
