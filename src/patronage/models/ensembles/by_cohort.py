"""ByCohort: a model of its own for every cohort that is large enough, and one for all others."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import polars as pl

from patronage.errors import FitError, NotEnoughDataError
from patronage.forecast import JoinedForecast
from patronage.horizon import Horizon
from patronage.models.base import FittedModel, Model
from patronage.models.cohorts import cohort_features, cohort_names
from patronage.models.explaining import Account, Contributions, account_of
from patronage.snapshots import Snapshot, take_snapshot

__all__ = ["ByCohort", "FittedByCohort"]


@final
@dataclass(frozen=True)
class FittedByCohort:
    """Learned: a model for each cohort that had one, and one for everybody.

    Attributes
    ----------
    cohort : as in `ByCohort`
    everybody : serves customers of all other cohorts, those not yet seen among them
    cohorts : name of the cohort → its model
    """

    cohort: str
    everybody: FittedModel
    cohorts: dict[str, FittedModel]

    @property
    def features(self) -> tuple[str, ...]:
        """Feature groups that any of the models reads, and what parts them."""
        models = (self.everybody, *self.cohorts.values())
        own = cohort_features(self.cohort)
        return tuple(dict.fromkeys((*own, *(group for one in models for group in one.features))))

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> JoinedForecast:
        groups, rows = [], []
        for model, where, known in self._parts(snapshot):
            groups.append(model.predict(known, horizon))
            rows.append(where)
        return JoinedForecast.of(groups, rows)

    def explain(self, snapshot: Snapshot, horizon: Horizon, reference: Snapshot) -> Account:
        """Each customer's account by the model of its cohort."""
        groups, rows, whole = [], [], []
        for model, where, known in self._parts(snapshot):
            forecast, part = account_of(model, known, horizon, reference)
            groups.append(forecast)
            rows.append(where)
            base = np.zeros(len(snapshot.customers))
            values = np.zeros((len(base), len(part.reasons)))
            base[where], values[where] = part.base, part.values
            whole.append(replace(part, base=base, values=values))
        joined = JoinedForecast.of(groups, rows)
        return joined, Contributions.weighted(whole, [1.0] * len(whole))

    def _parts(self, snapshot: Snapshot) -> Iterator[tuple[FittedModel, np.ndarray, Snapshot]]:
        """Each model, where its customers stand, and their snapshot."""
        known = snapshot.with_features(self.features)
        names = cohort_names(known.customers, self.cohort).to_numpy()
        others = ~np.isin(names, list(self.cohorts))
        masks = [(self.cohorts[name], names == name) for name in self.cohorts]
        for model, mine in ((self.everybody, others), *masks):
            where = np.flatnonzero(mine)
            if len(where):
                yield model, where, known.take(where)


@final
@dataclass(frozen=True)
class ByCohort:
    """Fits `model` to each cohort by itself; small cohorts, and new ones, share one fit of all.

    Attributes
    ----------
    model : any model
    cohort : as in `cohort_features`: 'quarter' of the first purchase, "customers.country", …
    n_least : customers that a cohort needs for a model of its own
    """

    model: Model
    cohort: str = "quarter"
    n_least: int = 1000

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedByCohort:
        """Fit everybody, then each cohort; one that cannot be fitted stays with everybody."""
        known = snapshot.with_features(cohort_features(self.cohort))
        table = known.customers.select(
            "customer_id", cohort=cohort_names(known.customers, self.cohort)
        )
        cohorts: dict[str, FittedModel] = {}
        for (name,), members in sorted(table.drop_nulls().group_by("cohort"), key=lambda g: g[0]):
            if self.n_least <= len(members) < len(table):
                some = _only(snapshot, members["customer_id"])
                try:
                    cohorts[str(name)] = self.model.fit(some, horizon, seed=seed)
                except (NotEnoughDataError, FitError):
                    continue
        return FittedByCohort(self.cohort, self.model.fit(snapshot, horizon, seed=seed), cohorts)


def _only(snapshot: Snapshot, customer_id: pl.Series) -> Snapshot:
    events = snapshot.events.among(customer_id)
    return take_snapshot(events, as_of=snapshot.as_of, features=snapshot.features)
