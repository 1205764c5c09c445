"""Purchases ahead under Pareto/NBD (Schmittlein, Morrison & Colombo 1987), customer by customer.

Everything is a one-dimensional integral over the time of dropping out, never a 2F1: Gauss-Legendre
in w = log(c + y) with c = min(alpha, beta), so that both factors of every integrand have their
singularities at a distance of pi or more from the interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final, final

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy.polynomial.legendre import leggauss

from patronage.forecast.counts import AbstractCounts, levels_between
from patronage.forecast.discounted import no_finite_sum
from patronage.forecast.inversion import invert_cdf
from patronage.models.btyd.negative_binomials import mixed_negative_binomials

__all__ = ["ParetoNBDCounts"]

# A factor that has fallen to e^-38 of its largest value adds nothing to a float64.
_NEGLIGIBLE: Final = 38.0
_ROWS: Final = 4096
# e^-45 of a purchase is none to a float64.
_FAR: Final = 45.0


@final
@dataclass(frozen=True)
class ParetoNBDCounts(AbstractCounts):
    """Given the history: alive with p_alive, and then lambda ~ Gamma(r + x, alpha + T) purchases a
    day until a time of dropping out with survival ((beta + T) / (beta + T + u))^s.

    Attributes
    ----------
    r, alpha, s, beta : population parameters, alpha and beta in days; or a value per customer
    x : number of repeat purchases
    t_x : days from first to last purchase
    T : days from first purchase to as_of
    """

    r: float | Float[np.ndarray, " customers"]
    alpha: float | Float[np.ndarray, " customers"]
    s: float | Float[np.ndarray, " customers"]
    beta: float | Float[np.ndarray, " customers"]
    x: Float[np.ndarray, " customers"]
    t_x: Float[np.ndarray, " customers"]
    T: Float[np.ndarray, " customers"]

    @cached_property
    def p_alive(self) -> Float[np.ndarray, " customers"]:
        """1 / (1 + odds of having dropped out), the odds by the exposure integral."""
        odds = np.empty(len(self.x))
        for start in range(0, len(odds), _ROWS):
            part = self.take(slice(start, start + _ROWS))
            odds[start : start + _ROWS] = np.exp(part._log_odds_dropped())
        return np.asarray(1.0 / (1.0 + odds))

    def mean(self, edges: Float[np.ndarray, " edges"]) -> Float[np.ndarray, "customers periods"]:
        """p_alive × (r+x)/(alpha+T) × ∫ ((beta+T)/(beta+T+u))^s du over each period."""
        B = (self.beta + self.T)[:, None]
        s_1 = _column(self.s) - 1.0
        rate = self.p_alive * (self.r + self.x) / (self.alpha + self.T)
        start, length = edges[:-1], np.diff(edges)
        step = np.log1p(length / (B + start))
        before = np.exp(-s_1 * np.log1p(start / B))
        # Why: (1 − e^−z) / z is smooth at z = 0, where s = 1.
        return np.asarray(rate[:, None] * B * before * step * _decay(s_1 * step))

    def pmf(self, days: float, n_max: int) -> Float[np.ndarray, "customers counts"]:
        """Negative binomials mixed over the time active, with an atom at the whole of `days`."""
        found = np.empty((len(self.x), n_max + 1))
        rows = max(1, _ROWS // (1 + n_max // 64))
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
        with np.errstate(over="ignore"):
            left = (self.beta + self.T) * np.expm1(rng.standard_exponential(shape) / self.s)
        active = np.where(alive, left, 0.0)[:, :, None]
        inside = np.clip(active - edges[:-1], 0.0, np.diff(edges))
        return np.asarray(rng.poisson(rate[:, :, None] * inside))

    def survival(self, days: Float[np.ndarray, " times"]) -> Float[np.ndarray, "customers times"]:
        """p_alive × ((beta + T) / (beta + T + days))^s."""
        aged = np.log1p(days / (self.beta + self.T)[:, None])
        return np.asarray(self.p_alive[:, None] * np.exp(-_column(self.s) * aged))

    def p_active(self, days: Float[np.ndarray, " times"]) -> Float[np.ndarray, "customers times"]:
        """p_alive × P(the next purchase comes by then, and before dropout)."""
        found = np.empty((len(self.x), len(days)))
        for column, until in enumerate(days):
            found[:, column] = self._returns_within(np.full(len(self.x), float(until)))
        return np.asarray(self.p_alive[:, None] * found)

    @property
    def p_never(self) -> Float[np.ndarray, " customers"]:
        """1 − p_alive × P(the next purchase comes before dropout)."""
        return np.asarray(1.0 - self.p_alive * self._returns_within(np.full(len(self.x), np.inf)))

    def next_purchase(self, levels: Sequence[float]) -> Float[np.ndarray, "customers levels"]:
        """The inverse of `p_active`, by Newton's method with the density of the next purchase."""
        asked = levels_between(levels)
        found = np.full((len(self.x), len(asked)), np.inf)
        comes = 1.0 - self.p_never
        for column, level in enumerate(asked):
            rows = np.flatnonzero(comes > level * (1.0 + 1e-9))
            part = self.take(rows)
            size, scale = part.r + part.x, part.alpha + part.T

            def both(
                t: Float[np.ndarray, " some"],
                which: Int[np.ndarray, " some"],
                part: "ParetoNBDCounts" = part,
            ) -> tuple[Float[np.ndarray, " some"], Float[np.ndarray, " some"]]:
                some = part.take(which)
                return some.p_alive * some._returns_within(t), some.p_alive * some._density(t)

            guess = scale * np.expm1(np.minimum(level / np.maximum(part.p_alive * size, 1e-9), 5.0))
            found[rows, column] = invert_cdf(both, np.full(len(rows), level), guess=guess)
        return found

    def take(self, rows: slice | Shaped[np.ndarray, " rows"]) -> "ParetoNBDCounts":
        r, alpha, s, beta = (
            value[rows] if isinstance(value, np.ndarray) else value
            for value in (self.r, self.alpha, self.s, self.beta)
        )
        taken = ParetoNBDCounts(r, alpha, s, beta, self.x[rows], self.t_x[rows], self.T[rows])
        if "p_alive" in self.__dict__:
            taken.__dict__["p_alive"] = self.p_alive[rows]
        return taken

    def _discounted(
        self, delta: float, days: float, tolerance: float
    ) -> Float[np.ndarray, " customers"]:
        """p_alive × (r+x)/(alpha+T) × ∫ e^(−δu) (B/(B+u))^s du, B = beta + T.

        Over an infinite time the integral is B e^z E_s(z), z = δB, the scaled exponential integral
        (Fader, Hardie & Lee 2005 write it by Kummer's U). In v = log(1 + u/B) it is that of
        e^(−z (e^v − 1) + (1 − s) v), without a singularity at any s, z or end.
        """
        del tolerance
        B = self.beta + self.T
        width = np.log1p(min(days, _FAR / delta) / B)
        total = np.zeros(len(B))
        for node, weight in zip(*_legendre(40 + 4 * int(width.max(initial=0.0))), strict=True):
            v = node * width
            total += weight * np.exp((1.0 - self.s) * v - delta * B * np.expm1(v))
        rate = self.p_alive * (self.r + self.x) / (self.alpha + self.T)
        return np.asarray(rate * B * width * total)

    def _lifetime(self) -> Float[np.ndarray, " customers"]:
        lowest = float(np.min(self.s))
        if lowest <= 1.0:
            raise no_finite_sum(f"s is {lowest:.4g}, and 1 or less has customers who stay too long")
        rate = self.p_alive * (self.r + self.x) / (self.alpha + self.T)
        return np.asarray(rate * (self.beta + self.T) / (self.s - 1.0))

    def _log_odds_dropped(self) -> Float[np.ndarray, " customers"]:
        """log of s ∫ ((α+T)/(α+y))^(r+x) ((β+T)/(β+y))^s dy/(β+y) for y from t_x to T."""
        c = np.minimum(self.alpha, self.beta)
        a_T, b_T = self.alpha + self.T, self.beta + self.T
        r_x = self.r + self.x
        log_ax = np.log(self.alpha + self.t_x)
        # Beyond y_end the purchases that would have been missed make the integrand negligible.
        stretch = np.expm1(np.minimum(_NEGLIGIBLE / r_x, 700.0))
        length = np.minimum(self.T - self.t_x, (self.alpha + self.t_x) * stretch)
        width = np.log1p(length / (c + self.t_x))
        total = np.full(len(r_x), 0.0)
        for node, weight in zip(*_legendre(_n_nodes(width)), strict=True):
            gained = np.expm1(node * width) * (c + self.t_x)
            ahead = np.log1p(gained / (self.alpha + self.t_x))
            later = np.log1p(gained / (self.beta + self.t_x))
            # dy = (c + y) dw, over beta + y: at most 1, exactly 1 where c is beta.
            jacobian = (c + self.t_x + gained) / (self.beta + self.t_x + gained)
            total += weight * jacobian * np.exp(-r_x * ahead - self.s * later)
        lead = r_x * (np.log(a_T) - log_ax) + self.s * np.log(b_T / (self.beta + self.t_x))
        with np.errstate(divide="ignore"):
            return np.asarray(np.minimum(np.log(self.s * width * total) + lead, 700.0))

    def _density(self, t: Float[np.ndarray, " customers"]) -> Float[np.ndarray, " customers"]:
        """Of the next purchase at t, if alive: (r+x)/A (1 + t/A)^−(r+x+1) × (1 + t/B)^−s."""
        a_T, b_T, r_x = self.alpha + self.T, self.beta + self.T, self.r + self.x
        power = -(r_x + 1.0) * np.log1p(t / a_T) - self.s * np.log1p(t / b_T)
        return np.asarray(r_x / a_T * np.exp(power))

    def _returns_within(
        self, days: Float[np.ndarray, " customers"]
    ) -> Float[np.ndarray, " customers"]:
        """The integral of `_density` until each customer's own time, which may be infinite."""
        a_T, b_T, r_x = self.alpha + self.T, self.beta + self.T, self.r + self.x
        c = np.minimum(a_T, b_T)
        # Beyond it the integrand has fallen to e^-38; of purchase rates near 0 nothing is lost.
        far = np.minimum(_NEGLIGIBLE / (r_x + self.s) + np.log(np.maximum(a_T, b_T) / c), 700.0)
        width = np.minimum(np.log1p(days / c), far)
        total = np.zeros(len(r_x))
        for node, weight in zip(*_legendre(32 + 3 * int(width.max(initial=0.0))), strict=True):
            t = c * np.expm1(node * width)
            total += weight * self._density(t) * (c + t)
        return np.asarray(np.minimum(width * total, 1.0))

    def _pmf_if_alive(self, days: float, n_max: int) -> Float[np.ndarray, "customers counts"]:
        a_T, b_T, r_x = self.alpha + self.T, self.beta + self.T, self.r + self.x
        c = np.minimum(a_T, b_T)
        width = np.log1p(days / c)
        nodes, weights = _legendre(24 + 4 * int(np.sqrt(n_max)) + 8 * int(width.max() / 2))
        gained = np.expm1(width[:, None] * nodes) * c[:, None]
        y = np.concatenate([gained, np.full((len(c), 1), days)], axis=1)
        log_alive = -_column(self.s) * np.log1p(y / b_T[:, None])
        mass = np.exp(log_alive)
        density = _column(self.s) * (c[:, None] + gained) / (b_T[:, None] + gained)
        mass[:, :-1] *= weights * width[:, None] * density
        return mixed_negative_binomials(r_x, y / a_T[:, None], mass, n_max)


def _decay(z: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """(1 − e^−z) / z, and 1 at z = 0."""
    safe = np.where(z == 0.0, 1.0, z)
    return np.where(z == 0.0, 1.0, -np.expm1(-safe) / safe)


def _n_nodes(width: Float[np.ndarray, " rows"]) -> int:
    return 24 if width.max(initial=0.0) < 8.0 else 64


@cache
def _legendre(n: int) -> tuple[Float[np.ndarray, " nodes"], Float[np.ndarray, " nodes"]]:
    """Gauss-Legendre nodes and weights on [0, 1]."""
    nodes, weights = leggauss(n)
    return (nodes + 1.0) / 2.0, weights / 2.0


def _column(
    value: float | Float[np.ndarray, " customers"],
) -> float | Float[np.ndarray, "customers 1"]:
    return value[:, None] if isinstance(value, np.ndarray) else value
