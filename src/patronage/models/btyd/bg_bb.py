"""BG/BB: customers who have one chance to buy in each period, until they leave before one of them.

Fader, Hardie & Shang (2010), Customer-base analysis in a discrete-time noncontractual setting,
Marketing Science 29(6).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from patronage.errors import EventSchemaError
from patronage.models.btyd.counts_bg_bb import BGBBCounts
from patronage.models.btyd.model import AbstractBTYD
from patronage.models.btyd.process import Parameter
from patronage.models.btyd.simulation import first_chances
from patronage.models.likelihoods.bg_bb import BGBBLikelihood
from patronage.models.likelihoods.opportunities import Opportunities
from patronage.snapshots import RFM, Snapshot, opportunities, period_length

__all__ = ["BGBB", "BGBBProcess"]


@final
@dataclass(frozen=True)
class BGBBProcess:
    """alpha, beta of the probabilities to buy; gamma, delta of those to leave.

    Attributes
    ----------
    period : from one opportunity to the next: a unit of time ('month', …), or a number of days
    """

    period: str | int | float = "month"

    features: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        period_length(self.period)

    @property
    def likelihood(self) -> BGBBLikelihood:
        return BGBBLikelihood()

    def summary(self, snapshot: Snapshot) -> RFM:
        """Frequency, recency and T in periods, and the money of a period."""
        return opportunities(snapshot, self.period)

    def table(self, rfm: RFM) -> Opportunities:
        return _opportunities_of(rfm)

    def counts(self, parameters: Sequence[Parameter], table: Opportunities) -> BGBBCounts:
        alpha, beta, gamma, delta = parameters
        length = period_length(self.period)
        return BGBBCounts(alpha, beta, gamma, delta, table.x, table.t_x, table.n, length)

    def simulate(
        self, parameters: Sequence[float], T: Float[np.ndarray, " rows"], rng: np.random.Generator
    ) -> Opportunities:
        """The opportunities are the whole periods within T."""
        alpha, beta, gamma, delta = parameters
        n = np.floor(T / period_length(self.period) + 1e-9)
        p = rng.beta(alpha, beta, len(T))
        stays = np.minimum(first_chances(rng.beta(gamma, delta, len(T)), rng) - 1.0, n)
        x, t_x = np.zeros(len(T)), np.zeros(len(T))
        for k in range(1, int(stays.max(initial=0.0)) + 1):
            bought = (k <= stays) & (rng.random(len(T)) < p)
            x[bought] += 1.0
            t_x[bought] = k
        return Opportunities(x, t_x, n, np.ones(len(T)))

    def remarks(self, table: Opportunities) -> tuple[str, ...]:
        share = float(table.weight @ (table.n == 0)) / float(table.weight.sum())
        if share <= 0.5:
            return ()
        return (
            f"{share:.0%} of customers first bought in the last period and have had no opportunity "
            "since; a shorter period would tell more of them",
        )


@final
@dataclass(frozen=True)
class BGBB(AbstractBTYD):
    """Settings, as of every buy-till-you-die model, and the period.

    Its purchases ahead are periods with a purchase, and its spend is the money of such a period. A
    table of RFM rows given to `fit_rfm` is in opportunities, whatever the period.

    Attributes
    ----------
    period : from one opportunity to the next: 'day', 'week', 'month', 'quarter', 'year', or a
        number of days
    """

    period: str | int | float = "month"

    def __post_init__(self) -> None:
        period_length(self.period)

    @property
    def process(self) -> BGBBProcess:
        return BGBBProcess(self.period)


def _opportunities_of(rfm: RFM) -> Opportunities:
    """The rows of an RFM table that counts opportunities, checked."""
    x, t_x, n, weight = rfm.frequency, rfm.recency, rfm.T, rfm.weights
    with np.errstate(invalid="ignore"):
        whole = (x == np.rint(x)) & (t_x == np.rint(t_x)) & (n == np.rint(n))
        sound = (x >= 0) & (x <= t_x) & (t_x <= n) & ((x > 0) | (t_x == 0))
    sound &= whole & np.isfinite(x + t_x + n + weight)
    if not sound.all():
        row = int(np.flatnonzero(~sound)[0])
        raise EventSchemaError(
            f"{int((~sound).sum())} of {len(rfm)} RFM rows do not count opportunities; the first "
            f"is row {row}: frequency {x[row]:g}, recency {t_x[row]:g}, T {n[row]:g}.\n"
            "To mend: count whole opportunities, with frequency <= recency <= T and recency 0 "
            "where frequency is 0; or give events, from which they are counted by `period`."
        )
    return Opportunities(x, t_x, n, weight)
