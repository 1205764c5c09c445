"""SegmentRecalibration: each segment's level corrected by its earlier error, as far as it lasts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from patronage.forecast import AbstractForecast, ScaledForecast
from patronage.horizon import Horizon
from patronage.models.base import FittedModel, Model
from patronage.models.explaining import Account
from patronage.models.training_pairs import rewound_origins
from patronage.snapshots import Snapshot, is_attribute
from patronage.uncertainty.accounts import levelled_account
from patronage.uncertainty.out_of_time import actual_totals, expected_totals, trials_at

__all__ = ["FittedSegmentRecalibration", "SegmentRecalibration", "shrunk_factors"]

_TENURE_PARTS: Final = 5
_VALUE_PARTS: Final = 10
_TRUSTED: Final = (0.2, 5.0)


def shrunk_factors(
    expected: Float[np.ndarray, " rows"],
    actual: Float[np.ndarray, " rows"],
    segment: Int[np.ndarray, " rows"],
    n_segments: int,
    *,
    level_trust: float,
) -> Float[np.ndarray, "segments_1"]:
    """Factor of each segment, and last that of customers of none.

    The logarithms of actual over expected totals are drawn to their mean as far as chance alone
    explains how they differ (DerSimonian & Laird 1986), and the mean to 0 by 1 − level_trust.
    """
    told = np.bincount(segment, expected, n_segments)
    came = np.bincount(segment, actual, n_segments)
    sound = (told > 0) & (came > 0)
    if not sound.any():
        return np.ones(n_segments + 1)
    whole = float(came[sound].sum() / told[sound].sum())
    ratio = np.where(sound, came / np.where(sound, told, 1.0), whole)
    error = np.bincount(segment, (actual - ratio[segment] * expected) ** 2, n_segments)
    variance = np.maximum(error / np.where(sound, came, 1.0) ** 2, 1e-12)
    log_ratio, weight = np.log(ratio), np.where(sound, 1.0 / variance, 0.0)
    mean = float(weight @ log_ratio / weight.sum())
    spare = weight.sum() - float(weight @ weight) / weight.sum()
    excess = float(weight @ (log_ratio - mean) ** 2) - (int(sound.sum()) - 1)
    between = max(excess / spare, 0.0) if spare > 0 else 0.0
    kept = np.where(sound, between / (between + variance), 0.0)
    level = level_trust * np.log(whole)
    factors = np.exp(np.append(level + kept * (log_ratio - np.log(whole)), level))
    return np.asarray(np.clip(factors, *_TRUSTED))


@final
@dataclass(frozen=True)
class FittedSegmentRecalibration:
    """Learned: the model at as_of, the segments and their factors.

    Attributes
    ----------
    model : makes the forecasts
    by : tenure, value, or a column of the snapshot's customers
    edges : where segments end, of tenure (days) or value (expected cash); empty for a column
    names : values of the column, one per segment
    factors : of each segment, and last of everybody else
    """

    model: FittedModel
    by: str
    edges: Float[np.ndarray, " edges"]
    names: tuple[str, ...]
    factors: Float[np.ndarray, " segments_1"]

    @property
    def features(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.model.features, *_reads(self.by))))

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> ScaledForecast:
        return self._corrected(self.model.predict(snapshot, horizon), snapshot)

    def explain(self, snapshot: Snapshot, horizon: Horizon, reference: Snapshot) -> Account:
        """The model's account, levelled as its forecast is."""

        def wrap(base: AbstractForecast) -> ScaledForecast:
            return self._corrected(base, snapshot)

        return levelled_account(wrap, self.model, snapshot, horizon, reference)

    def _corrected(self, base: AbstractForecast, snapshot: Snapshot) -> ScaledForecast:
        at = snapshot.with_features(_reads(self.by))
        place = _segments(_measure(at, base, self.by), self.edges, self.names)
        return ScaledForecast.of(base, self.factors[place])


@final
@dataclass(frozen=True)
class SegmentRecalibration:
    """Any model, multiplied segment by segment with what rewound folds say it misses.

    Attributes
    ----------
    model : the model to correct
    by : "tenure" (fifths), "value" (tenths by expected cash), or the name of a column of the
        snapshot's customers, such as an attribute; its unknown values get the level of all
    level_trust : how much of the folds' error in the total of all is corrected, 0 to 1
    n_folds : earlier origins to learn from
    """

    model: Model
    by: str = "value"
    level_trust: float = 0.5
    n_folds: int = 2

    def fit(
        self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0
    ) -> FittedSegmentRecalibration:
        rewound = rewound_origins(snapshot, horizon, n_min=self.n_folds)
        rich = snapshot.with_features(_reads(self.by))
        trials = trials_at(self.model, rich, rewound.origins, rewound.horizon, seed=seed)
        parts = [_measure(trial.at, trial.forecast, self.by) for trial in trials]
        seen = np.concatenate(parts)
        edges = np.empty(0)
        names: tuple[str, ...] = ()
        if seen.dtype.kind == "f":
            n_parts = _TENURE_PARTS if self.by == "tenure" else _VALUE_PARTS
            edges = np.unique(np.quantile(seen, np.arange(1, n_parts) / n_parts))
        else:
            names = tuple(str(name) for name in np.unique(seen))
        n_segments = len(names) or len(edges) + 1
        factors = shrunk_factors(
            expected_totals(trials),
            actual_totals(trials),
            _segments(seen, edges, names),
            n_segments,
            level_trust=self.level_trust,
        )
        if self.by == "value":
            # Where the folds are shorter than the horizon, customers keep their place in money.
            edges = edges * (horizon.days / rewound.horizon.days)
        fitted = self.model.fit(snapshot, horizon, seed=seed)
        return FittedSegmentRecalibration(fitted, self.by, edges, names, factors)


def _reads(by: str) -> tuple[str, ...]:
    return (by,) if is_attribute(by) else ()


def _measure(at: Snapshot, forecast: AbstractForecast, by: str) -> np.ndarray:
    """What tells the segments apart: a number of each customer, or the text of a column."""
    if by == "value":
        return np.asarray(forecast.mean().sum(axis=1))
    if by == "tenure":
        return at.customers["T"].to_numpy().astype(float)
    text = at.customers[by].cast(pl.String).fill_null("")
    return np.asarray(text.to_list(), dtype=str)


def _segments(
    measure: np.ndarray, edges: Float[np.ndarray, " edges"], names: Sequence[str]
) -> Int[np.ndarray, " rows"]:
    if not names:
        return np.asarray(np.searchsorted(edges, measure, "right"))
    number = {name: k for k, name in enumerate(names)}
    return np.array([number.get(str(name), len(names)) for name in measure], dtype=np.int64)
