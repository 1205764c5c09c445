"""The reference to hold our choice against: plain LightGBM over five origins, scaled by time.

Poisson trees for purchases and Tweedie trees for money on pairs of 13 weeks, multiplied to the
horizon asked. It is what a good analyst builds in a day; it knows no process and no calibration.
"""

from dataclasses import dataclass
from datetime import timedelta

import lightgbm as lgb
import numpy as np
import polars as pl

from patronage.forecast import SampleForecast
from patronage.horizon import Horizon
from patronage.models.training_pairs import training_pairs
from patronage.snapshots import Snapshot

TARGET = Horizon(13, "week")
STEP_DAYS = 21
GROUPS = ("rhythm", "money", "windows")
COLUMNS = [
    *("frequency", "recency", "T", "days_since_last", "silence", "rate", "gap_ratio"),
    *("mean_spent", "max_spent", "last_spent", "first_amount", "spend", "mean_gap"),
    *("purchases_28", "purchases_56", "purchases_91", "cash_28", "cash_56", "cash_91"),
]
PARAMETERS = {
    "learning_rate": 0.03,
    "num_leaves": 15,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "verbose": -1,
    "num_threads": 2,
    "deterministic": True,
    "force_row_wise": True,
}


@dataclass(frozen=True)
class FittedFiveOrigins:
    purchases: tuple[lgb.Booster, ...]
    cash: tuple[lgb.Booster, ...]

    @property
    def features(self) -> tuple[str, ...]:
        return GROUPS

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> SampleForecast:
        matrix = _matrix(snapshot.with_features(GROUPS).customers)
        scale = horizon.days / TARGET.days
        shares = np.diff(horizon.edges()) / horizon.days
        n, cash = (
            scale * np.mean([booster.predict(matrix) for booster in boosters], axis=0)
            for boosters in (self.purchases, self.cash)
        )
        ids = snapshot.customers["customer_id"].to_numpy()
        draws = (cash[:, None] * shares)[None]
        return SampleForecast(ids, snapshot.as_of, horizon, draws, n_purchases=n[:, None] * shares)


@dataclass(frozen=True)
class FiveOrigins:
    seeds: int = 5

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedFiveOrigins:
        del horizon
        last = snapshot.as_of - timedelta(days=int(TARGET.days))
        origins = [last - timedelta(days=STEP_DAYS * k) for k in range(5)]
        pairs = training_pairs(snapshot, origins, TARGET, GROUPS)
        matrix = _matrix(pairs.customers)
        group = np.unique(pairs.customers["customer_id"].to_numpy(), return_inverse=True)[1]
        fold = np.random.default_rng(seed).integers(0, 5, group.max() + 1)[group]
        heads = {
            "purchases": (pairs.total_purchases, {"objective": "poisson"}),
            "cash": (
                np.maximum(pairs.total, 0.0),
                {"objective": "tweedie", "tweedie_variance_power": 1.5},
            ),
        }
        grown = {
            name: self._grow(matrix, target, fold, {**PARAMETERS, **objective}, seed)
            for name, (target, objective) in heads.items()
        }
        return FittedFiveOrigins(**grown)

    def _grow(self, matrix, target, fold, parameters, seed):
        data = lgb.Dataset(matrix, target, free_raw_data=False)
        folds = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(5)]
        stop = lgb.early_stopping(40, verbose=False)
        tried = lgb.cv(parameters, data, 600, folds=folds, callbacks=[stop])
        rounds = max(20, len(next(iter(tried.values()))))
        return tuple(
            lgb.train({**parameters, "seed": seed + k}, lgb.Dataset(matrix, target), rounds)
            for k in range(self.seeds)
        )


def _matrix(customers: pl.DataFrame) -> np.ndarray:
    rich = customers.with_columns(
        (pl.col("T") - pl.col("recency")).alias("silence"),
        (pl.col("frequency") / (pl.col("T") + 7)).alias("rate"),
        ((pl.col("T") - pl.col("recency")) / pl.col("mean_gap")).alias("gap_ratio"),
    )
    return rich.select(pl.col(COLUMNS).cast(pl.Float64).fill_null(np.nan)).to_numpy()
