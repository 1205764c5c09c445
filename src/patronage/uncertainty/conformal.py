"""Conformal: intervals of one customer's outcome that hold what they promise, by earlier errors.

Split conformal prediction (Vovk, Gammerman & Shafer 2005) with quantile scores (Romano, Patterson
& Candès 2019), for all levels at once (Chernozhukov, Wüthrich & Zhu 2021) and with the atom at
zero randomised, within buckets of customers alike (Mondrian). Of n earlier scores the ceil((n + 1)
level)-th bounds the next one with at least that probability, whatever the model, if the next one
is exchangeable with them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, final

import numpy as np
from jaxtyping import Float

from patronage.errors import NotEnoughDataError, SettingsError
from patronage.forecast import AbstractForecast, CalibratedForecast, JoinedForecast
from patronage.forecast.calibrated import ScoreBy, Yardstick
from patronage.horizon import Horizon
from patronage.models.base import FittedModel, Model
from patronage.models.explaining import Account
from patronage.models.training_pairs import rewound_origins
from patronage.snapshots import Snapshot
from patronage.uncertainty.accounts import levelled_account
from patronage.uncertainty.buckets import Buckets, learn_buckets
from patronage.uncertainty.out_of_time import actual_totals, trials_at

__all__ = [
    "Conformal",
    "ConformalCalibration",
    "FittedConformal",
    "calibrate_with",
    "learn_conformal",
]

_METHODS: Final[dict[str, ScoreBy]] = {"cqr": "quantiles", "split": "mean"}
_EVEN: Final = np.concatenate(
    ([0.0, 0.001, 0.0025, 0.005], np.arange(1, 100) / 100, [0.995, 0.9975, 0.999, 1.0])
)
# Why: the worst error seen is no bound of what can happen; the last step is drawn out.
_BEYOND: Final = 1.5


@dataclass(frozen=True)
class ConformalCalibration:
    """What the errors of an earlier forecast taught.

    Attributes
    ----------
    by : what scores are read off (`forecast.calibrated.Yardstick`)
    floor : least scale of a customer
    buckets : who shares a table with whom
    levels, scores : score at each level, a row per bucket
    """

    by: ScoreBy
    floor: float
    buckets: Buckets
    levels: Float[np.ndarray, " levels"]
    scores: Float[np.ndarray, "buckets levels"]


def learn_conformal(
    forecast: AbstractForecast,
    outcome: Float[np.ndarray, " customers"],
    tenure: Float[np.ndarray, " customers"],
    *,
    by: ScoreBy,
    levels: Sequence[float],
    least: int,
    rng: np.random.Generator,
) -> ConformalCalibration:
    """Scores of outcomes under a forecast that had not seen them, as a table per bucket.

    Parameters
    ----------
    levels : of central intervals whose bounds are exact; others lie between neighbours
    least : customers of a bucket
    rng : places an outcome within an atom
    """
    expected = np.maximum(forecast.mean().sum(axis=1), 0.0)
    p_zero = forecast.p_zero()
    # Who is expected to bring nearly nothing brings, if anything, what others do.
    among = 1.0 if by == "mean" else max(float(1.0 - p_zero.mean()), 1e-9)
    floor = max(float(expected.mean()) / among, 1e-9)
    first, last = Yardstick(forecast, by, floor).scores(outcome)
    scores = first + rng.random(len(first)) * (last - first)
    buckets = learn_buckets(p_zero, tenure, least=least)
    number = buckets.of(p_zero, tenure)
    tails = [(1 + sign * level) / 2 for level in levels for sign in (-1, 1)]
    grid = np.unique(np.round(np.concatenate([_EVEN, tails]), 9))
    rows = [_table(np.sort(scores[number == k]), grid, by) for k in range(len(buckets.sizes))]
    return ConformalCalibration(by, floor, buckets, grid, np.stack(rows))


def _table(
    scores: Float[np.ndarray, " rows"], levels: Float[np.ndarray, " levels"], by: ScoreBy
) -> Float[np.ndarray, " levels"]:
    """The score at each level: rounded outwards, upwards from the middle on and downwards below.

    Where (n + 1) level asks for more than the n scores tell, theory answers infinity; here stands
    half as much again as the worst, and levels as high as that are not promised.
    """
    n = len(scores)
    place = (n + 1) * levels
    rank = np.where(levels >= 0.5, np.ceil(place - 1e-9), np.floor(place + 1e-9)).astype(np.int64)
    least = min(float(scores[0]), -1.0 if by == "quantiles" else 0.0)
    worst = float(scores[-1])
    most = max(worst, 1.0) + math.log(_BEYOND) if by == "quantiles" else max(worst, 0.0) * _BEYOND
    padded = np.concatenate(([least], scores, [max(most, worst)]))
    return np.asarray(padded[np.clip(rank, 0, n + 1)])


def calibrate_with(
    calibration: ConformalCalibration,
    forecast: AbstractForecast,
    tenure: Float[np.ndarray, " customers"],
) -> CalibratedForecast:
    """The forecast with its outcomes spread as the calibration says."""
    return CalibratedForecast(
        forecast.customer_id,
        forecast.as_of,
        forecast.horizon,
        forecast,
        calibration.levels,
        calibration.scores,
        calibration.buckets.of(forecast.p_zero(), tenure),
        calibration.floor,
        calibration.by,
        forecast.p_alive,
        forecast.n_purchases,
        forecast.mean_factors,
    )


@final
@dataclass(frozen=True)
class FittedConformal:
    """Learned: the model that is deployed, and the errors of the one that was judged.

    Attributes
    ----------
    model : makes the forecasts
    calibration : spreads them
    calibrated_at : first day that the judged fit did not know; its outcomes came after it
    known_at : first day after those outcomes that was not known
    exact : they covered the horizon asked for, not a shorter one
    """

    model: FittedModel
    calibration: ConformalCalibration
    calibrated_at: date
    known_at: date
    exact: bool

    @property
    def features(self) -> tuple[str, ...]:
        return self.model.features

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> CalibratedForecast:
        return self._calibrated(self.model.predict(snapshot, horizon), snapshot)

    def explain(self, snapshot: Snapshot, horizon: Horizon, reference: Snapshot) -> Account:
        """The model's account, levelled as its forecast is."""

        def wrap(base: AbstractForecast) -> CalibratedForecast:
            return self._calibrated(base, snapshot)

        return levelled_account(wrap, self.model, snapshot, horizon, reference)

    def _calibrated(self, base: AbstractForecast, snapshot: Snapshot) -> CalibratedForecast:
        tenure = snapshot.customers["T"].to_numpy().astype(float)
        return calibrate_with(self.calibration, base, tenure)


