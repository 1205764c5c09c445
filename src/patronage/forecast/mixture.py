"""MixtureForecast: one of several forecasts holds, with given chances; which one is not known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import final

import numpy as np
from jaxtyping import Float, Int, Shaped

from patronage.forecast.base import AbstractForecast
from patronage.forecast.bracketing import bracketed_quantile
from patronage.horizon import Horizon

__all__ = ["MixtureForecast"]


@final
@dataclass(frozen=True)
class MixtureForecast(AbstractForecast):
    """The weighted mean of the members' distributions (a linear opinion pool).

    Attributes
    ----------
    members : forecasts of the same customers and horizon
    weights : of each customer's members; a row sums to 1
    """

    customer_id: Shaped[np.ndarray, " customers"]
    as_of: date
    horizon: Horizon
    members: tuple[AbstractForecast, ...]
    weights: Float[np.ndarray, "customers members"]
    p_alive: Float[np.ndarray, " customers"] | None = None
    n_purchases: Float[np.ndarray, "customers periods"] | None = None
    mean_factors: Float[np.ndarray, "customers factors"] | None = None

    @classmethod
    def of(
        cls,
        members: Sequence[AbstractForecast],
        weights: Float[np.ndarray, " members"] | Float[np.ndarray, "customers members"],
    ) -> "MixtureForecast":
        """The mixture; p_alive and purchases are means over the members that know them.

        The factors of the members' means are taken as independent of each other.
        """
        first = members[0]
        shares = np.broadcast_to(weights, (first.n_customers, len(members))).astype(np.float64)
        factors = [
            share[:, None] * member.mean_factors
            for member, share in zip(members, shares.T, strict=True)
            if member.mean_factors is not None
        ]
        return cls(
            first.customer_id,
            first.as_of,
            first.horizon,
            tuple(members),
            shares,
            _mean_known([member.p_alive for member in members], shares),
            _mean_known([member.n_purchases for member in members], shares),
            np.concatenate(factors, axis=1) if factors else None,
        )

    def mean(self) -> Float[np.ndarray, "customers periods"]:
        return np.asarray(
            sum(
                w[:, None] * one.mean() for one, w in zip(self.members, self.weights.T, strict=True)
            )
        )

    @property
    def model_spread(self) -> Float[np.ndarray, " customers"]:
        """Standard deviation of the members' expected totals: how far the models disagree.

        It is no interval: that all agree does not make them right.
        """
        totals = np.stack([one.mean().sum(axis=1) for one in self.members], axis=1)
        centre = (self.weights * totals).sum(axis=1, keepdims=True)
        return np.asarray(np.sqrt((self.weights * (totals - centre) ** 2).sum(axis=1)))

    def sample(
        self, n_draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers periods"]:
        draws = np.zeros((n_draws, self.n_customers, self.horizon.n_periods))
        chosen = self._chosen(n_draws, rng)
        for k, member in enumerate(self.members):
            mine = chosen == k
            draws[mine] = member.sample(n_draws, rng)[mine]
        return draws

    def sample_total(
        self, n_draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers"]:
        draws = np.zeros((n_draws, self.n_customers))
        chosen = self._chosen(n_draws, rng)
        for k, member in enumerate(self.members):
            mine = chosen == k
            draws[mine] = member.sample_total(n_draws, rng)[mine]
        return draws

    def survival(self) -> Float[np.ndarray, "customers periods"] | None:
        return _mean_known([member.survival() for member in self.members], self.weights)

    def quantile(self, levels: Sequence[float]) -> Float[np.ndarray, "customers levels"]:
        """Between the members' least and greatest quantile."""
        of_members = np.stack([member.quantile(levels) for member in self.members])
        low, high = of_members.min(axis=0), of_members.max(axis=0)
        part: tuple[np.ndarray, MixtureForecast] = (np.arange(self.n_customers), self)

        def reached(
            total: Float[np.ndarray, " some"], rows: Int[np.ndarray, " some"]
        ) -> Float[np.ndarray, " some"]:
            nonlocal part
            if not np.array_equal(rows, part[0]):
                part = rows, self.take(rows)
            return part[1].cdf(total)[1]

        # Why: most quantiles at low levels are nothing, and the chance of that is told cheaply.
        p_zero = self.p_zero()
        found = np.empty((self.n_customers, len(levels)))
        for column, level in enumerate(levels):
            least = low[:, column]
            most = np.where((least == 0) & (p_zero >= level), 0.0, high[:, column])
            found[:, column] = bracketed_quantile(reached, level, least, most)
        return found

    def cdf(
        self, total: Float[np.ndarray, " customers"]
    ) -> tuple[Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        below, up_to = np.zeros(self.n_customers), np.zeros(self.n_customers)
        for member, weight in zip(self.members, self.weights.T, strict=True):
            under, at = member.cdf(total)
            below, up_to = below + weight * under, up_to + weight * at
        return below, up_to

    def p_zero(self) -> Float[np.ndarray, " customers"]:
        parts = zip(self.members, self.weights.T, strict=True)
        return np.asarray(sum(weight * member.p_zero() for member, weight in parts))

    def take(self, rows: slice | np.ndarray) -> "MixtureForecast":
        return MixtureForecast(
            self.customer_id[rows],
            self.as_of,
            self.horizon,
            tuple(member.take(rows) for member in self.members),
            self.weights[rows],
            None if self.p_alive is None else self.p_alive[rows],
            None if self.n_purchases is None else self.n_purchases[rows],
            None if self.mean_factors is None else self.mean_factors[rows],
        )

    def _chosen(
        self, n_draws: int, rng: np.random.Generator
    ) -> Shaped[np.ndarray, "draws customers"]:
        """Which member each draw of each customer comes from."""
        bounds = np.cumsum(self.weights, axis=1)[:, :-1]
        uniform = rng.random((n_draws, self.n_customers))
        return np.asarray((uniform[:, :, None] > bounds).sum(axis=2))


def _mean_known(
    parts: Sequence[np.ndarray | None], weights: Float[np.ndarray, "customers members"]
) -> np.ndarray | None:
    """The weighted mean over the members that know it; equal weights where they have none."""
    known = [(part, weights[:, k]) for k, part in enumerate(parts) if part is not None]
    if not known:
        return None
    shares = np.stack([weight for _, weight in known], axis=1)
    sums = shares.sum(axis=1, keepdims=True)
    shares = np.where(sums > 0, shares / np.where(sums > 0, sums, 1.0), 1.0 / len(known))
    return np.asarray(
        sum(
            (share if part.ndim == 1 else share[:, None]) * part
            for (part, _), share in zip(known, shares.T, strict=True)
        )
    )
