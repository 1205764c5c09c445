"""GGompertz/NBD: as Pareto/NBD, with a dropout rate that may rise or fall with a customer's age.

Bemmaor & Glady (2012), Modeling purchasing behavior with sudden "death", Management Science 58(5).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from patronage.models.btyd.counts_ggompertz_nbd import GGompertzNBDCounts
from patronage.models.btyd.model import AbstractBTYD
from patronage.models.btyd.process import Parameter, histories_of
from patronage.models.btyd.simulation import histories_until, poisson_times
from patronage.models.likelihoods.ggompertz_nbd import GGompertzNBDLikelihood
from patronage.models.likelihoods.histories import Histories
from patronage.snapshots import RFM, Snapshot

__all__ = ["GGompertzNBD", "GGompertzNBDProcess"]


@final
@dataclass(frozen=True)
class GGompertzNBDProcess:
    """r, alpha (days) of the purchase rates; b (per day), s, beta of the lifetimes."""

    features: ClassVar[tuple[str, ...]] = ()

    @property
    def likelihood(self) -> GGompertzNBDLikelihood:
        return GGompertzNBDLikelihood()

    def summary(self, snapshot: Snapshot) -> RFM:
        return snapshot.rfm()

    def table(self, rfm: RFM) -> Histories:
        return histories_of(rfm)

    def counts(self, parameters: Sequence[Parameter], table: Histories) -> GGompertzNBDCounts:
        r, alpha, b, s, beta = parameters
        return GGompertzNBDCounts(r, alpha, b, s, beta, table.x, table.t_x, table.T)

    def simulate(
        self, parameters: Sequence[float], T: Float[np.ndarray, " rows"], rng: np.random.Generator
    ) -> Histories:
        r, alpha, b, s, beta = parameters
        rate = rng.gamma(r, 1 / alpha, len(T))
        # Why the floor: a gamma of small shape underflows to 0, and a lifetime is finite.
        scale = np.maximum(rng.gamma(s, 1 / beta, len(T)), 1e-300)
        life = np.log1p(rng.exponential(size=len(T)) / scale) / b
        who, when = poisson_times(rate, np.minimum(T, life), rng)
        return histories_until(who, when, T)

    def remarks(self, table: Histories) -> tuple[str, ...]:
        del table
        return ()


@final
@dataclass(frozen=True)
class GGompertzNBD(AbstractBTYD):
    """Settings, as of every buy-till-you-die model."""

    @property
    def process(self) -> GGompertzNBDProcess:
        return GGompertzNBDProcess()
