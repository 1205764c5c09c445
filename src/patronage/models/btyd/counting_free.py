"""CountingFree: a purchase process to which purchases that cost nothing are purchases too."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float

from patronage.forecast.counts import AbstractCounts
from patronage.models.btyd.process import Parameter, Process
from patronage.models.likelihoods.base import Likelihood
from patronage.snapshots import RFM, Snapshot

__all__ = ["CountingFree"]


@final
@dataclass(frozen=True)
class CountingFree:
    """The same process of more purchases.

    Attributes
    ----------
    of : the process
    """

    of: Process[Any]

    @property
    def likelihood(self) -> Likelihood[Any]:
        return self.of.likelihood

    @property
    def features(self) -> tuple[str, ...]:
        return (*self.of.features, "free")

    def summary(self, snapshot: Snapshot) -> RFM:
        return self.of.summary(snapshot)

    def table(self, rfm: RFM) -> Any:
        return self.of.table(rfm.with_free())

    def counts(self, parameters: Sequence[Parameter], table: Any) -> AbstractCounts:
        return self.of.counts(parameters, table)

    def simulate(
        self, parameters: Sequence[float], T: Float[np.ndarray, " rows"], rng: np.random.Generator
    ) -> Any:
        return self.of.simulate(parameters, T, rng)

    def remarks(self, table: Any) -> tuple[str, ...]:
        return self.of.remarks(table)
