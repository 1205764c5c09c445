"""The level of a whole year, where outcomes of a whole year could not be learned.

Windows shorter than a year have a season, and carry it on for ever: a shop that learns from the
weeks before Christmas expects such weeks. A process model knows no season either, but its level is
that of the whole history, which has every season once where it is a year long.
"""

from dataclasses import replace
from typing import Final, TypeVar

import numpy as np

from patronage.horizon import Horizon
from patronage.models.expectations import expectations_of
from patronage.models.tabular.carrying import Carrying
from patronage.models.training_pairs import days_of_history
from patronage.snapshots import Snapshot

__all__ = ["at_the_years_level"]

_YEAR: Final = 364
# Why bounds: a process model that is further off says nothing of a season.
_LEAST: Final = 0.5
_MOST: Final = 2.0


Kind = TypeVar("Kind", bound=Carrying)


def at_the_years_level(fitted: Kind, snapshot: Snapshot, horizon: Horizon) -> Kind:
    """The model with its `level`: as it is where outcomes of a year, or as asked, were learned.

    Else, where the history is a year long: what the process model expects all customers to bring,
    over what the model itself does.
    """
    short = fitted.learned.days < min(horizon.days, _YEAR)
    if fitted.process is None or not short or days_of_history(snapshot) < _YEAR:
        return fitted
    (expected,) = expectations_of(fitted.process, snapshot, [horizon])
    its, own = (float(one.mean().sum()) for one in (expected, fitted.predict(snapshot, horizon)))
    if min(its, own) <= 0.0:
        return fitted
    level = float(np.clip(its / own, _LEAST, _MOST))
    return replace(fitted, level=level)  # type: ignore[type-var]
