"""IsotonicRecalibration: expected cash put on the monotone curve that earlier outcomes followed."""

from dataclasses import dataclass
from typing import Final, Literal, final

import numpy as np
from jaxtyping import Float

from patronage.errors import SettingsError
from patronage.forecast import AbstractForecast, ScaledForecast
from patronage.horizon import Horizon
from patronage.models.base import FittedModel, Model
from patronage.models.explaining import Account
from patronage.models.training_pairs import rewound_origins
from patronage.snapshots import Snapshot
from patronage.uncertainty.accounts import levelled_account
from patronage.uncertainty.out_of_time import actual_totals, expected_totals, trials_at

__all__ = ["FittedIsotonicRecalibration", "IsotonicRecalibration", "MonotoneCurve", "learn_curve"]

_MOST_BINS: Final = 50
# Why: an expectation of exactly nothing would leave no room for any outcome.
_LEAST_FACTOR: Final = 1e-6


@dataclass(frozen=True)
class MonotoneCurve:
    """From expected to recalibrated cash: linear between knots, proportional beyond them.

    Attributes
    ----------
    knots, values : expected cash of the bins and what came on average, both non-decreasing
    scale : linear in money or in its logarithm
    level : everything is multiplied with it
    """

    knots: Float[np.ndarray, " knots"]
    values: Float[np.ndarray, " knots"]
    scale: Literal["log", "money"]
    level: float = 1.0

    def factor(self, expected: Float[np.ndarray, " customers"]) -> Float[np.ndarray, " customers"]:
        """Recalibrated over expected cash; where nothing is expected, that of the least knot."""
        inside = np.clip(expected, self.knots[0], self.knots[-1])
        if self.scale == "log":
            moved = np.exp(np.interp(np.log(inside), np.log(self.knots), np.log(self.values)))
        else:
            moved = np.interp(inside, self.knots, self.values)
        return np.asarray(np.maximum(self.level * moved / inside, _LEAST_FACTOR))


def learn_curve(
    expected: Float[np.ndarray, " rows"],
    actual: Float[np.ndarray, " rows"],
    *,
    scale: Literal["log", "money"],
    least: int,
) -> MonotoneCurve:
    """Isotonic regression of outcomes on expectations, in bins of at least `least` customers.

    Neighbouring bins whose means fall are pooled. For means that is the maximum of every
    exponential family's likelihood, so the curve does not depend on which is believed (Barlow &
    Brunk 1972).
    """
    known = expected > 0
    x, y = expected[known], actual[known]
    if len(x) == 0 or y.sum() <= 0:
        return MonotoneCurve(np.ones(1), np.ones(1), scale)
    order = np.argsort(x, kind="stable")
    n_bins = int(np.clip(len(x) // least, 1, _MOST_BINS))
    blocks: list[tuple[float, float, int]] = []
    for members in np.array_split(order, n_bins):
        blocks.append((float(x[members].sum()), float(y[members].sum()), len(members)))
        while len(blocks) > 1 and _falls(blocks[-2], blocks[-1]):
            last, before = blocks.pop(), blocks.pop()
            blocks.append((before[0] + last[0], before[1] + last[1], before[2] + last[2]))
    sums = np.array(blocks)
    knots, values = sums[:, 0] / sums[:, 2], sums[:, 1] / sums[:, 2]
    # Why: a bin without any cash would give its customers no chance of some.
    values = np.maximum(values, 1e-3 * knots * (y.sum() / x.sum()))
    return MonotoneCurve(knots, np.maximum.accumulate(values), scale)


def _falls(before: tuple[float, float, int], after: tuple[float, float, int]) -> bool:
    return before[1] / before[2] >= after[1] / after[2]


@final
@dataclass(frozen=True)
class FittedIsotonicRecalibration:
    """Learned: the model at as_of, and the curve from its rewound folds."""

    model: FittedModel
    curve: MonotoneCurve

    @property
    def features(self) -> tuple[str, ...]:
        return self.model.features

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> ScaledForecast:
        return self._corrected(self.model.predict(snapshot, horizon))

    def explain(self, snapshot: Snapshot, horizon: Horizon, reference: Snapshot) -> Account:
        """The model's account, levelled as its forecast is."""
        return levelled_account(self._corrected, self.model, snapshot, horizon, reference)

    def _corrected(self, base: AbstractForecast) -> ScaledForecast:
        return ScaledForecast.of(base, self.curve.factor(base.mean().sum(axis=1)))


@final
@dataclass(frozen=True)
class IsotonicRecalibration:
    """Any model, its expected cash corrected by a monotone curve learned on rewound folds.

    The order of customers is kept, and so is the total: it is that of the model, which says more
    of a level that moves on than earlier outcomes do. Whole distributions are scaled with their
    mean; the chance of nothing stays.

    Attributes
    ----------
    model : the model to correct
    scale : between knots the curve is linear in money or in its logarithm
    min_bin : customers of a bin of the regression
    n_folds : earlier origins to learn from
    """

    model: Model
    scale: Literal["log", "money"] = "log"
    min_bin: int = 100
    n_folds: int = 2

    def __post_init__(self) -> None:
        if self.scale not in ("log", "money"):
            raise SettingsError(f"no scale {self.scale!r}.\nTo mend: log or money.")

    def fit(
        self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0
    ) -> FittedIsotonicRecalibration:
        rewound = rewound_origins(snapshot, horizon, n_min=self.n_folds)
        trials = trials_at(self.model, snapshot, rewound.origins, rewound.horizon, seed=seed)
        expected = expected_totals(trials)
        # Why: where the folds are shorter than the horizon, customers keep their place in money.
        stretch = horizon.days / rewound.horizon.days
        curve = learn_curve(
            stretch * expected,
            stretch * actual_totals(trials),
            scale=self.scale,
            least=self.min_bin,
        )
        fitted = self.model.fit(snapshot, horizon, seed=seed)
        today = np.maximum(fitted.predict(snapshot, horizon).mean().sum(axis=1), 0.0)
        moved = float((today * curve.factor(today)).sum())
        level = float(today.sum()) / moved if moved > 0 else 1.0
        return FittedIsotonicRecalibration(
            fitted, MonotoneCurve(curve.knots, curve.values, curve.scale, level)
        )