@final
@dataclass(frozen=True)
class Conformal:
    """Any model, its intervals of one customer's outcome calibrated on a later as_of.

    The snapshot is rewound to the last day c whose outcomes over the horizon are known. The model
    is fitted at c, and its errors over [c, c + horizon) – which it has not seen – are the
    calibration. A horizon too long to rewind is calibrated on the longest shorter one.

    What is promised: an outcome falls within the bounds of a level in at least that share of
    cases, in each bucket, if customers and period are exchangeable with those calibrated on. By
    default the model is fitted once more, to all that is known, and it is these forecasts that
    are spread; that they err as the judged ones did is then an assumption too. With
    `refit=False` the judged fit itself is deployed, and the promise rests on exchangeability
    alone. Neither holds through a change of season or level that has not been seen; nor for
    single customers, nor for sums over customers, whose draws stay those of the model.

    The mean stays the model's own.

    Attributes
    ----------
    model : makes the forecasts
    level : probability of a central interval whose bounds are exact
    levels : several of them, instead of `level`
    method : cqr reads scores off the model's quantiles; split off its mean alone, for a model
        whose distribution is not to be believed at all
    min_bucket : customers without which a bucket is joined with its neighbour
    refit : fit again to all that is known
    """

    model: Model
    level: float = 0.9
    levels: tuple[float, ...] = ()
    method: Literal["cqr", "split"] = "cqr"
    min_bucket: int = 200
    refit: bool = True

    def __post_init__(self) -> None:
        if self.method not in _METHODS:
            raise SettingsError(f"no method {self.method!r}.\nTo mend: {' or '.join(_METHODS)}.")
        if not all(0.0 < level < 1.0 for level in self.asked):
            raise SettingsError(
                f"levels are probabilities between 0 and 1; {self.asked} given.\n"
                "To mend: write 90 percent as 0.9."
            )
        if self.min_bucket < self.least:
            raise SettingsError(
                f"{self.min_bucket} customers bound no interval of {max(self.asked):g}; "
                f"it takes {self.least}.\nTo mend: min_bucket={self.least} or more."
            )

    @property
    def asked(self) -> tuple[float, ...]:
        """The levels whose bounds are exact."""
        return self.levels or (self.level,)

    @property
    def least(self) -> int:
        """Customers without which the widest interval has no finite bounds."""
        return math.ceil(2.0 / (1.0 - max(self.asked)) - 1e-9) - 1

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedConformal:
        """Judge at an earlier day, then fit to all that is known.

        Raises
        ------
        NotEnoughDataError : no earlier day can be judged, or too few customers were known then
        """
        rewound = rewound_origins(snapshot, horizon, n_min=1)
        trials = trials_at(self.model, snapshot, rewound.origins[-1:], rewound.horizon, seed=seed)
        first = trials[0]
        if len(trials) > 1 and not self.refit:
            raise SettingsError(
                f"where everybody was observed on {first.at.as_of}, several fits are judged, each "
                "on other customers, and none of them can be deployed.\nTo mend: refit=True."
            )
        tenure = np.concatenate([trial.at.customers["T"].to_numpy() for trial in trials])
        if len(tenure) < self.least:
            raise NotEnoughDataError(
                f"{len(tenure)} customers were known at {first.at.as_of}; an interval of "
                f"{max(self.asked):g} is calibrated on {self.least} or more.\n"
                "To mend: ask for a lower level, or give a longer history."
            )
        calibration = learn_conformal(
            _joined([trial.forecast for trial in trials]),
            actual_totals(trials),
            tenure.astype(float),
            by=_METHODS[self.method],
            levels=self.asked,
            least=self.min_bucket,
            rng=np.random.default_rng([seed, first.at.as_of.toordinal()]),
        )
        deployed = self.model.fit(snapshot, horizon, seed=seed) if self.refit else first.fitted
        return FittedConformal(
            deployed, calibration, first.at.as_of, first.outcome.known_at, rewound.exact
        )


def _joined(forecasts: Sequence[AbstractForecast]) -> AbstractForecast:
    """One forecast of disjoint customers, in the order given."""
    if len(forecasts) == 1:
        return forecasts[0]
    ends = np.cumsum([forecast.n_customers for forecast in forecasts])
    rows = [np.arange(end - one.n_customers, end) for one, end in zip(forecasts, ends, strict=True)]
    return JoinedForecast.of(forecasts, rows)
