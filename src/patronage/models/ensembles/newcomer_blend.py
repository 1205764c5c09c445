"""NewcomerBlend: a regular model for everybody, and beside it one for customers who are new."""

from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
from jaxtyping import Float

from patronage.errors import NotEnoughDataError, SettingsError
from patronage.forecast import AbstractForecast, JoinedForecast, MixtureForecast
from patronage.horizon import Horizon
from patronage.models.base import FittedModel, Model
from patronage.models.ensembles.pool import fold_chances
from patronage.models.ensembles.tenure_weight import TenureWeight, learn_tenure_weight
from patronage.models.explaining import Account, Contributions, account_of
from patronage.models.tabular.carrying import refuse_other_horizon
from patronage.models.tabular.newcomer import Newcomer
from patronage.snapshots import Snapshot

__all__ = ["FittedNewcomerBlend", "NewcomerBlend"]

_REGULAR: Final = "regular"
_NEWCOMER: Final = "newcomer"


@final
@dataclass(frozen=True)
class FittedNewcomerBlend:
    """Learned: both models, and the weight of the newcomer's by tenure.

    Attributes
    ----------
    horizon : the horizon that the weight was learned for; it refuses another
    regular : answers everybody
    newcomer : answers with it while a customer is new; None where its answer has no weight
    weight : of the newcomer's answer, by days since the first purchase
    reason : how the weight came about, in a sentence
    """

    horizon: Horizon
    regular: FittedModel
    newcomer: FittedModel | None
    weight: TenureWeight
    reason: str

    @property
    def features(self) -> tuple[str, ...]:
        """Feature groups that either model reads."""
        newcomer = () if self.newcomer is None else self.newcomer.features
        return tuple(dict.fromkeys((*self.regular.features, *newcomer)))

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> JoinedForecast:
        """The regular model's forecast, mixed with the newcomer's for those who are new."""
        refuse_other_horizon(fitted=self.horizon, asked=horizon)
        known = snapshot.with_features(self.features)
        weights = self._weights(known)
        new = np.flatnonzero(weights > 0)
        own = None
        if self.newcomer is not None and len(new):
            own = self.newcomer.predict(known.take(new), horizon)
        return _mixed(self.regular.predict(known, horizon), own, weights)

    def explain(self, snapshot: Snapshot, horizon: Horizon, reference: Snapshot) -> Account:
        """Both accounts, weighted customer by customer as the forecasts are."""
        refuse_other_horizon(fitted=self.horizon, asked=horizon)
        known = snapshot.with_features(self.features)
        regular, whole = account_of(self.regular, known, horizon, reference)
        weights = self._weights(known)
        new = np.flatnonzero(weights > 0)
        if self.newcomer is None or len(new) == 0:
            return _mixed(regular, None, weights), whole
        newcomer, own = account_of(self.newcomer, known.take(new), horizon, reference)
        base, values = np.zeros(len(weights)), np.zeros((len(weights), len(own.reasons)))
        base[new], values[new] = own.base, own.values
        theirs = replace(own, base=base, values=values)
        parts = Contributions.weighted([whole, theirs], [1.0 - weights, weights])
        return _mixed(regular, newcomer, weights), parts

    def _weights(self, snapshot: Snapshot) -> Float[np.ndarray, " customers"]:
        return self.weight.at(snapshot.customers["T"].to_numpy())


