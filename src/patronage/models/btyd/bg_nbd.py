"""BG/NBD: customers buy at a rate of their own until they leave, right after a repeat purchase.

Fader, Hardie & Lee (2005), "Counting your customers" the easy way, Marketing Science 24(2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, final

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
from patronage.models.likelihoods.bg_nbd import BGNBDLikelihood
from patronage.models.likelihoods.histories import Histories
from patronage.snapshots import RFM, Snapshot

__all__ = ["BGNBD", "BGNBDProcess"]

_MANY_ONE_TIME_BUYERS: Final = 0.5


@final
@dataclass(frozen=True)
class BGNBDProcess:
    """r, alpha (days) of the purchase rates; a, b of the dropout probabilities."""

    features: ClassVar[tuple[str, ...]] = ()

    @property
    def likelihood(self) -> BGNBDLikelihood:
        return BGNBDLikelihood()

    def summary(self, snapshot: Snapshot) -> RFM:
        return snapshot.rfm()

    def table(self, rfm: RFM) -> Histories:
        return histories_of(rfm)

    def counts(self, parameters: Sequence[Parameter], table: Histories) -> BetaGeometricCounts:
        r, alpha, a, b = parameters
        x, t_x, T = table.columns
        return BetaGeometricCounts(r, alpha, a, b, x, t_x, T, modified=False)

    def simulate(
        self, parameters: Sequence[float], T: Float[np.ndarray, " rows"], rng: np.random.Generator
    ) -> Histories:
        r, alpha, a, b = parameters
        who, when = poisson_times(rng.gamma(r, 1 / alpha, len(T)), T, rng)
        last = first_chances(rng.beta(a, b, len(T)), rng)
        return histories_until(*only_first(last, who, when), T)

    def remarks(self, table: Histories) -> tuple[str, ...]:
        share = float(table.weight @ (table.x == 0)) / float(table.weight.sum())
        if share <= _MANY_ONE_TIME_BUYERS:
            return ()
        return (
            f"{share:.0%} of customers have bought once, and BG/NBD holds all of them alive for "
            "certain; mbg_nbd and pareto_nbd do not",
        )


@final
@dataclass(frozen=True)
class BGNBD(AbstractBTYD):
    """Settings, as of every buy-till-you-die model."""

    @property
    def process(self) -> BGNBDProcess:
        return BGNBDProcess()
