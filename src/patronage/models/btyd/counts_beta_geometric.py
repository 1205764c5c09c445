"""Purchases ahead under BG/NBD and MBG/NBD, customer by customer.

BG/NBD: Fader, Hardie & Lee (2005); MBG/NBD: Batislam, Denizel & Filiztekin (2007). They differ in
one place: with MBG/NBD a customer may also drop out right after the first purchase, so that the
dropout probability of a living customer is Beta(a, b + x + 1) instead of Beta(a, b + x).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, final

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy.special import betainc

from patronage.forecast.counts import AbstractCounts, levels_between
from patronage.forecast.discounted import by_parts, no_finite_sum
from patronage.models.btyd.dropout_mean import expected_until_dropout

__all__ = ["BetaGeometricCounts"]

_ROWS: Final = 4096


@final
@dataclass(frozen=True)
class BetaGeometricCounts(AbstractCounts):
    """Given the history: alive with p_alive, then lambda ~ Gamma(r + x, alpha + T) purchases a
    day, after each of which the customer drops out with probability p ~ Beta(a, b + x [+ 1]).

    Attributes
    ----------
    r, alpha, a, b : population parameters, alpha in days; or a value per customer
    x : number of repeat purchases
    t_x : days from first to last purchase
    T : days from first purchase to as_of
    modified : MBG/NBD, where a customer may drop out at the first purchase already
    """

    r: float | Float[np.ndarray, " customers"]
    alpha: float | Float[np.ndarray, " customers"]
    a: float | Float[np.ndarray, " customers"]
    b: float | Float[np.ndarray, " customers"]
    x: Float[np.ndarray, " customers"]
    t_x: Float[np.ndarray, " customers"]
    T: Float[np.ndarray, " customers"]
    modified: bool = False

    @cached_property
    def p_alive(self) -> Float[np.ndarray, " customers"]:
        """1 / (1 + odds of having dropped out at the last purchase); BG/NBD: 1 where x = 0."""
        # P(dropped out at the last purchase) : P(stayed), before the silence is taken in.
        stayed = np.asarray(self.b + self.x if self.modified else self.b + self.x - 1.0)
        silence = (self.r + self.x) * np.log((self.alpha + self.T) / (self.alpha + self.t_x))
        if self.modified:
            return 1.0 / (1.0 + self.a / stayed * np.exp(np.minimum(silence, 700.0)))
        bought = self.x > 0
        odds = self.a / np.where(bought, stayed, 1.0) * np.exp(np.minimum(silence, 700.0))
        return np.where(bought, 1.0 / (1.0 + odds), 1.0)

    def mean(self, edges: Float[np.ndarray, " edges"]) -> Float[np.ndarray, "customers periods"]:
        """p_alive × E[(1 − e^(−lambda p u)) / p], differenced over the edges."""
        a_T = self.alpha + self.T
        same = not isinstance(self.a, np.ndarray) and not isinstance(self.b, np.ndarray)
        until = expected_until_dropout(
            np.asarray(self.r + self.x),
            edges[None, :] / a_T[:, None],
            a=self.a,
            b=self._b_alive,
            group=self.x.astype(np.int64) if same and self.x.max(initial=0) < 65535 else None,
        )
        # Why: two neighbours that are equal but for rounding must not differ by −1e-17.
        return self.p_alive[:, None] * np.maximum(np.diff(until, axis=1), 0.0)

    def pmf(self, days: float, n_max: int) -> Float[np.ndarray, "customers counts"]:
        """P(N >= n | alive) = P(no dropout at the first n − 1) × P(n events of the NBD in time)."""
        found = np.empty((len(self.x), n_max + 1))
        for start in range(0, len(found), _ROWS):
            part = self.take(slice(start, start + _ROWS))
            found[start : start + _ROWS] = part._pmf_if_alive(days, n_max)
        found *= self.p_alive[:, None]
        found[:, 0] += 1.0 - self.p_alive
        return found

    def sample(
        self, edges: Float[np.ndarray, " edges"], n_draws: int, rng: np.random.Generator
    ) -> Int[np.ndarray, "draws customers periods"]:
        shape = (n_draws, len(self.x))
        alive = rng.random(shape) < self.p_alive
        rate = rng.standard_gamma(self.r + self.x, size=shape) / (self.alpha + self.T)
        dropout = rng.beta(self.a, self._b_alive, size=shape)
        # The number of purchases up to the one at which the customer drops out: geometric.
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            last = np.floor(rng.standard_exponential(shape) / -np.log1p(-dropout))
        last = np.where(np.isfinite(last), np.minimum(last, 1e15), 1e15).astype(np.int64) + 1
        last[~alive] = 0
        wanted = rng.poisson(rate[:, :, None] * np.diff(edges)).cumsum(axis=2)
        made = np.minimum(wanted, last[:, :, None])
        return np.diff(made, axis=2, prepend=0)

    def survival(self, days: Float[np.ndarray, " times"]) -> Float[np.ndarray, "customers times"]:
        """p_alive × E[e^(−lambda p days)], by the expected purchases at a dropout of a + 1."""
        w = days / (self.alpha + self.T)[:, None]
        r, a, b = np.asarray(self.r + self.x), self.a, self._b_alive
        gone = np.asarray(a / (a + b))[:, None] * expected_until_dropout(r, w, a=a + 1.0, b=b)
        return np.asarray(self.p_alive[:, None] * np.clip(1.0 - gone, 0.0, 1.0))

    def p_active(self, days: Float[np.ndarray, " times"]) -> Float[np.ndarray, "customers times"]:
        """p_alive × [1 − ((alpha+T)/(alpha+T+days))^(r+x)]: the living drop out after buying."""
        waited = np.log1p(days / (self.alpha + self.T)[:, None])
        none = np.expm1(-np.asarray(self.r + self.x)[:, None] * waited)
        return np.asarray(-self.p_alive[:, None] * none)

    @property
    def p_never(self) -> Float[np.ndarray, " customers"]:
        """1 − p_alive: whoever is alive buys, sooner or later."""
        return 1.0 - self.p_alive

    def next_purchase(self, levels: Sequence[float]) -> Float[np.ndarray, "customers levels"]:
        """The inverse of `p_active`."""
        if_alive = np.array(levels_between(levels)) / np.maximum(self.p_alive, 1e-300)[:, None]
        some = if_alive < 1.0
        waited = -np.log1p(-np.where(some, if_alive, 0.0)) / np.asarray(self.r + self.x)[:, None]
        with np.errstate(over="ignore"):
            days = (self.alpha + self.T)[:, None] * np.expm1(waited)
        return np.where(some, days, np.inf)

    def take(self, rows: slice | Shaped[np.ndarray, " rows"]) -> "BetaGeometricCounts":
        r, alpha, a, b = (
            value[rows] if isinstance(value, np.ndarray) else value
            for value in (self.r, self.alpha, self.a, self.b)
        )
        x, t_x, T = self.x[rows], self.t_x[rows], self.T[rows]
        taken = BetaGeometricCounts(r, alpha, a, b, x, t_x, T, self.modified)
        if "p_alive" in self.__dict__:
            taken.__dict__["p_alive"] = self.p_alive[rows]
        return taken

    def _discounted(
        self, delta: float, days: float, tolerance: float
    ) -> Float[np.ndarray, " customers"]:
        """By parts over E[(1 − e^(−lambda p u)) / p], once for each pair of x and T."""
        del tolerance
        like, which = self._alike()
        found = np.empty(len(like.x))
        for start in range(0, len(found), _ROWS):
            part = like.take(slice(start, start + _ROWS))
            a_T, r_x = part.alpha + part.T, np.asarray(part.r + part.x)

            def until(
                u: Float[np.ndarray, "rows times"],
                part: "BetaGeometricCounts" = part,
                a_T: Float[np.ndarray, " rows"] = a_T,
                r_x: Float[np.ndarray, " rows"] = r_x,
            ) -> Float[np.ndarray, "rows times"]:
                return expected_until_dropout(r_x, u / a_T[:, None], a=part.a, b=part._b_alive)

            found[start : start + _ROWS] = by_parts(until, a_T, delta=delta, days=days)
        return np.asarray(self.p_alive * found[which])

    def _lifetime(self) -> Float[np.ndarray, " customers"]:
        """p_alive × E[1 / p]: the geometric number of purchases until dropout."""
        lowest = float(np.min(self.a))
        if lowest <= 1.0:
            raise no_finite_sum(f"a is {lowest:.4g}, and 1 or less has customers who stay too long")
        return np.asarray(self.p_alive * (self.a + self._b_alive - 1.0) / (self.a - 1.0))

    def _alike(self) -> tuple["BetaGeometricCounts", Int[np.ndarray, " customers"]]:
        """Customers who, if alive, have the same ahead of them: it depends on x and T alone."""
        own = any(isinstance(p, np.ndarray) for p in (self.r, self.alpha, self.a, self.b))
        if own or len(self.x) == 0:
            return self, np.arange(len(self.x))
        order = np.lexsort((self.T, self.x))
        new = np.ones(len(order), dtype=bool)
        new[1:] = (np.diff(self.x[order]) != 0) | (np.diff(self.T[order]) != 0)
        which = np.empty(len(order), dtype=np.int64)
        which[order] = np.cumsum(new) - 1
        return self.take(order[new]), which

    @property
    def _b_alive(self) -> Float[np.ndarray, " customers"]:
        return np.asarray(self.b + self.x + (1.0 if self.modified else 0.0))

    def _pmf_if_alive(self, days: float, n_max: int) -> Float[np.ndarray, "customers counts"]:
        a_T, r_x = self.alpha + self.T, self.r + self.x
        share = days / (a_T + days)
        n = np.arange(1, n_max + 1)
        steps = np.log(share)[:, None] + np.log((r_x[:, None] + (n - 1)) / n)
        nbd = np.empty((len(r_x), n_max + 1))
        nbd[:, 0] = -r_x * np.log1p(days / a_T)
        np.cumsum(steps, axis=1, out=nbd[:, 1:])
        nbd[:, 1:] += nbd[:, :1]
        np.exp(nbd, out=nbd)
        # P(NBD > n) summed from the far end, so that nothing cancels.
        beyond = np.empty_like(nbd)
        beyond[:, -1] = betainc(n_max + 1, r_x, share)
        beyond[:, :-1] = beyond[:, -1:] + np.cumsum(nbd[:, :0:-1], axis=1)[:, ::-1]
        # Before purchase n: stayed at each of n − 1 purchases; then drops out at n, or not.
        b, a = self._b_alive[:, None], np.broadcast_to(self.a, r_x.shape)[:, None]
        stay = (b + (n - 1)) / (a + b + (n - 1))
        stayed = np.ones_like(nbd)
        np.cumprod(stay[:, :-1], axis=1, out=stayed[:, 2:])
        found = nbd * stayed
        found[:, 1:] += stayed[:, 1:] * (1.0 - stay) * beyond[:, 1:]
        return found
