"""The account of a wrapped model: its own, levelled as the wrapper levels its forecast."""

import numpy as np

from patronage.horizon import Horizon
from patronage.models.base import FittedModel
from patronage.models.explaining import Contributions, contributions_of
from patronage.snapshots import Snapshot

__all__ = ["levelled_account"]


def levelled_account(
    wrapper: FittedModel,
    model: FittedModel,
    snapshot: Snapshot,
    horizon: Horizon,
    reference: Snapshot,
) -> Contributions:
    """Parts of what `wrapper` expects, in the proportions that `model` has them."""
    own = contributions_of(model, snapshot, horizon, reference)
    told = wrapper.predict(snapshot, horizon).mean().sum(axis=1)
    before = own.base + own.values.sum(axis=1)
    known = np.abs(before) > 1e-12
    return own.scaled(np.where(known, told / np.where(known, before, 1.0), 1.0))
