"""MBG/NBD: like BG/NBD, but customers may leave right after the first purchase too.

Batislam, Denizel & Filiztekin (2007), Empirical validation and comparison of models for customer
base analysis, International Journal of Research in Marketing 24(3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from patronage.models.btyd.counts_beta_geometric import BetaGeometricCounts
from patronage.models.btyd.model import AbstractBTYD
from patronage.models.btyd.process import Parameter, histories_of
from patronage.models.btyd.simulation import (
    first_chances,
    histories_until,
    only_first,
    poisson_times,
)
from patronage.models.likelihoods.histories import Histories
from patronage.models.likelihoods.mbg_nbd import MBGNBDLikelihood
from patronage.snapshots import RFM, Snapshot

__all__ = ["MBGNBD", "MBGNBDProcess"]


@final
@dataclass(frozen=True)
class MBGNBDProcess:
    """r, alpha (days) of the purchase rates; a, b of the dropout probabilities."""

    features: ClassVar[tuple[str, ...]] = ()

    @property
    def likelihood(self) -> MBGNBDLikelihood:
        return MBGNBDLikelihood()

    def summary(self, snapshot: Snapshot) -> RFM:
        return snapshot.rfm()

    def table(self, rfm: RFM) -> Histories:
        return histories_of(rfm)

    def counts(self, parameters: Sequence[Parameter], table: Histories) -> BetaGeometricCounts:
        r, alpha, a, b = parameters
        x, t_x, T = table.columns
        return BetaGeometricCounts(r, alpha, a, b, x, t_x, T, modified=True)

    def simulate(
        self, parameters: Sequence[float], T: Float[np.ndarray, " rows"], rng: np.random.Generator
    ) -> Histories:
        r, alpha, a, b = parameters
        who, when = poisson_times(rng.gamma(r, 1 / alpha, len(T)), T, rng)
        last = first_chances(rng.beta(a, b, len(T)), rng) - 1
        return histories_until(*only_first(last, who, when), T)

    def remarks(self, table: Histories) -> tuple[str, ...]:
        del table
        return ()


@final
@dataclass(frozen=True)
class MBGNBD(AbstractBTYD):
    """Settings, as of every buy-till-you-die model."""

    @property
    def process(self) -> MBGNBDProcess:
        return MBGNBDProcess()
