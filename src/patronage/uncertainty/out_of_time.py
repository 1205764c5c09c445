"""Out-of-time errors: what a model said of customers whose outcome it had not seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from jaxtyping import Float

from patronage.forecast import AbstractForecast
from patronage.horizon import Horizon
from patronage.models.base import FittedModel, Model
from patronage.models.folds import folds_at
from patronage.snapshots import Outcome, Snapshot

__all__ = ["Trial", "actual_totals", "expected_totals", "trials_at"]


@dataclass(frozen=True)
class Trial:
    """One fold (`models.folds.Fold`), and what the model made of it.

    Attributes
    ----------
    at : what was known of those who are forecast
    fitted : what the model learned
    forecast : of the customers of `at`
    outcome : of the same customers, over by the as_of of the snapshot that judges
    """

    at: Snapshot
    fitted: FittedModel
    forecast: AbstractForecast
    outcome: Outcome


def trials_at(
    model: Model, snapshot: Snapshot, origins: Sequence[date], horizon: Horizon, *, seed: int
) -> list[Trial]:
    """Fit at each origin with what was known then, and judge by the snapshot.

    Of a set with one observation date there are three trials, each of other customers.

    Raises
    ------
    HorizonError : an outcome is not over by the snapshot's as_of
    """
    found = []
    for fold in folds_at(snapshot, origins, horizon, seed=seed):
        fitted = model.fit(fold.learn, horizon, seed=seed)
        found.append(Trial(fold.at, fitted, fitted.predict(fold.at, horizon), fold.outcome))
    return found


def expected_totals(trials: Sequence[Trial]) -> Float[np.ndarray, " rows"]:
    """Expected cash of all trials, one after the other; never below 0."""
    means = [trial.forecast.mean().sum(axis=1) for trial in trials]
    return np.asarray(np.maximum(np.concatenate(means), 0.0))


def actual_totals(trials: Sequence[Trial]) -> Float[np.ndarray, " rows"]:
    """Realised cash of all trials, in the same order."""
    return np.concatenate([trial.outcome.total for trial in trials])
