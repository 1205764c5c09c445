"""BG/CNBD-k: BG/NBD for customers who buy more regularly than at random.

Platzer & Reutterer (2016); Reutterer, Platzer & Schröder (2021), Leveraging purchase regularity
for predicting customer behavior the easy way, IJRM 38(1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, final

import numpy as np
from jaxtyping import Float

from patronage.errors import SettingsError
from patronage.models.btyd.counts_beta_geometric_erlang import BetaGeometricErlangCounts
from patronage.models.btyd.model import AbstractBTYD
from patronage.models.btyd.process import Parameter
from patronage.models.btyd.simulation import erlang_times, first_chances, timed_histories_until
from patronage.models.btyd.timing import timed_histories_of
from patronage.models.likelihoods.beta_geometric_erlang import BetaGeometricErlangLikelihood
from patronage.models.likelihoods.timed_histories import TimedHistories
from patronage.snapshots import RFM, Snapshot

__all__ = ["BGCNBD", "MOST_REGULAR", "BetaGeometricErlangProcess", "checked", "processes"]

MOST_REGULAR: Final = 12


@final
@dataclass(frozen=True)
class BetaGeometricErlangProcess:
    """r, alpha (days) of the rates of events, k of which make a purchase; a, b of the dropout.

    Attributes
    ----------
    k : events per purchase; the larger, the more regular
    modified : a customer may drop out right after the first purchase already
    """

    k: int
    modified: bool

    features: ClassVar[tuple[str, ...]] = ("regularity",)

    @property
    def likelihood(self) -> BetaGeometricErlangLikelihood:
        return BetaGeometricErlangLikelihood(self.k, self.modified)

    def summary(self, snapshot: Snapshot) -> RFM:
        return snapshot.with_features(self.features).rfm()

    def table(self, rfm: RFM) -> TimedHistories:
        return timed_histories_of(rfm)

    def counts(
        self, parameters: Sequence[Parameter], table: TimedHistories
    ) -> BetaGeometricErlangCounts:
        r, alpha, a, b = parameters
        x, t_x, T = table.plain.columns
        return BetaGeometricErlangCounts(r, alpha, a, b, x, t_x, T, self.k, self.modified)

    def simulate(
        self, parameters: Sequence[float], T: Float[np.ndarray, " rows"], rng: np.random.Generator
    ) -> TimedHistories:
        r, alpha, a, b = parameters
        last = first_chances(rng.beta(a, b, len(T)), rng) - self.modified
        shape = np.full(len(T), float(self.k))
        who, when = erlang_times(shape, rng.gamma(r, 1 / alpha, len(T)), T, rng, most=last)
        return timed_histories_until(who, when, T)

    def remarks(self, table: TimedHistories) -> tuple[str, ...]:
        del table
        return ()


def checked(k: int | None) -> None:
    """Refuse a k that is no shape of an Erlang distribution.

    Raises
    ------
    SettingsError : k is below 1
    """
    if k is not None and k < 1:
        raise SettingsError(
            f"k must be a whole number, 1 or more; {k} given.\n"
            "To mend: k=1 for purchases at random, k=2, 3, … for more regular ones, or None to "
            "choose it by likelihood."
        )


def processes(k: int | None, *, modified: bool) -> tuple[BetaGeometricErlangProcess, ...]:
    """That of the k given, or those among which the likelihood chooses."""
    tried = range(1, MOST_REGULAR + 1) if k is None else (k,)
    return tuple(BetaGeometricErlangProcess(k, modified=modified) for k in tried)


@final
@dataclass(frozen=True)
class BGCNBD(AbstractBTYD):
    """Settings, as of every buy-till-you-die model.

    Attributes
    ----------
    k : events per purchase; None: chosen by maximum likelihood, from 1 on until it falls
    """

    k: int | None = None

    def __post_init__(self) -> None:
        checked(self.k)

    @property
    def process(self) -> BetaGeometricErlangProcess:
        """That of the k given; where it is yet to be chosen, of the first that is regular, 2."""
        return BetaGeometricErlangProcess(self.k or 2, modified=False)

    @property
    def choices(self) -> tuple[BetaGeometricErlangProcess, ...]:
        return processes(self.k, modified=False)
