"""Stack: a convex blend of members, weighted on out-of-time folds, its shape learned there too.

Weights minimise the deviance of the blend over the folds once its totals are made right: they are
learned from who buys more than whom, not from the level, which moves on. They are drawn slightly
towards equal weights, so that members that forecast alike share what they earn together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Float

from patronage.forecast import AbstractForecast
from patronage.forecast.empirical_hurdle import EmpiricalHurdleForecast
from patronage.horizon import Horizon
from patronage.models.base import FittedModel, Model
from patronage.models.blending import blend, blend_weights
from patronage.models.explaining import Account, Contributions, account_of
from patronage.models.folds import fold_forecasts, summarise
from patronage.models.training_pairs import rewound_origins
from patronage.models.two_part import TwoPartCalibration, calibrated_forecast, learn_two_part
from patronage.snapshots import Snapshot

__all__ = ["FittedStack", "Stack"]

_PULL: Final = 0.02


@final
@dataclass(frozen=True)
class FittedStack:
    """Learned: the members, their weights, and the calibration of the blend.

    Attributes
    ----------
    members : name → fitted member
    weights : one per member, in the order of `members`
    calibration : learned from the blend on the folds
    lender : the member whose p_alive, profile over periods and parameter uncertainty are lent
    """

    members: dict[str, FittedModel]
    weights: Float[np.ndarray, " members"]
    calibration: TwoPartCalibration
    lender: str

    @property
    def features(self) -> tuple[str, ...]:
        groups = (group for member in self.members.values() for group in member.features)
        return tuple(dict.fromkeys(groups))

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> EmpiricalHurdleForecast:
        return self._stacked(
            {name: member.predict(snapshot, horizon) for name, member in self.members.items()}
        )

    def explain(self, snapshot: Snapshot, horizon: Horizon, reference: Snapshot) -> Account:
        """The members' accounts, weighted and levelled as their forecasts are."""
        accounts = {
            name: account_of(member, snapshot, horizon, reference)
            for name, member in self.members.items()
        }
        weights = [float(weight) for weight in self.weights * self.calibration.cash_factor]
        parts = Contributions.weighted([parts for _, parts in accounts.values()], weights)
        return self._stacked({name: forecast for name, (forecast, _) in accounts.items()}), parts

    def _stacked(self, forecasts: Mapping[str, AbstractForecast]) -> EmpiricalHurdleForecast:
        told = blend([summarise(forecast) for forecast in forecasts.values()], self.weights)
        return calibrated_forecast(
            self.calibration,
            forecasts[self.lender],
            cash=told.cash,
            purchases=told.purchases,
            p_positive=told.p_positive,
        )


@final
@dataclass(frozen=True)
class Stack:
    """Settings: the members, and how many folds at the least and at the most.

    Attributes
    ----------
    members : name → model; the first, a process model, lends p_alive and the profile over
        periods; one for which the folds have too little history is left out
    n_folds_min, n_folds_max : earlier origins to weight on
    """

    members: Mapping[str, Model]
    n_folds_min: int = 2
    n_folds_max: int = 2

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedStack:
        rewound = rewound_origins(snapshot, horizon, n_min=self.n_folds_min, n_max=self.n_folds_max)
        folds = fold_forecasts(self.members, snapshot, rewound.origins, rewound.horizon, seed=seed)
        seen = folds.members()
        weights = blend_weights(seen, folds.actual_cash, folds.actual_purchases, pull=_PULL)
        calibration = learn_two_part(folds.pairs(blend(seen, weights)), level_trust=0.0)
        members = {
            name: self.members[name].fit(snapshot, horizon, seed=seed) for name in folds.names
        }
        return FittedStack(
            members,
            weights,
            calibration,
            next(iter(members)),
        )
