"""Purchases ahead under Pareto/GGG (Platzer & Reutterer 2016), customer by customer.

Given a regularity k and that the customer is alive, all that lies ahead has a density. Purchase m
from now on comes at v if the gap that is open since t_x and the m - 1 after it sum to
w = T - t_x + v; that sum has Beta(m k, n) odds, n = r + k x, and the share of the open gap in it
is Beta(k, (m-1) k), whatever the rate. So, with S = P(the open gap exceeds T - t_x),

    P(N(u) >= m) = ∫_0^u ((β+T)/(β+T+v))^s f_(m k, n)(w) I_(v/w)((m-1) k, k) dv / S:

one integral over v for each m, mixed over nodes of k. The lifetime left does not depend on k or the
rate. Sums without an end are those of `pareto_ggg_living`. Both are computed at two orders of
quadrature or more where a bound of the error is asked for, which is told by how they differ.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from scipy.interpolate import PchipInterpolator
from scipy.special import betainc, betaincinv, betaln

from patronage.errors import SettingsError
from patronage.forecast.counts import AbstractCounts
from patronage.models.btyd.pareto_ggg_living import (
    ORDERS_AHEAD,
    Living,
    endless_purchases,
    living,
    times_between,
)
from patronage.models.likelihoods.pareto_ggg import N_SHAPES, log_reached
from patronage.models.likelihoods.pareto_ggg_nodes import (
    gap_window,
    shape_nodes,
    timing,
)
from patronage.models.likelihoods.timed_histories import TimedHistories

__all__ = ["Bounded", "ParetoGGGCounts"]

_MANY: Final = 10**9
_CUT: Final = 20.0
_ROWS: Final = 64
_MOST: Final = 100_000
# e^-45 of a purchase is none to a float64.
_FAR: Final = 45.0
# How many times the last change of a value its error may be.
_SAFETY: Final = 3.0
# Purchases that make no difference to anybody.
_NOTHING: Final = 1e-9

Parameter = float | Float[np.ndarray, " customers"]


class Bounded(NamedTuple):
    """Values, and how far each may be off: three times what the last rise of the order changed."""

    value: Float[np.ndarray, " customers"]
    error: Float[np.ndarray, " customers"]


@dataclass(frozen=True)
class _Order:
    """Of the quadrature of sums with an end.

    Attributes
    ----------
    n_shapes : nodes over k
    n_times : nodes over the time of a purchase, by the number of periods that it may fall in
    per_root : purchases are looked at in steps of √m over this
    negligible : purchases less probable than this are left out
    """

    n_shapes: int
    n_times: tuple[tuple[int, int], ...]
    per_root: int
    negligible: float

    def step(self, m: int) -> int:
        return max(1, int(np.sqrt(m) / self.per_root))


class _Reached(NamedTuple):
    """P(purchase m falls in a period, alive), summed over k: value[i] belongs to m[i]."""

    m: int
    rows: Int[np.ndarray, " cells"]
    periods: Int[np.ndarray, " cells"]
    value: Float[np.ndarray, " cells"]


# The first is that of means and probabilities without a bound.
_ORDERS: Final = (
    _Order(19, ((2, 20), (6, 10), (_MANY, 4)), 4, 1e-7),
    _Order(26, ((_MANY, 22),), 6, 1e-9),
    _Order(38, ((_MANY, 32),), 9, 1e-11),
    _Order(54, ((_MANY, 46),), 13, 1e-12),
    _Order(80, ((_MANY, 66),), 19, 1e-13),
)


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
        found = np.zeros((len(self.histories), len(edges) - 1))
        for rows in self._alike():
            found[rows] = self.take(rows)._expected(edges, _ORDERS[0])
        return self.p_alive[:, None] * found

    def _expected(
        self, edges: Float[np.ndarray, " edges"], order: "_Order", delta: float = 0.0
    ) -> Float[np.ndarray, "customers periods"]:
        """Σ_m P(purchase m falls in the period, alive) of a living customer, discounted."""
        found, at = np.zeros((len(self.histories), len(edges) - 1)), 0
        previous = np.zeros_like(found)
        for reached in self._reached(edges, order, delta=delta):
            now = np.zeros_like(found)
            np.add.at(now, (reached.rows, reached.periods), reached.value)
            # Those between two purchases that are looked at lie on a line between them.
            found += (reached.m - at + 1) / 2 * now + (reached.m - at - 1) / 2 * previous
            previous, at = now, reached.m
        # Why: the rest of a customer may not depend on how far others of the block go on.
        return found + (order.step(at) - 1) / 2 * previous

    def dert_bounded(self, delta: float, days: float, tolerance: float) -> Bounded:
        """DERT at a δ a day above 0, and its error: at most `tolerance` as a share of each value.

        The order of the quadrature rises, for the rows that need it, until three times what the
        last rise changed is less than that, or less than a billionth of a purchase.

        Raises
        ------
        SettingsError : the tolerance is out of reach
        """
        shape = self.p_alive.shape
        found = Bounded(np.zeros(shape), np.full(shape, np.inf))
        before = np.zeros((2, *shape))
        endless = delta * days > _FAR
        for order in range(len(ORDERS_AHEAD) if endless else len(_ORDERS)):
            for some in self._alike(~(found.error <= tolerance * found.value + _NOTHING)):
                part = self.take(some)
                now = part._endless(delta, order) if endless else part._until(delta, days, order)
                now *= self.p_alive[some]
                changed = np.abs(now - before[:, some]).sum(axis=0)
                found.error[some] = _SAFETY * changed if order else np.inf
                found.value[some], before[:, some] = now.sum(axis=0), now
        far = np.flatnonzero(found.error > tolerance * found.value + _NOTHING)
        if len(far):
            worst = far[np.argmax(found.error[far] / found.value[far])]
            raise SettingsError(
                f"a discounted sum is not known to a share of {tolerance:g}: that of row {worst} "
                f"is {found.value[worst]:g} and may be off by {found.error[worst]:g}.\n"
                "To mend: ask for a larger tolerance."
            )
        return found

    def _discounted(
        self, delta: float, days: float, tolerance: float
    ) -> Float[np.ndarray, " customers"]:
        return self.dert_bounded(delta, days, tolerance).value

    def _endless(self, delta: float, order: int) -> Float[np.ndarray, "2 customers"]:
        """Of a living customer, in parts. The lifetimes of one s are looked up together."""
        state, beta = self._living(ORDERS_AHEAD[order][0]), np.broadcast_to(self.beta, self._shape)
        s, found = np.broadcast_to(self.s, self._shape), np.empty((2, *self._shape))
        for one in np.unique(s):
            mine = np.flatnonzero(s == one)
            part = Living(*(column[:, mine] for column in state))
            found[:, mine] = endless_purchases(
                part, float(one), beta[mine], self.histories.take(mine), delta, order=order
            )
        return found

    def _until(self, delta: float, days: float, order: int) -> Float[np.ndarray, "1 customers"]:
        """Of a living customer; a purchase at v counts e^(-δv)."""
        return self._expected(np.array([0.0, days]), _ORDERS[order], delta).T

    def pmf(self, days: float, n_max: int) -> Float[np.ndarray, "customers counts"]:
        """Differences of P(N >= m)."""
        found = np.empty((len(self.histories), n_max + 1))
        edges = np.array([0.0, days])
        for start in range(0, len(found), _ROWS):
            part = self.take(slice(start, start + _ROWS))
            looked_at, reach = [0.0], [np.ones(len(part.histories))]
            for reached in part._reached(edges, _ORDERS[0], most=n_max + 1):
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
        shape, seen = (n_draws, len(self.histories)), self.histories
        state = self._living(_ORDERS[0].n_shapes)
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
        return np.asarray(np.exp(-np.broadcast_to(self.s, self._shape)[:, None] * aged))

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

    def _alike(
        self, wanted: Bool[np.ndarray, " customers"] | None = None
    ) -> Iterator[Int[np.ndarray, " rows"]]:
        """Blocks of customers of like rate, who are done after like numbers of purchases."""
        order = np.argsort(np.broadcast_to(self._rate, self._shape), kind="stable")
        order = order if wanted is None else order[wanted[order]]
        for start in range(0, len(order), _ROWS):
            yield order[start : start + _ROWS]

    @property
    def _rate(self) -> Float[np.ndarray, " customers"]:
        return np.asarray((self.r + self.histories.x) / (self.alpha + self.histories.T))

    @property
    def _shape(self) -> tuple[int]:
        return (len(self.histories),)

    def _living(self, n_shapes: int) -> Living:
        given = (self.t, self.gamma, self.r, self.alpha)
        return living(*given, self.histories, n_shapes=n_shapes)

    def _reached(
        self,
        edges: Float[np.ndarray, " edges"],
        order: "_Order",
        *,
        delta: float = 0.0,
        most: int = _MOST,
    ) -> Iterator[_Reached]:
        """Purchase by purchase, and in longer steps for large m, until all are past."""
        seen, state = self.histories, self._living(order.n_shapes)
        shape = state.k.shape
        cells = np.arange(state.k.size)
        row = np.broadcast_to(np.arange(shape[1]), shape).ravel()
        k, n, c, log_open, weight = (column.ravel() for column in state)
        silence = (seen.T - seen.t_x)[row]
        s, since = (
            np.broadcast_to(value, seen.T.shape)[row] for value in (self.s, self.beta + seen.T)
        )
        m = 1
        cells = cells[weight > order.negligible]
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
            for more, n_nodes in order.n_times:
                some = np.flatnonzero((touched > fewer) & (touched <= more))
                cell = at[some]
                today = (silence[cell] <= 0) & (period[some] == 0)
                slope = np.where(today, m * k[cell], np.inf)
                v, log_dv = times_between(start[some], end[some], slope, n_nodes)
                w = silence[cell] + v
                odds = k[cell] * w / c[cell]
                log_f = m * k[cell] * np.log(odds) - (n[cell] + m * k[cell]) * np.log1p(odds)
                log_f += log_dv - np.log(w) - betaln(m * k[cell], n[cell])
                log_f -= s[cell] * np.log1p(v / since[cell]) + log_open[cell] + delta * v
                height = np.exp(np.minimum(log_f, 300.0))
                if m > 1:
                    height *= betainc((m - 1) * k[cell], k[cell], v / w)
                value[some] = np.minimum(height.sum(axis=0), 1.0) * weight[cell]
                fewer = more
            yield _Reached(m, row[at], period, value)
            total = np.bincount(at, weights=value, minlength=len(k))
            cells = cells[total[cells] > order.negligible]
            m += order.step(m)
