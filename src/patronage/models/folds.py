"""Out-of-time folds: what each member would have forecast at earlier days, and what came."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from jaxtyping import Float, Int

from patronage.errors import NotEnoughDataError
from patronage.forecast import AbstractForecast
from patronage.horizon import Horizon
from patronage.models.base import Model
from patronage.models.two_part import FoldPairs
from patronage.snapshots import Snapshot, observe_outcome

__all__ = ["FoldForecasts", "Summary", "fold_forecasts", "summarise"]


@dataclass(frozen=True)
class Summary:
    """Three numbers per customer, over the whole horizon.

    Attributes
    ----------
    cash : expected net cash
    purchases : expected purchases
    p_positive : P(cash > 0)
    """

    cash: Float[np.ndarray, " rows"]
    purchases: Float[np.ndarray, " rows"]
    p_positive: Float[np.ndarray, " rows"]


@dataclass(frozen=True)
class FoldForecasts:
    """Forecasts of all members on the same customers and folds, a column per member.

    Attributes
    ----------
    names : the members
    cash, purchases, p_positive : forecasts over the fold's horizon
    actual_cash, actual_purchases : outcome
    fold : number of the fold of each row
    """

    names: tuple[str, ...]
    cash: Float[np.ndarray, "rows members"]
    purchases: Float[np.ndarray, "rows members"]
    p_positive: Float[np.ndarray, "rows members"]
    actual_cash: Float[np.ndarray, " rows"]
    actual_purchases: Float[np.ndarray, " rows"]
    fold: Int[np.ndarray, " rows"]

    def members(self) -> list[Summary]:
        """The forecasts of each member, in the order of `names`."""
        return [
            Summary(self.cash[:, k], self.purchases[:, k], self.p_positive[:, k])
            for k in range(len(self.names))
        ]

    def pairs(self, blend: Summary) -> FoldPairs:
        """The outcome beside one blend of the members."""
        return FoldPairs(
            blend.cash,
            blend.purchases,
            blend.p_positive,
            self.actual_cash,
            self.actual_purchases,
            self.fold,
        )


def summarise(forecast: AbstractForecast) -> Summary:
    """Expected cash, expected purchases and P(cash > 0) of the horizon, per customer.

    Where a model knows no purchases, it is as if each who buys bought once.
    """
    cash = forecast.mean().sum(axis=1)
    p_positive = 1.0 - forecast.p_zero()
    purchases = (
        p_positive if forecast.n_purchases is None else np.asarray(forecast.n_purchases.sum(axis=1))
    )
    return Summary(np.maximum(cash, 0.0), purchases, p_positive)


def fold_forecasts(
    members: Mapping[str, Model],
    snapshot: Snapshot,
    origins: Sequence[date],
    horizon: Horizon,
    *,
    seed: int,
) -> FoldForecasts:
    """Fit every member at every origin with what was known then, and judge by `snapshot`.

    A member for which an origin has too little history is left out of all of them.

    Raises
    ------
    NotEnoughDataError : that happened to every member
    """
    told: dict[str, list[Summary]] = {}
    refused: NotEnoughDataError | None = None
    days = [snapshot.rewind(origin) for origin in origins]
    for name, model in members.items():
        try:
            told[name] = [
                summarise(model.fit(known, horizon, seed=seed).predict(known, horizon))
                for known in days
            ]
        except NotEnoughDataError as error:
            refused = error
    if refused is not None and not told:
        raise refused
    outcomes = [observe_outcome(snapshot, known, horizon) for known in days]

    def column(name: str) -> Float[np.ndarray, "rows members"]:
        return np.stack(
            [
                np.concatenate([getattr(summary, name) for summary in summaries])
                for summaries in told.values()
            ],
            axis=1,
        )

    return FoldForecasts(
        tuple(told),
        column("cash"),
        column("purchases"),
        column("p_positive"),
        np.concatenate([outcome.total for outcome in outcomes]),
        np.concatenate([outcome.total_purchases for outcome in outcomes]),
        np.repeat(np.arange(len(days)), [len(known.customers) for known in days]),
    )
