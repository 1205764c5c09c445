"""Pareto/NBD: customers buy at a rate of their own until they leave, at a time of their own.

Schmittlein, Morrison & Colombo (1987), Counting your customers, Management Science 33(1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from patronage.models.btyd.counts_pareto_nbd import ParetoNBDCounts
from patronage.models.btyd.model import AbstractBTYD
from patronage.models.btyd.process import Parameter, histories_of
from patronage.models.btyd.simulation import histories_until, poisson_times
from patronage.models.likelihoods.histories import Histories
from patronage.models.likelihoods.pareto_nbd import ParetoNBDLikelihood
from patronage.snapshots import RFM, Snapshot

__all__ = ["ParetoNBD", "ParetoNBDProcess"]


@final
@dataclass(frozen=True)
class ParetoNBDProcess:
    """r, alpha (days) of the purchase rates; s, beta (days) of the dropout rates."""

    features: ClassVar[tuple[str, ...]] = ()

    @property
    def likelihood(self) -> ParetoNBDLikelihood:
        return ParetoNBDLikelihood()

    def summary(self, snapshot: Snapshot) -> RFM:
        return snapshot.rfm()

    def table(self, rfm: RFM) -> Histories:
        return histories_of(rfm)

    def counts(self, parameters: Sequence[Parameter], table: Histories) -> ParetoNBDCounts:
        r, alpha, s, beta = parameters
        return ParetoNBDCounts(r, alpha, s, beta, table.x, table.t_x, table.T)

    def simulate(
        self, parameters: Sequence[float], T: Float[np.ndarray, " rows"], rng: np.random.Generator
    ) -> Histories:
        r, alpha, s, beta = parameters
        rate = rng.gamma(r, 1 / alpha, len(T))
        # Why the floor: a gamma of small shape underflows to 0, and a lifetime is finite.
        death = np.maximum(rng.gamma(s, 1 / beta, len(T)), 1e-300)
        who, when = poisson_times(rate, np.minimum(T, rng.exponential(size=len(T)) / death), rng)
        return histories_until(who, when, T)

    def remarks(self, table: Histories) -> tuple[str, ...]:
        del table
        return ()


@final
@dataclass(frozen=True)
class ParetoNBD(AbstractBTYD):
    """Settings, as of every buy-till-you-die model."""

    @property
    def process(self) -> ParetoNBDProcess:
        return ParetoNBDProcess()
