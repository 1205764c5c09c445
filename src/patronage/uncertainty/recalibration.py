"""Temporal recalibration: a model judged at earlier days, and corrected by what was seen there."""

from dataclasses import dataclass
from typing import final

from patronage.forecast import AbstractForecast
from patronage.forecast.empirical_hurdle import EmpiricalHurdleForecast
from patronage.horizon import Horizon
from patronage.models.base import FittedModel, Model
from patronage.models.explaining import Account
from patronage.models.folds import Summary, fold_forecasts, summarise
from patronage.models.training_pairs import rewound_origins
from patronage.models.two_part import TwoPartCalibration, calibrated_forecast, learn_two_part
from patronage.snapshots import Snapshot
from patronage.uncertainty.accounts import levelled_account

__all__ = ["FittedRecalibrated", "Recalibrated"]


@final
@dataclass(frozen=True)
class FittedRecalibrated:
    """Learned: the model at as_of, and the correction from its rewound folds."""

    model: FittedModel
    calibration: TwoPartCalibration

    @property
    def features(self) -> tuple[str, ...]:
        return self.model.features

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> EmpiricalHurdleForecast:
        return self._corrected(self.model.predict(snapshot, horizon))

    def explain(self, snapshot: Snapshot, horizon: Horizon, reference: Snapshot) -> Account:
        """The model's account, levelled as its forecast is."""
        return levelled_account(self._corrected, self.model, snapshot, horizon, reference)

    def _corrected(self, base: AbstractForecast) -> EmpiricalHurdleForecast:
        told = summarise(base)
        return calibrated_forecast(
            self.calibration,
            base,
            cash=told.cash,
            purchases=told.purchases,
            p_positive=told.p_positive,
        )


@final
@dataclass(frozen=True)
class Recalibrated:
    """Any model, corrected for level, zeros and shape on rewound folds (`models.two_part`).

    The order of customers by expected cash is kept. A horizon too long to rewind is corrected by
    what the longest shorter one shows.

    Attributes
    ----------
    model : the model to correct
    level_trust : how much of the folds' error in totals is corrected, 0 to 1
    n_folds_min, n_folds_max : earlier origins to learn from
    """

    model: Model
    level_trust: float = 0.5
    n_folds_min: int = 2
    n_folds_max: int = 2

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedRecalibrated:
        rewound = rewound_origins(snapshot, horizon, n_min=self.n_folds_min, n_max=self.n_folds_max)
        folds = fold_forecasts(
            {"model": self.model}, snapshot, rewound.origins, rewound.horizon, seed=seed
        )
        seen = Summary(folds.cash[:, 0], folds.purchases[:, 0], folds.p_positive[:, 0])
        return FittedRecalibrated(
            self.model.fit(snapshot, horizon, seed=seed),
            learn_two_part(folds.pairs(seen), level_trust=self.level_trust),
        )
