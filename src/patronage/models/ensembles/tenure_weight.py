"""The weight of a newcomer's answer: how much of the forecast it is, by days since the first
purchase.
"""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize
from scipy.special import expit, log_expit

__all__ = ["TenureWeight", "learn_tenure_weight"]

# As many customers as this have, beside those seen, been told right by the regular model alone.
_PRIOR_ROWS: Final = 5.0
# Standard deviation of what is held of the slope before anything is seen; at 0 all ages are alike.
_SLOPE_SD: Final = 1.0
# Part of the days before the limit over which the weight fades; measured: docs/decisions/0022.
_FADES: Final = 1 / 3
_LEVELS: Final = np.linspace(-8.0, 8.0, 33)
_SLOPES: Final = np.linspace(0.0, 4.0, 17)
# A weight that is nowhere above this moves nothing worth a second model.
_TOO_SMALL: Final = 0.01


@final
@dataclass(frozen=True)
class TenureWeight:
    """w(t) = expit(level − slope log(1 + t)) until it fades, and 0 from the limit on.

    It never rises, and fades to nothing over the last third of the days before the limit, so that
    no score jumps on the day on which a customer is no newcomer any more.

    Attributes
    ----------
    level : minus infinity where the newcomer's answer has no weight
    slope : 0 or more
    limit : days
    """

    level: float
    slope: float
    limit: float

    @property
    def is_nothing(self) -> bool:
        """No customer of any age is answered by the newcomer's model."""
        return self.level == -np.inf

    def at(self, tenure: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
        """The weight of the newcomer's answer, 0 to 1, at days since the first purchase."""
        logs = np.log1p(np.maximum(tenure, 0.0))
        return np.asarray(expit(self.level - self.slope * logs) * _fading(tenure, self.limit))


def learn_tenure_weight(
    regular: Float[np.ndarray, " rows"],
    newcomer: Float[np.ndarray, " rows"],
    tenure: Float[np.ndarray, " rows"],
    *,
    limit: float,
) -> TenureWeight:
    """The weight of greatest log score of the mixture, drawn to no weight and to no slope.

    Drawn as if five more customers had been told right by the regular model alone: where the
    newcomer's answer is not worth more than that, it has no weight.

    Parameters
    ----------
    regular, newcomer : the chance that each gave to what happened
    tenure : days since the first purchase when they did
    """
    young = tenure < limit
    nothing = TenureWeight(-np.inf, 0.0, limit)
    if not young.any():
        return nothing
    ahead = newcomer[young] / regular[young] - 1.0
    logs, fading = np.log1p(np.maximum(tenure[young], 0.0)), _fading(tenure[young], limit)

    def loss(parameters: Float[np.ndarray, " 2"]) -> float:
        level, slope = parameters
        weight = expit(level - slope * logs) * fading
        drawn = _PRIOR_ROWS * log_expit(-level) - 0.5 * (slope / _SLOPE_SD) ** 2
        return -float(np.log1p(weight * ahead).sum() + drawn)

    # Why a grid first: the score is concave in the weight, not in level and slope.
    grid = [np.array([level, slope]) for level in _LEVELS for slope in _SLOPES]
    start = min(grid, key=loss)
    bounds = [(_LEVELS[0], _LEVELS[-1]), (_SLOPES[0], _SLOPES[-1])]
    level, slope = minimize(loss, start, method="L-BFGS-B", bounds=bounds).x
    if loss(np.array([level, slope])) > loss(start):
        level, slope = start
    found = TenureWeight(float(level), float(slope), limit)
    return found if found.at(np.zeros(1))[0] > _TOO_SMALL else nothing


def _fading(tenure: Float[np.ndarray, " rows"], limit: float) -> Float[np.ndarray, " rows"]:
    return np.asarray(np.clip((1.0 - tenure / limit) / _FADES, 0.0, 1.0))
