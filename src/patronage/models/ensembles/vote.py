"""Vote: every member has the same say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from patronage.errors import NotEnoughDataError, SettingsError
from patronage.horizon import Horizon
from patronage.models.base import FittedModel, Model
from patronage.models.ensembles.pool import FittedPool
from patronage.snapshots import Snapshot

__all__ = ["Vote"]


@final
@dataclass(frozen=True)
class Vote:
    """The mean of the members' distributions; nothing is learned but the members.

    Attributes
    ----------
    members : name → model; one that has too little history is left out
    """

    members: Mapping[str, Model]

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedPool:
        if not self.members:
            raise SettingsError("a vote needs at least one member.")
        fitted: dict[str, FittedModel] = {}
        refused: NotEnoughDataError | None = None
        for name, model in self.members.items():
            try:
                fitted[name] = model.fit(snapshot, horizon, seed=seed)
            except NotEnoughDataError as error:
                refused = error
        if refused is not None and not fitted:
            raise refused
        return FittedPool(fitted, np.full(len(fitted), 1.0 / len(fitted)))
