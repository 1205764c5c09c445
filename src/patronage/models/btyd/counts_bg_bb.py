"""Purchases ahead under BG/BB (Fader, Hardie & Shang 2010), customer by customer.

What is counted are opportunities with a purchase. Days become opportunities by one rule: from as_of
on there is one opportunity in each period, at an instant of it that is as likely as any other. So a
horizon of two and a half periods holds two or three, either with probability ½, and expectations,
probabilities, survival and draws agree with each other and add up, however days are cut.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, final

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy.special import gammaln

from patronage.forecast.counts import AbstractCounts
from patronage.models.btyd.simulation import first_chances
from patronage.models.likelihoods.bg_bb import log_likelihood

__all__ = ["BGBBCounts"]

# A share of a period below which a horizon ends with the period: rounding, not time.
_WHOLE: Final = 1e-9

# Customers × opportunities that are laid out at once: 4 MiB an array.
_CELLS: Final = 500_000


@final
@dataclass(frozen=True)
class BGBBCounts(AbstractCounts):
    """Given the history: alive with p_alive, and then p ~ Beta(alpha + x, beta + n - x) to buy at
    each opportunity that comes before the customer leaves, θ ~ Beta(gamma, delta + n) before each.

    Attributes
    ----------
    alpha, beta, gamma, delta : population parameters; or a value per customer
    x, t_x, n : opportunities used, the last one used, and all so far
    period_days : days from one opportunity to the next
    """

    alpha: float | Float[np.ndarray, " customers"]
    beta: float | Float[np.ndarray, " customers"]
    gamma: float | Float[np.ndarray, " customers"]
    delta: float | Float[np.ndarray, " customers"]
    x: Float[np.ndarray, " customers"]
    t_x: Float[np.ndarray, " customers"]
    n: Float[np.ndarray, " customers"]
    period_days: float

    @cached_property
    def p_alive(self) -> Float[np.ndarray, " customers"]:
        """P(alive at opportunity n | history): 1 for who bought at it; eq. (11) of the paper at n.

        The customer has not left by as_of; `p_alive_next` asks for the opportunity to come too.
        """
        histories = self.x, self.t_x, self.n
        seen = log_likelihood(self.alpha, self.beta, self.gamma, self.delta, *histories)
        # Who bought at the last opportunity was there: the same history, with n for t_x.
        stayed = log_likelihood(
            self.alpha, self.beta, self.gamma, self.delta, self.x, self.n, self.n
        )
        return np.asarray(np.minimum(np.exp(stayed - seen), 1.0))

    @property
    def p_alive_next(self) -> Float[np.ndarray, " customers"]:
        """P(alive at opportunity n + 1 | history), the convention of the paper's tables."""
        return np.asarray(self.p_alive * np.exp(self._log_staying(1)[:, 1]))

    def mean(self, edges: Float[np.ndarray, " edges"]) -> Float[np.ndarray, "customers periods"]:
        """p_alive × (alpha+x)/(alpha+beta+n) × Σ P(still there) over each period's chances."""
        whole, part = self._chances(edges)
        staying = np.exp(self._log_staying(int(whole.max()) + 1))
        staying[:, 0] = 0.0
        so_far = np.cumsum(staying, axis=1)
        reached = so_far[:, whole] + part * staying[:, whole + 1]
        share = self.p_alive * (self.alpha + self.x) / (self.alpha + self.beta + self.n)
        return np.asarray(share[:, None] * np.diff(reached, axis=1))

    def pmf(self, days: float, n_max: int) -> Float[np.ndarray, "customers counts"]:
        """Beta-binomials mixed over the number of opportunities before the customer leaves."""
        whole, part = (float(value[0]) for value in self._chances(np.array([days])))
        found = (1.0 - part) * self._pmf_if_alive(int(whole), n_max)
        if part > 0:
            found += part * self._pmf_if_alive(int(whole) + 1, n_max)
        found *= self.p_alive[:, None]
        found[:, 0] += 1.0 - self.p_alive
        return found

    def p_active(self, days: Float[np.ndarray, " times"]) -> Float[np.ndarray, "customers times"]:
        """p_alive × Σ P(the next purchase is at the k-th of the opportunities within `days`)."""
        whole, part = self._chances(days)
        most = int(whole.max(initial=0)) + 1
        found = np.empty((len(self.x), len(days)))
        step = max(_CELLS // most, 1)
        for start in range(0, len(found), step):
            rows = slice(start, start + step)
            next_at = self.take(rows)._next_at(most)
            so_far = np.cumsum(next_at, axis=1)
            so_far = np.concatenate([np.zeros((len(so_far), 1)), so_far], axis=1)
            found[rows] = so_far[:, whole] + part * next_at[:, whole]
        return self.p_alive[:, None] * found

    def sample(
        self, edges: Float[np.ndarray, " edges"], n_draws: int, rng: np.random.Generator
    ) -> Int[np.ndarray, "draws customers periods"]:
        shape = (n_draws, len(self.x))
        p = rng.beta(self.alpha + self.x, self.beta + self.n - self.x, shape)
        leaving = rng.beta(self.gamma, self.delta + self.n, shape)
        stays = first_chances(leaving.ravel(), rng).reshape(shape) - 1.0
        stays = np.where(rng.random(shape) < self.p_alive, stays, 0.0)
        reached: list[Float[np.ndarray, "draws customers"]] = []
        instants: dict[int, Float[np.ndarray, "draws customers"]] = {}
        for whole, part in zip(*self._chances(edges), strict=True):
            # The opportunity that an edge cuts lies before it or after it, the same for all edges.
            instant = instants.setdefault(int(whole), rng.random(shape))
            reached.append(np.minimum(stays, whole + (instant < part)))
        chances = np.diff(np.stack(reached, axis=-1), axis=-1).astype(np.int64)
        return np.asarray(rng.binomial(chances, p[:, :, None]))

    def survival(self, days: Float[np.ndarray, " times"]) -> Float[np.ndarray, "customers times"]:
        """p_alive × P(not left before the opportunities within `days`)."""
        whole, part = self._chances(days)
        staying = np.exp(self._log_staying(int(whole.max(initial=0)) + 1))
        left = (1.0 - part) * staying[:, whole] + part * staying[:, whole + 1]
        return np.asarray(self.p_alive[:, None] * left)

    def take(self, rows: slice | Shaped[np.ndarray, " rows"]) -> "BGBBCounts":
        alpha, beta, gamma, delta = (
            value[rows] if isinstance(value, np.ndarray) else value
            for value in (self.alpha, self.beta, self.gamma, self.delta)
        )
        histories = self.x[rows], self.t_x[rows], self.n[rows]
        taken = BGBBCounts(alpha, beta, gamma, delta, *histories, self.period_days)
        if "p_alive" in self.__dict__:
            taken.__dict__["p_alive"] = self.p_alive[rows]
        return taken

    def _chances(
        self, days: Float[np.ndarray, " times"]
    ) -> tuple[Int[np.ndarray, " times"], Float[np.ndarray, " times"]]:
        """Whole periods within `days`, and the part of one that is left."""
        periods = days / self.period_days
        whole = np.floor(periods + _WHOLE)
        part = periods - whole
        return whole.astype(np.int64), np.where(part <= _WHOLE, 0.0, part)

    def _log_staying(self, most: int) -> Float[np.ndarray, "customers chances"]:
        """ln P(there at n + k | there at n), k = 0 … most."""
        return _log_falling((self.delta + self.n)[:, None], _column(self.gamma), most)

    def _next_at(self, most: int) -> Float[np.ndarray, "customers chances"]:
        """P(the next purchase is at opportunity n + k | alive at n), k = 1 … most."""
        k = np.arange(float(most))
        bought, missed = (self.alpha + self.x)[:, None], (self.beta + self.n - self.x)[:, None]
        log_none_yet = _log_falling(missed, bought, most - 1)
        there = self._log_staying(most)[:, 1:]
        return np.asarray(np.exp(there + log_none_yet) * bought / (bought + missed + k))

    def _pmf_if_alive(self, chances: int, n_max: int) -> Float[np.ndarray, "customers counts"]:
        """P(N = j) over so many opportunities, given alive at n."""
        staying = np.exp(self._log_staying(chances))
        # Exactly k opportunities before leaving; the last: all of them.
        mass = np.concatenate([staying[:, :-1] - staying[:, 1:], staying[:, -1:]], axis=1)
        bought, missed = (self.alpha + self.x)[:, None], (self.beta + self.n - self.x)[:, None]
        ks = np.arange(chances + 1.0)
        yes, no, any_ = (_log_rising(size, ks) for size in (bought, missed, bought + missed))
        found = np.zeros((len(self.x), n_max + 1))
        for k in range(chances + 1):
            j = np.arange(min(k, n_max) + 1)
            ways = gammaln(k + 1.0) - gammaln(j + 1.0) - gammaln(k - j + 1.0)
            term = np.exp(ways + yes[:, j] + no[:, k - j] - any_[:, [k]])
            found[:, j] += mass[:, [k]] * term
        return found


def _log_rising(
    size: Float[np.ndarray, "customers 1"], k: Float[np.ndarray, " chances"]
) -> Float[np.ndarray, "customers chances"]:
    """ln Γ(size + k) - ln Γ(size) for k = 0, 1, 2, …: a sum of logs, without cancellation."""
    found = np.zeros((len(size), len(k)))
    np.cumsum(np.log(size + k[:-1]), axis=1, out=found[:, 1:])
    return found


def _log_falling(
    size: Float[np.ndarray, "customers 1"],
    other: float | Float[np.ndarray, "customers 1"],
    most: int,
) -> Float[np.ndarray, "customers chances"]:
    """ln of the product of (size + i) / (size + other + i) over i < k, for k = 0 … most.

    That so many in a row fail under a Beta(other, size): one logarithm each, and no cancellation.
    """
    at = size + np.arange(float(most))
    found = np.zeros((len(size), most + 1))
    np.cumsum(np.log(at / (at + other)), axis=1, out=found[:, 1:])
    return found


def _column(
    value: float | Float[np.ndarray, " customers"],
) -> float | Float[np.ndarray, "customers 1"]:
    return value[:, None] if isinstance(value, np.ndarray) else value
