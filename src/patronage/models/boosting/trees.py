"""Trees grown by LightGBM, held as text; each member was stopped on customers it never saw."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from jaxtyping import Float, Float32, Int

from patronage.errors import MissingExtraError

__all__ = ["Grown", "TreeSettings", "Trees", "grow"]

N_THREADS: Final = 2

Matrix = Float32[np.ndarray, "rows features"]


@dataclass(frozen=True)
class TreeSettings:
    """How trees are grown; the same for every head.

    Attributes
    ----------
    n_folds : blocks of customers; a member is grown on all but one and stopped on that one
    max_rounds : trees in a member at most
    patience : rounds without a better loss on the unseen block, after which growing stops
    learning_rate, num_leaves, min_rows_in_leaf, l2, share_of_features, share_of_rows : as LightGBM
        names learning_rate, num_leaves, min_data_in_leaf, lambda_l2, feature_fraction,
        bagging_fraction
    """

    n_folds: int = 3
    max_rounds: int = 300
    patience: int = 20
    learning_rate: float = 0.05
    num_leaves: int = 8
    min_rows_in_leaf: int = 100
    l2: float = 5.0
    share_of_features: float = 0.7
    share_of_rows: float = 0.7

    def parameters(self, objective: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """The parameters of LightGBM."""
        return {
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            "min_data_in_leaf": self.min_rows_in_leaf,
            "lambda_l2": self.l2,
            "feature_fraction": self.share_of_features,
            "bagging_fraction": self.share_of_rows,
            "bagging_freq": 1,
            "max_bin": 127,
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": N_THREADS,
            "verbose": -1,
            **objective,
        }


@dataclass(frozen=True)
class Trees:
    """The mean of a few boosters' predictions.

    Attributes
    ----------
    members : the boosters' texts
    scale : what the mean is multiplied with, so that the total over customers unseen is right
    """

    members: tuple[str, ...]
    scale: float = 1.0

    def predict(self, matrix: Matrix) -> Float[np.ndarray, " rows"]:
        """The expected target of each row, on the target's own scale."""
        total = np.zeros(len(matrix))
        for text in self.members:
            total += _predict(_parse(text), matrix)
        return total * (self.scale / len(self.members))


@dataclass(frozen=True)
class Grown:
    """Trees, and what each row was predicted by the member that never saw its customer."""

    trees: Trees
    unseen: Float[np.ndarray, " rows"]


def grow(
    matrix: Matrix,
    target: Float[np.ndarray, " rows"],
    fold: Int[np.ndarray, " rows"],
    *,
    objective: Mapping[str, Any],
    settings: TreeSettings,
    seed: int,
) -> Grown:
    """Grow one member per fold on the rows outside it, as long as the rows inside it gain.

    The members are not refitted on all rows: their mean has the variance of all the data, and
    every row has a prediction from customers that do not include it, from which spread and scale
    are learned honestly.
    """
    lightgbm = _lightgbm()
    parameters = settings.parameters(objective, seed)
    # Why: binning once and taking subsets costs a third of binning per fold.
    whole = lightgbm.Dataset(matrix, target, params=parameters, free_raw_data=False).construct()
    stop = lightgbm.early_stopping(settings.patience, verbose=False)
    unseen = np.empty(len(target))
    members = []
    for k in np.unique(fold):
        inside = fold == k
        booster = lightgbm.train(
            parameters,
            whole.subset(np.flatnonzero(~inside)),
            settings.max_rounds,
            valid_sets=[whole.subset(np.flatnonzero(inside))],
            callbacks=[stop],
        )
        text = booster.model_to_string(num_iteration=booster.best_iteration)
        members.append(text)
        unseen[inside] = _predict(_parse(text), matrix[inside])
    scale = float(target.sum() / unseen.sum())
    return Grown(Trees(tuple(members), scale), unseen * scale)


def _predict(booster: Any, matrix: Matrix) -> Float[np.ndarray, " rows"]:
    found = booster.predict(matrix, num_threads=N_THREADS)
    return np.asarray(found, dtype=np.float64)


@lru_cache(maxsize=64)
def _parse(text: str) -> Any:
    return _lightgbm().Booster(model_str=text)


def _lightgbm() -> Any:
    try:
        import lightgbm
    except ImportError as error:
        raise MissingExtraError.of("lightgbm", "boost") from error
    return lightgbm
