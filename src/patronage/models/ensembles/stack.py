"""Stack: a convex blend of members, weighted on out-of-time folds, its shape learned there too.

Weights minimise the mean Tweedie deviance of cash (power 1.5) and the Poisson deviance of
purchases of the blend over the folds, once its total is made right: they are learned from who
buys more than whom, not from the level, which moves on. They are drawn slightly towards equal
weights, so that members that forecast alike share what they earn together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize

from patronage.forecast.empirical_hurdle import EmpiricalHurdleForecast
from patronage.horizon import Horizon
from patronage.models.base import FittedModel, Model
from patronage.models.folds import Summary, fold_forecasts, summarise
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
    cash_weights, purchases_weights : one weight per member, in the order of `members`
    calibration : learned from the blend on the folds
    lender : the member whose p_alive, profile over periods and parameter uncertainty are lent
    """

    members: dict[str, FittedModel]
    cash_weights: Float[np.ndarray, " members"]
    purchases_weights: Float[np.ndarray, " members"]
    calibration: TwoPartCalibration
    lender: str

    @property
    def features(self) -> tuple[str, ...]:
        groups = (group for member in self.members.values() for group in member.features)
        return tuple(dict.fromkeys(groups))

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> EmpiricalHurdleForecast:
        forecasts = {
            name: member.predict(snapshot, horizon) for name, member in self.members.items()
        }
        parts = [summarise(forecast) for forecast in forecasts.values()]
        blend = _blend(
            np.stack([part.cash for part in parts], axis=1),
            np.stack([part.purchases for part in parts], axis=1),
            np.stack([part.p_positive for part in parts], axis=1),
            self.cash_weights,
            self.purchases_weights,
        )
        return calibrated_forecast(
            self.calibration,
            forecasts[self.lender],
            cash=blend.cash,
            purchases=blend.purchases,
            p_positive=blend.p_positive,
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
        cash_weights = _weights(folds.cash, np.maximum(folds.actual_cash, 0.0), power=1.5)
        purchases_weights = _weights(folds.purchases, folds.actual_purchases, power=1.0)
        blend = _blend(
            folds.cash, folds.purchases, folds.p_positive, cash_weights, purchases_weights
        )
        calibration = learn_two_part(folds.pairs(blend), level_trust=0.0)
        members = {
            name: self.members[name].fit(snapshot, horizon, seed=seed) for name in folds.names
        }
        return FittedStack(
            members,
            cash_weights,
            purchases_weights,
            calibration,
            next(iter(members)),
        )


def _blend(
    cash: Float[np.ndarray, "rows members"],
    purchases: Float[np.ndarray, "rows members"],
    p_positive: Float[np.ndarray, "rows members"],
    cash_weights: Float[np.ndarray, " members"],
    purchases_weights: Float[np.ndarray, " members"],
) -> Summary:
    # Why: zeros blend on the scale of events per horizon, as purchases do, so that a certain
    # buyer of one member is not made doubtful by a share of another.
    hazard = -np.log1p(-np.clip(p_positive, 0.0, 1.0 - 1e-9))
    weight = purchases_weights / max(float(purchases_weights.sum()), 1e-12)
    return Summary(
        cash @ cash_weights, purchases @ purchases_weights, -np.expm1(-(hazard @ weight))
    )


def _weights(
    forecasts: Float[np.ndarray, "rows members"],
    actual: Float[np.ndarray, " rows"],
    *,
    power: float,
) -> Float[np.ndarray, " members"]:
    """Weights of least mean deviance of the blend, scaled to the total of the outcome; sum 1."""
    n_members = forecasts.shape[1]
    equal = np.full(n_members, 1.0 / n_members)
    centre = float(actual.mean())
    if centre <= 0 or float(forecasts.sum()) <= 0:
        return equal
    x, y = forecasts / centre, actual / centre
    sums = x.mean(axis=0)

    def loss(w: Float[np.ndarray, " members"]) -> tuple[float, Float[np.ndarray, " members"]]:
        blend = x @ w + 1e-9
        scale = 1.0 / max(float(sums @ w), 1e-9)
        mean = scale * blend + 1e-6
        if power == 1.0:
            value, slope = mean - y * np.log(mean), 1.0 - y / mean
        else:
            value = mean ** (2 - power) / (2 - power) - y * mean ** (1 - power) / (1 - power)
            slope = mean ** (1 - power) - y * mean ** (-power)
        gradient = scale * (slope @ x / len(y) - (slope @ blend / len(y)) * scale * sums)
        pull = w - equal
        return float(value.mean() + 0.5 * _PULL * (pull @ pull)), gradient + _PULL * pull

    found = minimize(loss, equal, jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * n_members).x
    return np.asarray(found / found.sum()) if found.sum() > 0 else equal
