"""Pareto/GGG: Pareto/NBD for customers of whom each has a regularity of its own.

Platzer & Reutterer (2016), Ticking away the moments: timing regularity helps to better predict
customer activity, Marketing Science 35(5).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from patronage.models.btyd.counts_pareto_ggg import ParetoGGGCounts
from patronage.models.btyd.model import AbstractBTYD
from patronage.models.btyd.process import Parameter
from patronage.models.btyd.simulation import erlang_times, timed_histories_until
from patronage.models.btyd.timing import timed_histories_of
from patronage.models.likelihoods.pareto_ggg import ParetoGGGLikelihood
from patronage.models.likelihoods.timed_histories import TimedHistories
from patronage.snapshots import RFM, Snapshot

__all__ = ["ParetoGGG", "ParetoGGGProcess"]


@final
@dataclass(frozen=True)
class ParetoGGGProcess:
    """t, gamma of the regularities; r, alpha (days) of the purchase rates; s, beta (days) of the
    dropout rates.
    """

    features: ClassVar[tuple[str, ...]] = ("regularity",)

    @property
    def likelihood(self) -> ParetoGGGLikelihood:
        return ParetoGGGLikelihood()

    def summary(self, snapshot: Snapshot) -> RFM:
        return snapshot.with_features(self.features).rfm()

    def table(self, rfm: RFM) -> TimedHistories:
        return timed_histories_of(rfm)

    def counts(self, parameters: Sequence[Parameter], table: TimedHistories) -> ParetoGGGCounts:
        t, gamma, r, alpha, s, beta = parameters
        return ParetoGGGCounts(t, gamma, r, alpha, s, beta, table)

    def simulate(
        self, parameters: Sequence[float], T: Float[np.ndarray, " rows"], rng: np.random.Generator
    ) -> TimedHistories:
        t, gamma, r, alpha, s, beta = parameters
        k = np.maximum(rng.gamma(t, 1 / gamma, len(T)), 1e-3)
        rate = rng.gamma(r, 1 / alpha, len(T))
        # Why the floor: a gamma of small shape underflows to 0, and a lifetime is finite.
        death = np.maximum(rng.gamma(s, 1 / beta, len(T)), 1e-300)
        until = np.minimum(T, rng.exponential(size=len(T)) / death)
        who, when = erlang_times(k, k * rate, until, rng, most=np.full(len(T), np.inf))
        return timed_histories_until(who, when, T)

    def remarks(self, table: TimedHistories) -> tuple[str, ...]:
        del table
        return ()


@final
@dataclass(frozen=True)
class ParetoGGG(AbstractBTYD):
    """Settings, as of every buy-till-you-die model."""

    @property
    def process(self) -> ParetoGGGProcess:
        return ParetoGGGProcess()
