"""The account of a forecast: the expected cash of each customer as a sum of parts, by reason."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from patronage.errors import SettingsError
from patronage.forecast import AbstractForecast
from patronage.horizon import Horizon
from patronage.models.base import FittedModel
from patronage.snapshots import Snapshot

__all__ = ["Account", "Contributions", "Explains", "account_of"]


@dataclass(frozen=True)
class Contributions:
    """Expected cash of the horizon = base + the sum of a row of `values`.

    Attributes
    ----------
    base : what is expected before anything is known of the customer, in the log's currency
    reasons : what each column of `values` comes of; a feature, or several that belong together
    values : the log's currency
    compared_with : customers of whom the base is the mean; 0: those that the model learned from
    """

    base: Float[np.ndarray, " customers"]
    reasons: tuple[str, ...]
    values: Float[np.ndarray, "customers reasons"]
    compared_with: int = 0

    def scaled(self, factor: float | Float[np.ndarray, " customers"]) -> "Contributions":
        """All parts, the base too, multiplied."""
        by = np.broadcast_to(factor, self.base.shape)
        return replace(self, base=self.base * by, values=self.values * by[:, None])

    @staticmethod
    def weighted(
        parts: Sequence["Contributions"],
        weights: Sequence[float | Float[np.ndarray, " customers"]],
    ) -> "Contributions":
        """The weighted sum, by one weight a part or one a customer; the same reason of several
        parts is one.

        Where parts were compared with different customers, as many as the fewest are told.
        """
        reasons = tuple(dict.fromkeys(reason for part in parts for reason in part.reasons))
        place = {reason: k for k, reason in enumerate(reasons)}
        base = np.zeros(len(parts[0].base))
        values = np.zeros((len(base), len(reasons)))
        for part, weight in zip(parts, weights, strict=True):
            scaled = part.scaled(weight)
            base += scaled.base
            values[:, [place[reason] for reason in part.reasons]] += scaled.values
        compared = [part.compared_with for part in parts if part.compared_with]
        return Contributions(base, reasons, values, min(compared, default=0))


Account = tuple[AbstractForecast, Contributions]
"""What `predict` says, where `mean_factors` may be left out, and parts that add up to its mean.

Why both: a forecast is most of the work of an account, and whoever wants one wants the other.
"""


@runtime_checkable
class Explains(Protocol):
    """A fitted model that knows the parts of its own expectations."""

    def explain(self, snapshot: Snapshot, horizon: Horizon, reference: Snapshot) -> Account:
        """The forecast of each customer of the snapshot, and its parts."""
        ...


def account_of(
    fitted: FittedModel, snapshot: Snapshot, horizon: Horizon, reference: Snapshot
) -> Account:
    """The model's own account; else Shapley values of what it reads (see `shapley`).

    Parameters
    ----------
    snapshot : the customers to explain
    reference : customers of the same day that they are compared with, where the model has no
        account of its own

    Raises
    ------
    SettingsError : the two are not of the same day
    """
    if snapshot.as_of != reference.as_of:
        raise SettingsError(
            f"customers of {snapshot.as_of} cannot be compared with those of {reference.as_of}.\n"
            "To mend: take both snapshots at the same day."
        )
    if isinstance(fitted, Explains):
        return fitted.explain(snapshot, horizon, reference)
    from patronage.models.explaining.shapley import shapley

    return shapley(fitted, snapshot, horizon, reference)
