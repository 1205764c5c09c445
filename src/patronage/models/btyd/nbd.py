"""NBD: customers buy at a rate of their own and never leave; what dropout is measured against.

Ehrenberg (1959), The pattern of consumer purchases, Applied Statistics 8(1).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from patronage.models.btyd.counts_nbd import NBDCounts
from patronage.models.btyd.model import AbstractBTYD
from patronage.models.btyd.process import Parameter, histories_of
from patronage.models.btyd.simulation import histories_until, poisson_times
from patronage.models.likelihoods.histories import Histories
from patronage.models.likelihoods.nbd import NBDLikelihood
from patronage.snapshots import RFM, Snapshot

__all__ = ["NBD", "NBDProcess"]


@final
@dataclass(frozen=True)
class NBDProcess:
    """r, alpha (days) of the purchase rates."""

    features: ClassVar[tuple[str, ...]] = ()

    @property
    def likelihood(self) -> NBDLikelihood:
        return NBDLikelihood()

    def summary(self, snapshot: Snapshot) -> RFM:
        return snapshot.rfm()

    def table(self, rfm: RFM) -> Histories:
        """Without t_x, which tells nothing here: far fewer rows differ."""
        histories = histories_of(rfm)
        return replace(histories, t_x=np.zeros(len(histories)))

    def counts(self, parameters: Sequence[Parameter], table: Histories) -> NBDCounts:
        r, alpha = parameters
        return NBDCounts(r, alpha, table.x, table.T)

    def simulate(
        self, parameters: Sequence[float], T: Float[np.ndarray, " rows"], rng: np.random.Generator
    ) -> Histories:
        r, alpha = parameters
        who, when = poisson_times(rng.gamma(r, 1 / alpha, len(T)), T, rng)
        return histories_until(who, when, T)

    def remarks(self, table: Histories) -> tuple[str, ...]:
        del table
        return ()


@final
@dataclass(frozen=True)
class NBD(AbstractBTYD):
    """Settings, as of every buy-till-you-die model."""

    @property
    def process(self) -> NBDProcess:
        return NBDProcess()