@final
@dataclass(frozen=True)
class NewcomerBlend:
    """Beside the regular model, a model of the start of lives has a say while a customer is new.

    Its say is largest on the first day, never grows, and is nothing from `tenure_limit` on; how
    large it is, is learned at earlier days, by the log score of the mixture (see `TenureWeight`).
    Where these days show no gain, or have too few newcomers to show one, the regular model answers
    alone, and the fitted model's `reason` says so.

    Attributes
    ----------
    regular : answers everybody; by default it also carries the newcomer's answer to horizons
        longer than can be learned from outcomes, so it must tell expected purchases
    newcomer : a model for young customers; None: `Newcomer`, carried by `regular`
    tenure_limit : days since the first purchase from which on a customer is no newcomer
    n_folds_min, n_folds_max : earlier days to weigh on
    """

    regular: Model
    newcomer: Model | None = None
    tenure_limit: float = 90.0
    n_folds_min: int = 1
    n_folds_max: int = 3

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedNewcomerBlend:
        """Fit both models today, and the weight on what they had said at earlier days.

        Raises
        ------
        NotEnoughDataError : the regular model has too little history
        SettingsError : the limit is not above 0
        """
        if not self.tenure_limit > 0:
            raise SettingsError(
                f"tenure_limit is {self.tenure_limit:g} days.\nTo mend: give a number above 0."
            )
        regular = self.regular.fit(snapshot, horizon, seed=seed)
        newcomer = self.newcomer or Newcomer(self.regular, self.tenure_limit)
        try:
            weight, seen = self._weigh(newcomer, snapshot, horizon, seed=seed)
            fitted = None if weight.is_nothing else newcomer.fit(snapshot, horizon, seed=seed)
        except NotEnoughDataError as error:
            nothing = TenureWeight(-np.inf, 0.0, self.tenure_limit)
            return FittedNewcomerBlend(horizon, regular, None, nothing, _too_little(error))
        return FittedNewcomerBlend(horizon, regular, fitted, weight, seen)

    def _weigh(
        self, newcomer: Model, snapshot: Snapshot, horizon: Horizon, *, seed: int
    ) -> tuple[TenureWeight, str]:
        """The weight, and how it came about."""
        members = {_REGULAR: self.regular, _NEWCOMER: newcomer}
        n_folds = (self.n_folds_min, self.n_folds_max)
        seen = fold_chances(members, snapshot, horizon, n_folds=n_folds, seed=seed)
        if len(seen.names) < len(members):
            raise NotEnoughDataError("at earlier days one of the two models had too little history")
        weight = learn_tenure_weight(
            seen.chances[:, 0], seen.chances[:, 1], seen.tenure, limit=self.tenure_limit
        )
        young = int((seen.tenure < self.tenure_limit).sum())
        whom = f"{young} customers younger than {self.tenure_limit:g} days at earlier days"
        if weight.is_nothing:
            return weight, f"the regular model answers alone: {whom} show no gain beside it."
        first, later = weight.at(np.array([0.0, self.tenure_limit / 3]))
        return weight, (
            f"learned of {whom}: the newcomer's answer has {first:.0%} of the forecast on the "
            f"first day, {later:.0%} after {self.tenure_limit / 3:.0f} days."
        )


def _both(weight: Float[np.ndarray, " customers"]) -> Float[np.ndarray, "customers 2"]:
    return np.stack([1.0 - weight, weight], axis=1)


def _mixed(
    regular: AbstractForecast,
    newcomer: AbstractForecast | None,
    weights: Float[np.ndarray, " customers"],
) -> JoinedForecast:
    """The regular forecast of the old, and both models' of the new, of whom there is a second."""
    new, old = np.flatnonzero(weights > 0), np.flatnonzero(weights == 0)
    groups, rows = [regular.take(old)] if len(old) else [], [old] if len(old) else []
    if newcomer is not None:
        groups.append(MixtureForecast.of([regular.take(new), newcomer], _both(weights[new])))
        rows.append(new)
    joined = JoinedForecast.of(groups, rows)
    if regular.mean_factors is None:
        return replace(joined, mean_factors=None)
    # Why: what the regular model does not know is the same for old and new customers.
    return replace(joined, mean_factors=regular.mean_factors * (1.0 - weights)[:, None])


def _too_little(error: NotEnoughDataError) -> str:
    return f"the regular model answers alone: {str(error).splitlines()[0]}"
