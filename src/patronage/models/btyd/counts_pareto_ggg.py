"""Purchases ahead under Pareto/GGG (Platzer & Reutterer 2016), customer by customer.

Given a regularity k and that the customer is alive, all that lies ahead has a density. Purchase m
from now on comes at v if the gap that is open since t_x and the m - 1 after it sum to
w = T - t_x + v; that sum has Beta(m k, n) odds, n = r + k x, and the share of the open gap in it
is Beta(k, (m-1) k), whatever the rate. So, with S = P(the open gap exceeds T - t_x),

    P(N(u) >= m) = ∫_0^u ((β+T)/(β+T+v))^s f_(m k, n)(w) I_(v/w)((m-1) k, k) dv / S:

one integral over v for each m, mixed over nodes of k. The lifetime left does not depend on k or the
rate. On the grocery set these nodes give a customer's expectation to 0.2 %, and a total to 1e-5.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy.polynomial.legendre import leggauss
from scipy.interpolate import PchipInterpolator
from scipy.special import betainc, betaincinv, betaln

from patronage.forecast.counts import AbstractCounts
from patronage.models.likelihoods.pareto_ggg import N_SHAPES, log_reached
from patronage.models.likelihoods.pareto_ggg_nodes import (
    gap_window,
    log_nodes,
    shape_nodes,
    timing,
)
from patronage.models.likelihoods.timed_histories import TimedHistories

__all__ = ["ParetoGGGCounts"]

_SHAPES: Final = 12
_CUT: Final = 20.0
# Nodes over the time of a purchase, in each of so many periods that it may fall in.
_TIMES: Final = {2: 20, 6: 10, 10**9: 4}
_NEGLIGIBLE: Final = 1e-7
_ROWS: Final = 64
_MOST: Final = 100_000
# Days whose purchases are looked at one by one for a discounted sum, in so many panels; and the
# exponent of a discount that leaves nothing.
_EXACT_DAYS: Final = 1461.0
_PANELS: Final = 24
_FAR: Final = 45.0

Parameter = float | Float[np.ndarray, " customers"]


class _Alive(NamedTuple):
    """Nodes of k given the history and that the customer is alive.

    Attributes
    ----------
    k, n, c : regularity; the posterior of the rate before the silence is Gamma(n, c)
    log_open : ln P(the open gap exceeds the silence)
    weight : sums to 1 over the nodes
    """

    k: Float[np.ndarray, "k customers"]
    n: Float[np.ndarray, "k customers"]
    c: Float[np.ndarray, "k customers"]
    log_open: Float[np.ndarray, "k customers"]
    weight: Float[np.ndarray, "k customers"]


class _Reached(NamedTuple):
    """P(purchase m falls in a period, alive), summed over k: value[i] belongs to m[i]."""

    m: int
    rows: Int[np.ndarray, " cells"]
    periods: Int[np.ndarray, " cells"]
    value: Float[np.ndarray, " cells"]


@final
@dataclass(frozen=True)
class ParetoGGGCounts(AbstractCounts):
    """See the module.

    Attributes
    ----------
    t, gamma, r, alpha, s, beta : population parameters, alpha and beta in days; or a value per
        customer
    histories : of each customer, in days
    """

    t: Parameter
    gamma: Parameter
    r: Parameter
    alpha: Parameter
    s: Parameter
    beta: Parameter
    histories: TimedHistories

    @cached_property
    def p_alive(self) -> Float[np.ndarray, " customers"]:
        """The share of being alive in the likelihood."""
        found = np.empty(len(self.histories))
        for start in range(0, len(found), _ROWS):
            part = self.take(slice(start, start + _ROWS))
            alive, every = part._log_terms(N_SHAPES)
            found[start : start + _ROWS] = np.exp(alive - every)
        return np.minimum(found, 1.0)

    def mean(self, edges: Float[np.ndarray, " edges"]) -> Float[np.ndarray, "customers periods"]:
        """p_alive × Σ_m P(purchase m falls in the period)."""
        shape = (len(self.histories), len(edges) - 1)
        found = np.zeros(shape)
        for start in range(0, len(found), _ROWS):
            part = self.take(slice(start, start + _ROWS))
            block, at = np.zeros((len(part.histories), shape[1])), 0
            previous = np.zeros_like(block)
            for reached in part._reached(edges):
                now = np.zeros_like(block)
                np.add.at(now, (reached.rows, reached.periods), reached.value)
                # Those between two purchases that are looked at lie on a line between them.
                block += (reached.m - at + 1) / 2 * now + (reached.m - at - 1) / 2 * previous
                previous, at = now, reached.m
            # Why: the rest of a customer may not depend on how far others of the block go on.
            block += (_step(at) - 1) / 2 * previous
            found[start : start + _ROWS] = block
        return self.p_alive[:, None] * found

    def _discounted(
        self, delta: float, days: float, tolerance: float
    ) -> Float[np.ndarray, " customers"]:
        """Purchases of a few years in panels, then at the last panel's rate per living customer.

        Why not between bounds: these need every purchase of a century. By then the clock of the
        open gap is long forgotten, and purchases come at a rate that dropout alone lowers; within
        0.5 % of the bounds on the groceries (tested), which `tolerance` cannot lessen.
        """
        del tolerance
        end = min(days, _EXACT_DAYS)
        edges = end * np.linspace(0.0, 1.0, _PANELS + 1) ** 2
        expected, middle = self.mean(edges), (edges[:-1] + edges[1:]) / 2
        found = expected @ np.exp(-delta * middle)
        if days <= end:
            return np.asarray(found)
        # ∫ e^(−δu) S(u) du beyond the end, in log time from the age of the customer on.
        B = np.asarray(self.beta + self.histories.T)[:, None]
        nodes, weights = leggauss(32)
        last = min(days, _FAR / delta)
        low, high = np.log(B + end), np.log(B + last)
        at = np.exp(low + (high - low) * (nodes + 1) / 2)
        left = at * np.exp(-delta * (at - B)) * self._left(at - B)
        beyond = (high - low)[:, 0] / 2 * (left @ weights)
        rate = expected[:, -1] / np.diff(edges)[-1] / self._left(middle[-1:])[:, 0]
        return np.asarray(found + rate * beyond)

    def pmf(self, days: float, n_max: int) -> Float[np.ndarray, "customers counts"]:
        """Differences of P(N >= m)."""
        found = np.empty((len(self.histories), n_max + 1))
        edges = np.array([0.0, days])
        for start in range(0, len(found), _ROWS):
            part = self.take(slice(start, start + _ROWS))
            looked_at, reach = [0.0], [np.ones(len(part.histories))]
            for reached in part._reached(edges, most=n_max + 1):
                looked_at.append(float(reached.m))
                reach.append(np.zeros(len(part.histories)))
                np.add.at(reach[-1], reached.rows, reached.value)
            whole = np.arange(n_max + 2, dtype=np.float64)
            at_least = np.zeros((n_max + 2, len(part.histories)))
            known = whole <= looked_at[-1]
            if looked_at[-1] == len(looked_at) - 1:
                at_least[known] = np.stack(reach)[: int(known.sum())]
            else:
                at_least[known] = PchipInterpolator(looked_at, np.stack(reach))(whole[known])
            found[start : start + _ROWS] = np.maximum(-np.diff(at_least, axis=0), 0.0).T
        found *= self.p_alive[:, None]
        found[:, 0] += 1.0 - self.p_alive
        return found

    def sample(
        self, edges: Float[np.ndarray, " edges"], n_draws: int, rng: np.random.Generator
    ) -> Int[np.ndarray, "draws customers periods"]:
        shape, seen, state = (n_draws, len(self.histories)), self.histories, self._alive
        rows = np.broadcast_to(np.arange(shape[1]), shape)
        drawn = rng.random(shape)
        at = np.sum(drawn > np.cumsum(state.weight, axis=0)[:-1, None], axis=0)
        k, n, c = state.k[at, rows], state.n[at, rows], state.c[at, rows]
        # The open gap, longer than the silence, by its distribution; then the rate given it.
        share = betaincinv(n, k, np.exp(state.log_open[at, rows]) * (1 - rng.random(shape)))
        gap = np.maximum(c / k * (1 / np.maximum(share, 1e-300) - 1), seen.T - seen.t_x)
        rate = rng.standard_gamma(n + k) / (c + k * gap)
        with np.errstate(over="ignore"):
            left = (self.beta + seen.T) * np.expm1(rng.standard_exponential(shape) / self.s)
        until = np.where(rng.random(shape) < self.p_alive, np.minimum(left, edges[-1]), 0.0)
        found = np.zeros((*shape, len(edges) - 1), dtype=np.int64)
        now, flat = (gap - (seen.T - seen.t_x)).ravel(), found.reshape(-1, len(edges) - 1)
        k, rate, until = k.ravel(), np.maximum(rate.ravel(), 1e-300), until.ravel()
        here = np.flatnonzero(now < until)
        for _ in range(_MOST):
            if not len(here):
                break
            flat[here, np.searchsorted(edges, now[here], side="right") - 1] += 1
            now[here] += rng.standard_gamma(k[here]) / (k[here] * rate[here])
            here = here[now[here] < until[here]]
        return found

    def _left(
        self, days: Float[np.ndarray, " times"] | Float[np.ndarray, "customers times"]
    ) -> Float[np.ndarray, "customers times"]:
        """P(alive at as_of + days | alive at as_of)."""
        aged = np.log1p(days / np.asarray(self.beta + self.histories.T)[:, None])
        return np.asarray(np.exp(-np.broadcast_to(self.s, self.p_alive.shape)[:, None] * aged))

    def survival(self, days: Float[np.ndarray, " times"]) -> Float[np.ndarray, "customers times"]:
        """p_alive × ((beta + T) / (beta + T + days))^s."""
        return np.asarray(self.p_alive[:, None] * self._left(days))

    def take(self, rows: slice | Shaped[np.ndarray, " rows"]) -> "ParetoGGGCounts":
        t, gamma, r, alpha, s, beta = (
            value[rows] if isinstance(value, np.ndarray) else value
            for value in (self.t, self.gamma, self.r, self.alpha, self.s, self.beta)
        )
        taken = ParetoGGGCounts(t, gamma, r, alpha, s, beta, self.histories.take(rows))
        if "p_alive" in self.__dict__:
            taken.__dict__["p_alive"] = self.p_alive[rows]
        return taken

    def _log_terms(
        self, n_nodes: int
    ) -> tuple[Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        """ln of the likelihood with being alive, and of all of it, less what both share."""
        seen = self.histories
        nodes = shape_nodes(self.t, self.gamma, self.r, self.alpha, seen, n_nodes=n_nodes)
        k = np.exp(nodes.v)
        n, c = self.r + k * seen.x, self.alpha + k * seen.t_x
        terms = nodes.log_weight + self.t * nodes.v - self.gamma * k
        terms += timing(k, self.r, self.alpha, seen)
        with np.errstate(divide="ignore"):
            log_open = np.log(betainc(n, k, c / (c + k * (seen.T - seen.t_x))))
        lived = -self.s * np.log1p((seen.T - seen.t_x) / (self.beta + seen.t_x))
        alive = np.logaddexp.reduce(terms + log_open, axis=0) + lived
        every = terms + log_reached(k, n, c, self.s, self.beta, seen)
        return np.asarray(alive), np.asarray(np.logaddexp.reduce(every, axis=0))

    @cached_property
    def _alive(self) -> _Alive:
        seen = self.histories
        nodes = shape_nodes(self.t, self.gamma, self.r, self.alpha, seen, n_nodes=_SHAPES, cut=_CUT)
        k = np.exp(nodes.v)
        n, c = self.r + k * seen.x, self.alpha + k * seen.t_x
        # Why the floor: a silence that no gap can explain is the end of the customer.
        open_gap = np.maximum(betainc(n, k, c / (c + k * (seen.T - seen.t_x))), 1e-280)
        log_weight = nodes.log_weight + self.t * nodes.v - self.gamma * k + np.log(open_gap)
        log_weight += timing(k, self.r, self.alpha, seen)
        weight = np.exp(log_weight - log_weight.max(axis=0))
        return _Alive(k, n, c, np.log(open_gap), weight / weight.sum(axis=0))

    def _reached(
        self, edges: Float[np.ndarray, " edges"], *, most: int = _MOST
    ) -> Iterator[_Reached]:
        """Purchase by purchase, and in steps of a quarter of √m for large m, until all are past."""
        seen, state = self.histories, self._alive
        shape = state.k.shape
        cells = np.arange(state.k.size)
        row = np.broadcast_to(np.arange(shape[1]), shape).ravel()
        k, n, c, log_open, weight = (column.ravel() for column in state)
        silence = (seen.T - seen.t_x)[row]
        s, since = (
            np.broadcast_to(value, seen.T.shape)[row] for value in (self.s, self.beta + seen.T)
        )
        m = 1
        cells = cells[weight > _NEGLIGIBLE]
        while len(cells) and m <= most:
            at = cells
            first, last = (
                np.log(k[at] * np.maximum(silence[at] + time, 1e-300) / c[at])
                for time in (edges[0], edges[-1])
            )
            low, high = gap_window(m * k[at], n[at], first, last, cut=_CUT)
            low, high = (
                np.maximum(c[at] / k[at] * np.exp(end) - silence[at], 0.0) for end in (low, high)
            )
            # Each purchase in the periods that its window touches.
            start, end = np.maximum(low[:, None], edges[:-1]), np.minimum(high[:, None], edges[1:])
            which, period = np.nonzero(start < end)
            at, start, end = at[which], start[which, period], end[which, period]
            value, touched = np.empty(len(at)), np.bincount(which)[which]
            fewer = 0
            for more, n_nodes in _TIMES.items():
                some = np.flatnonzero((touched > fewer) & (touched <= more))
                cell = at[some]
                v, log_dv = _times(start[some], end[some], n_nodes)
                w = silence[cell] + v
                odds = k[cell] * w / c[cell]
                log_f = m * k[cell] * np.log(odds) - (n[cell] + m * k[cell]) * np.log1p(odds)
                log_f += log_dv - np.log(w) - betaln(m * k[cell], n[cell])
                log_f -= s[cell] * np.log1p(v / since[cell]) + log_open[cell]
                height = np.exp(np.minimum(log_f, 300.0))
                if m > 1:
                    height *= betainc((m - 1) * k[cell], k[cell], v / w)
                value[some] = np.minimum(height.sum(axis=0), 1.0) * weight[cell]
                fewer = more
            yield _Reached(m, row[at], period, value)
            total = np.bincount(at, weights=value, minlength=len(k))
            cells = cells[total[cells] > _NEGLIGIBLE]
            m += _step(m)


def _step(m: int) -> int:
    return max(1, int(np.sqrt(m) / 4))


def _times(
    start: Float[np.ndarray, " cells"], end: Float[np.ndarray, " cells"], n_nodes: int
) -> tuple[Float[np.ndarray, "nodes cells"], Float[np.ndarray, "nodes cells"]]:
    """Nodes from start to end, and ln of their weights; dense near 0."""
    high = np.log(end)
    nodes = log_nodes(
        np.maximum(np.log(np.maximum(start, 1e-300)), high - 40.0), high, n_nodes, power=4.0
    )
    return np.exp(nodes.v), nodes.log_weight + nodes.v
