"""Purchases ahead under GGompertz/NBD (Bemmaor & Glady 2012), customer by customer.

Given that a customer is alive, the purchase rate and the scale of the dropout are independent, as
they were: λ ~ Gamma(r+x, α+T), and what is left of the lifetime survives as S(T+u)/S(T). Every
forecast is one integral of the two (the paper's own conditional expectation is printed with an
error; ours is derived from this).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, final

import numpy as np
from jaxtyping import Float, Int, Shaped

from patronage.forecast.counts import AbstractCounts
from patronage.models.btyd.gompertz_lifetimes import (
    death_nodes,
    expected_life,
    life_left,
    log_survival,
)
from patronage.models.btyd.negative_binomials import mixed_negative_binomials
from patronage.models.likelihoods.gompertz_exposure import dying, dying_nodes, nodes_needed

__all__ = ["GGompertzNBDCounts"]

_ROWS: Final = 1024

Parameter = float | Float[np.ndarray, " customers"]


@final
@dataclass(frozen=True)
class GGompertzNBDCounts(AbstractCounts):
    """Given the history: alive with p_alive, and then lambda ~ Gamma(r + x, alpha + T) purchases a
    day for the rest of a Gompertz lifetime.

    Attributes
    ----------
    r, alpha, b, s, beta : population parameters, alpha in days and b per day; or a value per
        customer
    x : number of repeat purchases
    t_x : days from first to last purchase
    T : days from first purchase to as_of
    """

    r: Parameter
    alpha: Parameter
    b: Parameter
    s: Parameter
    beta: Parameter
    x: Float[np.ndarray, " customers"]
    t_x: Float[np.ndarray, " customers"]
    T: Float[np.ndarray, " customers"]

    @cached_property
    def p_alive(self) -> Float[np.ndarray, " customers"]:
        """1 / (1 + odds of having dropped out), the odds by the exposure integral."""
        found = np.empty(len(self.x))
        needed = nodes_needed(self.alpha, *self._dropout, self.r + self.x, self.t_x, self.T)
        for n_nodes in np.unique(needed):
            alike = np.flatnonzero(needed == n_nodes)
            for start in range(0, len(alike), _ROWS):
                rows = alike[start : start + _ROWS]
                found[rows] = self.take(rows)._share_alive(int(n_nodes))
        return found

    def mean(self, edges: Float[np.ndarray, " edges"]) -> Float[np.ndarray, "customers periods"]:
        """p_alive × (r+x)/(alpha+T) × ∫ S(T+u)/S(T) du over each period."""
        rate = self.p_alive * (self.r + self.x) / (self.alpha + self.T)
        if any(isinstance(value, np.ndarray) for value in self._dropout):
            b, s, beta = (_column(value) for value in self._dropout)
            return np.asarray(rate[:, None] * expected_life(b, s, beta, self.T[:, None], edges))
        # What is left of a lifetime depends on nothing but T.
        T, inverse = np.unique(self.T, return_inverse=True)
        lives = expected_life(self.b, self.s, self.beta, T[:, None], edges)
        return np.asarray(rate[:, None] * lives[inverse])

    def pmf(self, days: float, n_max: int) -> Float[np.ndarray, "customers counts"]:
        """Negative binomials mixed over the time active, with an atom at the whole of `days`."""
        found = np.empty((len(self.x), n_max + 1))
        rows = max(1, 2 * _ROWS // (1 + n_max // 64))
        for start in range(0, len(found), rows):
            part = self.take(slice(start, start + rows))
            found[start : start + rows] = part._pmf_if_alive(days, n_max)
        found *= self.p_alive[:, None]
        found[:, 0] += 1.0 - self.p_alive
        return found

    def sample(
        self, edges: Float[np.ndarray, " edges"], n_draws: int, rng: np.random.Generator
    ) -> Int[np.ndarray, "draws customers periods"]:
        shape = (n_draws, len(self.x))
        alive = rng.random(shape) < self.p_alive
        rate = rng.standard_gamma(self.r + self.x, size=shape) / (self.alpha + self.T)
        left = life_left(*self._dropout, self.T, shape, rng)
        active = np.where(alive, left, 0.0)[:, :, None]
        inside = np.clip(active - edges[:-1], 0.0, np.diff(edges))
        return np.asarray(rng.poisson(rate[:, :, None] * inside))

    def survival(self, days: Float[np.ndarray, " times"]) -> Float[np.ndarray, "customers times"]:
        """p_alive × S(T+days)/S(T)."""
        b, s, beta = (_column(value) for value in self._dropout)
        left = np.exp(log_survival(b, s, beta, self.T[:, None], days))
        return np.asarray(self.p_alive[:, None] * left)

    def take(self, rows: slice | Shaped[np.ndarray, " rows"]) -> "GGompertzNBDCounts":
        r, alpha, b, s, beta = (
            value[rows] if isinstance(value, np.ndarray) else value
            for value in (self.r, self.alpha, *self._dropout)
        )
        histories = self.x[rows], self.t_x[rows], self.T[rows]
        taken = GGompertzNBDCounts(r, alpha, b, s, beta, *histories)
        if "p_alive" in self.__dict__:
            taken.__dict__["p_alive"] = self.p_alive[rows]
        return taken

    @property
    def _dropout(self) -> tuple[Parameter, Parameter, Parameter]:
        return self.b, self.s, self.beta

    def _share_alive(self, n_nodes: int) -> Float[np.ndarray, " customers"]:
        n = self.r + self.x
        since, dead, terms = dying_nodes(
            self.alpha, *self._dropout, n, self.t_x, self.T, n_nodes=n_nodes
        )
        now = dying(self.b, self.beta, self.T).decline
        terms = terms + np.log(self.s) + self.s * (now - dead.decline)
        terms += n * (np.log(self.alpha + self.T) - np.log(since))
        return np.asarray(1.0 / (1.0 + np.exp(np.minimum(terms, 700.0)).sum(axis=0)))

    def _pmf_if_alive(self, days: float, n_max: int) -> Float[np.ndarray, "customers counts"]:
        alpha, b, s, beta = (_column(value) for value in (self.alpha, *self._dropout))
        n_nodes = 24 + 4 * int(np.sqrt(n_max))
        active, mass = death_nodes(alpha, b, s, beta, self.T[:, None], days, n_nodes)
        odds = active / (self.alpha + self.T)[:, None]
        return mixed_negative_binomials(self.r + self.x, odds, mass, n_max)


def _column(
    value: float | Float[np.ndarray, " customers"],
) -> float | Float[np.ndarray, "customers 1"]:
    return value[:, None] if isinstance(value, np.ndarray) else value
