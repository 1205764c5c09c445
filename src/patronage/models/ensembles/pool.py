"""Pools: the weighted mean of the members' distributions, weights learned on out-of-time folds.

How likely each member had held what happened is told in bins that all members share: nothing at
all, and equally full bins of positive cash. Densities of members with atoms and of others could
not be compared; chances of bins can.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Float, Int

from patronage.errors import NotEnoughDataError
from patronage.forecast import AbstractForecast, MixtureForecast
from patronage.horizon import Horizon
from patronage.models.base import FittedModel, Model
from patronage.models.explaining import Account, Contributions, account_of
from patronage.models.folds import Fold, folds_at
from patronage.models.training_pairs import rewound_origins
from patronage.snapshots import Snapshot

__all__ = [
    "FittedPool",
    "FoldChances",
    "bin_edges",
    "chances_in_bins",
    "fit_pool",
    "fold_chances",
]

_N_BINS: Final = 20
# Why: what a member held impossible happens; this part of every bin is everybody's.
_SURPRISE: Final = 1e-3


@final
@dataclass(frozen=True)
class FittedPool:
    """Learned: the members and their weights.

    Attributes
    ----------
    members : name → fitted member
    weights : one per member, in the order of `members`; they sum to 1
    """

    members: dict[str, FittedModel]
    weights: Float[np.ndarray, " members"]

    @property
    def features(self) -> tuple[str, ...]:
        groups = (group for member in self.members.values() for group in member.features)
        return tuple(dict.fromkeys(groups))

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> MixtureForecast:
        members, weights = self._heard()
        said = [member.predict(snapshot, horizon) for member in members]
        return MixtureForecast.of(said, weights)

    def explain(self, snapshot: Snapshot, horizon: Horizon, reference: Snapshot) -> Account:
        """The members' accounts, weighted as their forecasts are."""
        members, weights = self._heard()
        accounts = [account_of(member, snapshot, horizon, reference) for member in members]
        said, parts = zip(*accounts, strict=True)
        return MixtureForecast.of(said, weights), Contributions.weighted(parts, weights.tolist())

    def _heard(self) -> tuple[list[FittedModel], Float[np.ndarray, " heard"]]:
        """The members that have a weight, and it."""
        heard = self.weights > 0
        members = [one for one, some in zip(self.members.values(), heard, strict=True) if some]
        return members, self.weights[heard]


@dataclass(frozen=True)
class FoldChances:
    """What each member had held of what happened, at earlier days.

    Attributes
    ----------
    names : members that every fold had enough history for
    chances : P(the bin that the outcome fell into)
    fold : number of the fold of each row, the latest the highest
    tenure : days since the first purchase of each row's customer, at the fold's day
    """

    names: tuple[str, ...]
    chances: Float[np.ndarray, "rows members"]
    fold: Int[np.ndarray, " rows"]
    tenure: Float[np.ndarray, " rows"]


def fold_chances(
    members: Mapping[str, Model],
    snapshot: Snapshot,
    horizon: Horizon,
    *,
    n_folds: tuple[int, int],
    seed: int,
) -> FoldChances:
    """Fit every member at earlier days, and look up what came in what it had forecast.

    Parameters
    ----------
    n_folds : how many days at the least and at the most

    Raises
    ------
    NotEnoughDataError : no day, or no member, has enough history
    """
    rewound = rewound_origins(snapshot, horizon, n_min=n_folds[0], n_max=n_folds[1])
    folds = folds_at(snapshot, rewound.origins, rewound.horizon, seed=seed)
    edges = bin_edges(np.concatenate([fold.outcome.total for fold in folds]))
    told: dict[str, Float[np.ndarray, " rows"]] = {}
    refused: NotEnoughDataError | None = None
    for name, model in members.items():
        try:
            told[name] = np.concatenate(
                [_chances(model, fold, rewound.horizon, edges, seed=seed) for fold in folds]
            )
        except NotEnoughDataError as error:
            refused = error
    if refused is not None and not told:
        raise refused
    sizes = [len(fold.at.customers) for fold in folds]
    return FoldChances(
        tuple(told),
        np.stack(list(told.values()), axis=1),
        np.repeat(np.arange(len(folds)), sizes),
        np.concatenate([fold.at.customers["T"].to_numpy() for fold in folds]),
    )


def _chances(
    model: Model, fold: Fold, horizon: Horizon, edges: Float[np.ndarray, " edges"], *, seed: int
) -> Float[np.ndarray, " customers"]:
    forecast = model.fit(fold.learn, horizon, seed=seed).predict(fold.at, horizon)
    return chances_in_bins(forecast, fold.outcome.total, edges)


def bin_edges(total: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " edges"]:
    """Edges of the bins: 0, and quantiles of what those who paid paid."""
    paid = total[total > 0]
    inner = np.quantile(paid, np.arange(1, _N_BINS) / _N_BINS) if len(paid) else np.empty(0)
    return np.unique(np.concatenate([[0.0], inner]))


def chances_in_bins(
    forecast: AbstractForecast,
    total: Float[np.ndarray, " customers"],
    edges: Float[np.ndarray, " edges"],
) -> Float[np.ndarray, " customers"]:
    """What the forecast had held likely: P(the bin that each total fell into)."""
    where = np.searchsorted(edges, total)
    low = np.where(where == 0, -np.inf, edges[np.maximum(where - 1, 0)])
    high = np.where(where == len(edges), np.inf, edges[np.minimum(where, len(edges) - 1)])
    chance = np.clip(_reached(forecast, high) - _reached(forecast, low), 0.0, 1.0)
    return np.asarray((1.0 - _SURPRISE) * chance + _SURPRISE / (len(edges) + 1))


def _reached(
    forecast: AbstractForecast, total: Float[np.ndarray, " customers"]
) -> Float[np.ndarray, " customers"]:
    """P(cash <= total), of infinite totals too."""
    finite = np.isfinite(total)
    reached = forecast.cdf(np.where(finite, total, 0.0))[1]
    return np.where(finite, reached, np.where(total > 0, 1.0, 0.0))


def fit_pool(
    members: Mapping[str, Model],
    snapshot: Snapshot,
    horizon: Horizon,
    *,
    weigh: Callable[[FoldChances], Float[np.ndarray, " members"]],
    n_folds: tuple[int, int],
    seed: int,
) -> FittedPool:
    """The members fitted today, weighted by what they had said at earlier days."""
    seen = fold_chances(members, snapshot, horizon, n_folds=n_folds, seed=seed)
    weights = weigh(seen)
    fitted = {name: members[name].fit(snapshot, horizon, seed=seed) for name in seen.names}
    return FittedPool(fitted, weights)
