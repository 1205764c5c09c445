"""Process: how customers buy and leave; what the buy-till-you-die models differ in.

A model of this family is one likelihood file (`models/likelihoods/`), one file of what it foretells
(`AbstractCounts`), and a Process that names both. Fitting, encoders, posteriors, spend, forecasts
and the catalogue are the same for all of them.
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Float

from patronage.errors import EventSchemaError
from patronage.forecast.counts import AbstractCounts
from patronage.models.likelihoods.base import Likelihood, Table
from patronage.models.likelihoods.histories import Histories
from patronage.snapshots import RFM, Snapshot

__all__ = ["Parameter", "Process", "PurchaseTable", "histories_of", "natural"]

Parameter = float | Float[np.ndarray, " rows"]
Same = TypeVar("Same", bound="PurchaseTable")


@runtime_checkable
class PurchaseTable(Table, Protocol):
    """What is known of the purchases of each row."""

    def coarse(self: Same) -> Same:
        """Times rounded so that more rows are equal; enough where a slope is looked at."""
        ...


TableT = TypeVar("TableT", bound=PurchaseTable)


@runtime_checkable
class Process(Protocol[TableT]):
    """A frozen dataclass of what is set, not fitted (such as k, or the length of a period)."""

    @property
    def likelihood(self) -> Likelihood[TableT]:
        """How likely a row is."""
        ...

    @property
    def features(self) -> tuple[str, ...]:
        """Feature groups that `summary` reads beyond RFM."""
        ...

    def summary(self, snapshot: Snapshot) -> RFM:
        """What the process reads of every customer of a snapshot, in its order."""
        ...

    def table(self, rfm: RFM) -> TableT:
        """The rows of the likelihood, checked; EventSchemaError where a row cannot be."""
        ...

    def counts(self, parameters: Sequence[Parameter], table: TableT) -> AbstractCounts:
        """Purchases ahead of each row; natural parameters, the same for all or one per row."""
        ...

    def simulate(
        self, parameters: Sequence[float], T: Float[np.ndarray, " rows"], rng: np.random.Generator
    ) -> TableT:
        """Draw what customers show who are watched for T days from their first purchase on.

        From the process itself, customer by customer: the truth for recovery, calibration by
        simulation and predictive checks.
        """
        ...

    def remarks(self, table: TableT) -> tuple[str, ...]:
        """What to tell of these data that makes this process doubtful."""
        ...


def natural(theta: Float[np.ndarray, "*rows k"]) -> list[Parameter]:
    """The natural parameters of θ: numbers, or a column each where rows have their own."""
    parameters = np.exp(theta)
    return [float(p) for p in parameters] if theta.ndim == 1 else list(parameters.T)


def histories_of(rfm: RFM) -> Histories:
    """The histories of an RFM table, checked."""
    x, t_x, T, weight = rfm.frequency, rfm.recency, rfm.T, rfm.weights
    sound = bool(np.isfinite(x.sum() + t_x.sum() + T.sum() + weight.sum()))
    if not (sound and x.min(initial=0) >= 0 and t_x.min(initial=0) >= 0 and (t_x <= T).all()):
        broken = ~((x >= 0) & (t_x >= 0) & (t_x <= T * (1 + 1e-12)) & np.isfinite(x + T + weight))
        if broken.any():
            row = int(np.flatnonzero(broken)[0])
            raise EventSchemaError(
                f"{int(broken.sum())} of {len(rfm)} RFM rows are not histories; the first is row "
                f"{row}: frequency {x[row]:g}, recency {t_x[row]:g}, T {T[row]:g} (days).\n"
                "To mend: all must be finite, with 0 <= recency <= T; see RFM.from_frame."
            )
        t_x = np.minimum(t_x, T)
    return Histories(x, t_x, T, weight)
