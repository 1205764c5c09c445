"""JoinedForecast: forecasts of groups of customers, each by itself, as one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import final

import numpy as np
from jaxtyping import Float, Int, Shaped

from patronage.forecast.base import AbstractForecast
from patronage.horizon import Horizon

__all__ = ["JoinedForecast"]


@final
@dataclass(frozen=True)
class JoinedForecast(AbstractForecast):
    """Each customer is forecast by the one group that it belongs to.

    Attributes
    ----------
    groups : forecasts of disjoint customers, with the same horizon
    rows : where in the whole the customers of each group stand
    """

    customer_id: Shaped[np.ndarray, " customers"]
    as_of: date
    horizon: Horizon
    groups: tuple[AbstractForecast, ...]
    rows: tuple[Int[np.ndarray, " _"], ...]
    p_alive: Float[np.ndarray, " customers"] | None = None
    n_purchases: Float[np.ndarray, "customers periods"] | None = None
    mean_factors: Float[np.ndarray, "customers factors"] | None = None

    @classmethod
    def of(
        cls, groups: Sequence[AbstractForecast], rows: Sequence[Int[np.ndarray, " _"]]
    ) -> "JoinedForecast":
        """The groups together; what one of them does not know, the whole does not.

        What moves the means of one group together is independent of what moves another's.
        """
        n = sum(group.n_customers for group in groups)
        ids = np.empty(n, dtype=np.concatenate([group.customer_id for group in groups]).dtype)
        for group, where in zip(groups, rows, strict=True):
            ids[where] = group.customer_id
        bare = cls(ids, groups[0].as_of, groups[0].horizon, tuple(groups), tuple(rows))
        known = [group.mean_factors for group in groups if group.mean_factors is not None]
        factors = None
        if len(known) == len(groups):
            factors = np.zeros((n, sum(own.shape[1] for own in known)))
            start = 0
            for own, where in zip(known, rows, strict=True):
                factors[where, start : start + own.shape[1]] = own
                start += own.shape[1]
        return cls(
            ids,
            bare.as_of,
            bare.horizon,
            bare.groups,
            bare.rows,
            bare._known(lambda group: group.p_alive),
            bare._known(lambda group: group.n_purchases),
            factors,
        )

    def mean(self) -> Float[np.ndarray, "customers periods"]:
        return self._laid(lambda group, _: group.mean())

    def sample(
        self, n_draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers periods"]:
        drawn = self._laid(lambda group, _: np.moveaxis(group.sample(n_draws, rng), 0, 1))
        return np.moveaxis(drawn, 1, 0)

    def sample_total(
        self, n_draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers"]:
        return self._laid(lambda group, _: group.sample_total(n_draws, rng).T).T

    @property
    def model_spread(self) -> Float[np.ndarray, " customers"] | None:
        return self._known(lambda group: group.model_spread)

    def survival(self) -> Float[np.ndarray, "customers periods"] | None:
        return self._known(lambda group: group.survival())

    def quantile(self, levels: Sequence[float]) -> Float[np.ndarray, "customers levels"]:
        return self._laid(lambda group, _: group.quantile(levels))

    def cdf(
        self, total: Float[np.ndarray, " customers"]
    ) -> tuple[Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        both = self._laid(lambda group, where: np.stack(group.cdf(total[where]), axis=1))
        return both[:, 0], both[:, 1]

    def p_zero(self) -> Float[np.ndarray, " customers"]:
        return self._laid(lambda group, _: group.p_zero())

    def take(self, rows: slice | np.ndarray) -> "JoinedForecast":
        wanted = np.arange(self.n_customers)[rows]
        place = np.full(self.n_customers, -1)
        place[wanted] = np.arange(len(wanted))
        groups, where = [], []
        for group, mine in zip(self.groups, self.rows, strict=True):
            kept = np.flatnonzero(place[mine] >= 0)
            if len(kept):
                groups.append(group.take(kept))
                where.append(place[mine[kept]])
        return JoinedForecast(
            self.customer_id[rows],
            self.as_of,
            self.horizon,
            tuple(groups),
            tuple(where),
            None if self.p_alive is None else self.p_alive[rows],
            None if self.n_purchases is None else self.n_purchases[rows],
            None if self.mean_factors is None else self.mean_factors[rows],
        )

    def _laid(
        self, ask: Callable[[AbstractForecast, Int[np.ndarray, " _"]], np.ndarray]
    ) -> np.ndarray:
        """Each group's answer, a row per customer, laid where the group's customers stand."""
        parts = [ask(group, where) for group, where in zip(self.groups, self.rows, strict=True)]
        whole = np.empty((self.n_customers, *parts[0].shape[1:]))
        for part, where in zip(parts, self.rows, strict=True):
            whole[where] = part
        return whole

    def _known(self, ask: Callable[[AbstractForecast], np.ndarray | None]) -> np.ndarray | None:
        answers = [ask(group) for group in self.groups]
        if any(answer is None for answer in answers):
            return None
        told = iter(np.asarray(answer) for answer in answers)
        return self._laid(lambda *_: next(told))
