"""Out-of-time folds: what each member would have forecast at earlier days, and what came."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from patronage.errors import NotEnoughDataError
from patronage.forecast import AbstractForecast
from patronage.horizon import Horizon
from patronage.models.base import Model
from patronage.models.two_part import FoldPairs
from patronage.snapshots import Outcome, Snapshot, observe_outcome, take_snapshot

__all__ = [
    "Fold",
    "FoldForecasts",
    "Summary",
    "customer_fold",
    "fold_forecasts",
    "folds_at",
    "summarise",
]

# Blocks of the customers of a set with one date, each judged by what the others teach.
_BLOCKS: Final = 3


@dataclass(frozen=True)
class Fold:
    """What is learned from, what is then forecast, and what came of it.

    Attributes
    ----------
    learn : the snapshot to fit on; `at` itself, but where everybody was observed on one date:
        then what other customers did after it
    at : the snapshot to forecast
    outcome : of the customers of `at`
    """

    learn: Snapshot
    at: Snapshot
    outcome: Outcome


def folds_at(
    snapshot: Snapshot, origins: Sequence[date], horizon: Horizon, *, seed: int
) -> list[Fold]:
    """A fold at each origin; of one observation date, a fold for each of three blocks."""
    observed = snapshot.events.observation_date
    if observed is None:
        days = [snapshot.rewind(origin) for origin in origins]
        return [Fold(at, at, observe_outcome(snapshot, at, horizon)) for at in days]
    everyone = snapshot.rewind(observed).customers["customer_id"]
    block = np.random.default_rng(seed).permutation(len(everyone)) % _BLOCKS
    return [customer_fold(snapshot, horizon, everyone.filter(block == k)) for k in range(_BLOCKS)]


def customer_fold(snapshot: Snapshot, horizon: Horizon, judged: pl.Series) -> Fold:
    """Learn from the other customers of a set with one observation date, and forecast these."""
    events, observed = snapshot.events, snapshot.events.observation_date
    assert observed is not None
    everyone = snapshot.customers["customer_id"]
    theirs = everyone.is_in(judged.implode())

    def only(some: pl.Series) -> Snapshot:
        return take_snapshot(
            events.among(everyone.filter(some)), as_of=snapshot.as_of, features=snapshot.features
        )

    last = only(theirs)
    at = last.rewind(observed)
    return Fold(only(~theirs), at, observe_outcome(last, at, horizon))


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
    folds = folds_at(snapshot, origins, horizon, seed=seed)
    for name, model in members.items():
        try:
            told[name] = [
                summarise(model.fit(fold.learn, horizon, seed=seed).predict(fold.at, horizon))
                for fold in folds
            ]
        except NotEnoughDataError as error:
            refused = error
    if refused is not None and not told:
        raise refused
    outcomes = [fold.outcome for fold in folds]

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
        np.repeat(np.arange(len(folds)), [len(fold.at.customers) for fold in folds]),
    )
