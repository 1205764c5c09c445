"""The account of a wrapped model: its own, levelled as the wrapper levels its forecast."""

from collections.abc import Callable

import numpy as np

from patronage.forecast import AbstractForecast
from patronage.horizon import Horizon
from patronage.models.base import FittedModel
from patronage.models.explaining import Account, account_of
from patronage.snapshots import Snapshot

__all__ = ["levelled_account"]


def levelled_account(
    wrap: Callable[[AbstractForecast], AbstractForecast],
    model: FittedModel,
    snapshot: Snapshot,
    horizon: Horizon,
    reference: Snapshot,
) -> Account:
    """The model's forecast as `wrap` changes it, its parts in the proportions that they had."""
    base, own = account_of(model, snapshot, horizon, reference)
    forecast = wrap(base)
    told = forecast.mean().sum(axis=1)
    before = own.base + own.values.sum(axis=1)
    known = np.abs(before) > 1e-12
    return forecast, own.scaled(np.where(known, told / np.where(known, before, 1.0), 1.0))
