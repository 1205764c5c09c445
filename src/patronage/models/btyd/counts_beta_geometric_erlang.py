"""Purchases ahead under BG/CNBD-k and MBG/CNBD-k, customer by customer, without approximation.

Given that a customer is alive, three things are independent: the dropout probability is
Beta(a, b + y); of the k events that make the next purchase, j lie in the silence already, with the
weights of the likelihood's phases; and, given j, events come at a rate of Gamma(n + j, alpha + T)
with n = r + k x. Purchases are every k-th event, so that with H a negative binomial

    P(M >= m) = Σ_j w_j P(H_j >= m k - j),

and the expected purchases are Σ_m P(M >= m) × P(no dropout at the first m - 1): a sum that is cut
where the rest is below 1e-13, and beyond a purchase in the thousands done as an integral.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, final

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy.special import betainc, gammaln

from patronage.forecast.counts import AbstractCounts
from patronage.models.likelihoods.beta_geometric_erlang import phases

__all__ = ["BetaGeometricErlangCounts"]

_CELLS: Final = 1_000_000
_MOST_SUMMED: Final = 4096
_NEGLIGIBLE: Final = 1e-13


@final
@dataclass(frozen=True)
class BetaGeometricErlangCounts(AbstractCounts):
    """See the module; k = 1 is (M)BG/NBD.

    Attributes
    ----------
    r, alpha, a, b : population parameters, alpha in days; or a value per customer
    x : number of repeat purchases
    t_x : days from first to last purchase
    T : days from first purchase to as_of
    k : events per purchase
    modified : MBG/CNBD-k, where a customer may drop out at the first purchase already
    """

    r: float | Float[np.ndarray, " customers"]
    alpha: float | Float[np.ndarray, " customers"]
    a: float | Float[np.ndarray, " customers"]
    b: float | Float[np.ndarray, " customers"]
    x: Float[np.ndarray, " customers"]
    t_x: Float[np.ndarray, " customers"]
    T: Float[np.ndarray, " customers"]
    k: int
    modified: bool

    @cached_property
    def p_alive(self) -> Float[np.ndarray, " customers"]:
        """Σ of the phases over the same and the odds of having left; BG: 1 where x = 0."""
        y = self.x + self.modified
        gone = self._n * np.log((self.alpha + self.T) / (self.alpha + self.t_x))
        gone = gone + np.log(self.a / (self.b + np.maximum(y, 1) - 1))
        here = np.logaddexp.reduce(self._log_phases, axis=0)
        with np.errstate(over="ignore"):
            return np.where(y > 0, 1 / (1 + np.exp(np.minimum(gone - here, 700.0))), 1.0)

    def mean(self, edges: Float[np.ndarray, " edges"]) -> Float[np.ndarray, "customers periods"]:
        """p_alive × Σ_m P(M >= m) × P(stay at the first m - 1), differenced over the edges."""
        until = np.stack([self._until(float(edge), 0.0) for edge in edges], axis=1)
        # Why: two neighbours that are equal but for rounding must not differ by -1e-17.
        return self.p_alive[:, None] * np.maximum(np.diff(until, axis=1), 0.0)

    def pmf(self, days: float, n_max: int) -> Float[np.ndarray, "customers counts"]:
        """P(M = n, staying at n - 1) + P(M > n, staying at n - 1 and leaving at n)."""
        found = np.empty((len(self.x), n_max + 1))
        rows = max(1, _CELLS // (self.k * (n_max + 2)))
        for start in range(0, len(found), rows):
            part = self.take(slice(start, start + rows))
            reach = part._reach(days, n_max + 1)
            stayed, leaves = part._staying(n_max, 0.0)
            # P(M >= n and stayed until n) - P(M >= n + 1 and stayed at n as well)
            found[start : start + rows, 0] = 1 - reach[:, 0]
            found[start : start + rows, 1:] = stayed * (
                (reach[:, :-1] - reach[:, 1:]) + leaves * reach[:, 1:]
            )
        found *= self.p_alive[:, None]
        found[:, 0] += 1.0 - self.p_alive
        return np.maximum(found, 0.0)

    def sample(
        self, edges: Float[np.ndarray, " edges"], n_draws: int, rng: np.random.Generator
    ) -> Int[np.ndarray, "draws customers periods"]:
        shape = (n_draws, len(self.x))
        alive = rng.random(shape) < self.p_alive
        phase = np.sum(rng.random(shape) > np.cumsum(self._weights, axis=0)[:-1, None], axis=0)
        rate = rng.standard_gamma(self._n + phase) / (self.alpha + self.T)
        dropout = rng.beta(self.a, self._b_alive, size=shape)
        # The number of purchases up to the one at which the customer drops out: geometric.
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            last = np.floor(rng.standard_exponential(shape) / -np.log1p(-dropout))
        last = np.where(np.isfinite(last), np.minimum(last, 1e15), 1e15).astype(np.int64) + 1
        last[~alive] = 0
        events = rng.poisson(rate[:, :, None] * np.diff(edges)).cumsum(axis=2)
        made = np.minimum((events + phase[:, :, None]) // self.k, last[:, :, None])
        return np.diff(made, axis=2, prepend=0)

    def survival(self, days: Float[np.ndarray, " times"]) -> Float[np.ndarray, "customers times"]:
        """p_alive × E[(1-p)^M] = 1 - E[p] × the expected purchases at a dropout of a + 1."""
        share = np.asarray(self.a / (self.a + self._b_alive))
        found = [1.0 - share * self._until(float(time), 1.0) for time in days]
        return np.asarray(self.p_alive[:, None] * np.clip(np.stack(found, axis=1), 0.0, 1.0))

    def take(self, rows: slice | Shaped[np.ndarray, " rows"]) -> "BetaGeometricErlangCounts":
        r, alpha, a, b = (
            value[rows] if isinstance(value, np.ndarray) else value
            for value in (self.r, self.alpha, self.a, self.b)
        )
        x, t_x, T = self.x[rows], self.t_x[rows], self.T[rows]
        return BetaGeometricErlangCounts(r, alpha, a, b, x, t_x, T, self.k, self.modified)

    @property
    def _n(self) -> Float[np.ndarray, " customers"]:
        return np.asarray(self.r + self.k * self.x)

    @property
    def _b_alive(self) -> Float[np.ndarray, " customers"]:
        return np.asarray(self.b + self.x + self.modified)

    @cached_property
    def _log_phases(self) -> Float[np.ndarray, "phases customers"]:
        return phases(self._n, (self.T - self.t_x) / (self.alpha + self.T), self.k)

    @cached_property
    def _weights(self) -> Float[np.ndarray, "phases customers"]:
        weights = np.exp(self._log_phases - self._log_phases.max(axis=0))
        return np.asarray(weights / weights.sum(axis=0))

    def _at_least(
        self, m: Float[np.ndarray, "customers values"], days: float
    ) -> Float[np.ndarray, "customers values"]:
        """P(M >= m | alive), m > 0; between whole m it runs on smoothly."""
        share = (days / (self.alpha + self.T + days))[:, None]
        found = np.zeros(m.shape)
        for j, weight in enumerate(self._weights):
            found += weight[:, None] * betainc(m * self.k - j, (self._n + j)[:, None], share)
        return found

    def _reach(self, days: float, m_max: int) -> Float[np.ndarray, "customers {m_max}"]:
        """P(M >= m | alive), m = 1 … m_max, summed from the far end so that nothing cancels."""
        n, k = self._n[:, None], self.k
        last = np.full((len(self.x), 1), float(m_max))
        beyond = self._at_least(last, days)
        if m_max == 1:
            return beyond
        h = np.arange(k * m_max, dtype=np.float64)
        share = (days / (self.alpha + self.T + days))[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            log_events = gammaln(n + h) - gammaln(n) - gammaln(h + 1)
            log_events += np.where(h > 0, h * np.log(share), 0.0) + n * np.log1p(-share)
        events = np.exp(log_events)
        reached = np.zeros((len(self.x), m_max - 1))
        for j, weight in enumerate(self._weights):
            # Purchase m with j events in the silence: m k - j ≤ events ahead < (m + 1) k - j.
            window = events[:, k - j : k * m_max - j].reshape(len(n), m_max - 1, k).sum(axis=2)
            reached += weight[:, None] * window
            events = events * (1 - share) * (n + j + h) / (n + j)
        exactly = np.concatenate([reached, beyond], axis=1)
        return np.asarray(np.minimum(np.cumsum(exactly[:, ::-1], axis=1)[:, ::-1], 1.0))

    def _staying(
        self, m_max: int, leavers: float
    ) -> tuple[Float[np.ndarray, "customers {m_max}"], Float[np.ndarray, "customers {m_max}"]]:
        """P(no dropout at the first m - 1 purchases), and P(dropout at m after that).

        leavers : added to a
        """
        a, b = np.broadcast_to(self.a, self.x.shape)[:, None] + leavers, self._b_alive[:, None]
        m = np.arange(m_max)
        stay = (b + m) / (a + b + m)
        stayed = np.ones(stay.shape)
        np.cumprod(stay[:, :-1], axis=1, out=stayed[:, 1:])
        return stayed, 1.0 - stay

    def _until(self, days: float, leavers: float) -> Float[np.ndarray, " customers"]:
        """Expected purchases of a living customer within days."""
        found = np.zeros(len(self.x))
        left, m_max = np.arange(len(found)) if days > 0 else np.arange(0), 8
        while len(left):
            part = self.take(left)
            ends = part._at_least(np.full((len(left), 1), m_max + 1.0), days)[:, 0] <= _NEGLIGIBLE
            last = m_max >= _MOST_SUMMED
            chosen = np.arange(len(left)) if last else np.flatnonzero(ends)
            rows = max(1, _CELLS // (self.k * m_max))
            for start in range(0, len(chosen), rows):
                some = part.take(chosen[start : start + rows])
                stayed, _ = some._staying(m_max, leavers)
                value = np.einsum("rm,rm->r", some._reach(days, m_max), stayed)
                if last:
                    value += some._beyond(days, m_max, stayed[:, -1], leavers)
                found[left[chosen[start : start + rows]]] = value
            left, m_max = np.delete(left, chosen), 4 * m_max
            m_max = min(m_max, _MOST_SUMMED)
        return found

    def _beyond(
        self, days: float, m_max: int, stayed: Float[np.ndarray, " customers"], leavers: float
    ) -> Float[np.ndarray, " customers"]:
        """Σ of the terms m > m_max, as an integral over ln m from m_max + ½ on."""
        most = self._n * days / (self.alpha + self.T)
        far = np.log(m_max + 40 * (most + 40 * np.sqrt(most + 1) + 40 * (1 + most / self._n)))
        near = np.log(m_max + 0.5)
        position = np.linspace(0, 1, 401)
        m = np.exp(near + (far - near)[:, None] * position)
        a, b = np.broadcast_to(self.a, self.x.shape)[:, None] + leavers, self._b_alive[:, None]

        def log_stayed(purchases: Float[np.ndarray, "some m"]) -> Float[np.ndarray, "rows m"]:
            one = gammaln(b + purchases) - gammaln(a + b + purchases)
            return np.asarray(one)

        ratio = np.exp(log_stayed(m - 1) - log_stayed(np.array([[m_max - 1.0]])))
        height = self._at_least(m, days) * ratio * m * stayed[:, None]
        whole = height.sum(axis=1) - (height[:, 0] + height[:, -1]) / 2
        return np.asarray(whole * (far - near) / 400)
