"""Trees grown by XGBoost, held as JSON; each member was stopped on customers it never saw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, final

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from patronage.errors import MissingExtraError
from patronage.models.learners.base import Grown, Head, Loss
from patronage.models.learners.binned import BinnedTable
from patronage.models.learners.crossing import cross_fit, in_parts
from patronage.models.learners.links import LINKS, Link

__all__ = ["XGBoost", "XGBoostTrees"]

_OBJECTIVES: Final[Mapping[Loss, str]] = {
    "binary": "binary:logistic",
    "gamma": "reg:gamma",
    "poisson": "count:poisson",
    "tweedie": "reg:tweedie",
    "squared": "reg:squarederror",
    "quantile": "reg:quantileerror",
}


@final
@dataclass(frozen=True)
class XGBoost:
    """How trees are grown; the same for every head.

    Attributes
    ----------
    n_folds : blocks of customers; a member is grown on all but one and stopped on that one
    max_rounds : trees in a member at most
    patience : rounds without a better loss on the unseen block, after which growing stops
    learning_rate, max_leaves, min_child_weight, l2, share_of_features, share_of_rows : as XGBoost
        names eta, max_leaves, min_child_weight, lambda, colsample_bynode, subsample
    """

    n_folds: int = 3
    max_rounds: int = 300
    patience: int = 10
    learning_rate: float = 0.12
    max_leaves: int = 15
    min_child_weight: float = 10.0
    l2: float = 5.0
    share_of_features: float = 0.5
    share_of_rows: float = 0.7

    def grow(
        self,
        table: BinnedTable,
        fold: Int[np.ndarray, " rows"],
        heads: Sequence[Head],
        *,
        seed: int,
    ) -> list[Grown]:
        """Grow, for each head, a member per fold on the others, while the block itself gains."""

        def member(
            rows: BinnedTable, inside: Bool[np.ndarray, " rows"], head: Head
        ) -> XGBoostTrees:
            learned, held = (
                xgboost().DMatrix(rows.matrix[part], head.target[part], nthread=1)
                for part in (~inside, inside)
            )
            booster = xgboost().train(
                {**self.parameters(seed), **_objective(head)},
                learned,
                self.max_rounds,
                evals=[(held, "held")],
                early_stopping_rounds=self.patience,
                verbose_eval=False,
            )
            best = booster[: booster.best_iteration + 1]
            return XGBoostTrees((best.save_raw("json").decode(),), LINKS[head.loss])

        return cross_fit(table, fold, heads, member, join=XGBoostTrees.join, n_folds=self.n_folds)

    def parameters(self, seed: int) -> dict[str, Any]:
        """The parameters of XGBoost, whatever is learned."""
        return {
            "tree_method": "hist",
            "grow_policy": "lossguide",
            "max_depth": 0,
            "max_bin": 127,
            "max_leaves": self.max_leaves,
            "eta": self.learning_rate,
            "min_child_weight": self.min_child_weight,
            "lambda": self.l2,
            "colsample_bynode": self.share_of_features,
            "subsample": self.share_of_rows,
            "seed": seed,
            "nthread": 1,
            "verbosity": 0,
        }


def _objective(head: Head) -> dict[str, Any]:
    own: dict[str, Any] = {"objective": _OBJECTIVES[head.loss]}
    if head.loss == "tweedie":
        own |= {
            "tweedie_variance_power": head.power,
            "eval_metric": f"tweedie-nloglik@{head.power}",
        }
    if head.loss == "quantile":
        # Why: a leaf of the pinball loss has rows, not curvature.
        own |= {"quantile_alpha": head.level, "min_child_weight": 1.0}
    return own


@final
@dataclass(frozen=True)
class XGBoostTrees:
    """The mean of a few boosters' predictions.

    Attributes
    ----------
    members : the boosters' JSON
    link : of a member's raw score with its prediction
    scale : what the mean is multiplied with, so that the total over customers unseen is right
    """

    members: tuple[str, ...]
    link: Link
    scale: float = 1.0

    @classmethod
    def join(cls, members: Sequence["XGBoostTrees"], scale: float) -> "XGBoostTrees":
        """The mean of them all, times a scale."""
        texts = tuple(text for one in members for text in one.members)
        return cls(texts, members[0].link, scale)

    def predict(self, matrix: Float32[np.ndarray, "rows features"]) -> Float[np.ndarray, " rows"]:
        """The expected target (or its quantile) of each row, on the target's own scale."""
        total = np.zeros(len(matrix))
        for text in self.members:
            total += in_parts(_parse(text).inplace_predict, matrix)
        return np.asarray(total * (self.scale / len(self.members)))

    def raw_parts(
        self, matrix: Float32[np.ndarray, "rows features"]
    ) -> tuple[Float[np.ndarray, " members"], Float[np.ndarray, "rows members features"]]:
        """Exact TreeSHAP: each member's expected raw score, and each row's parts beyond it."""
        rows = xgboost().DMatrix(matrix, nthread=1)
        found = np.stack(
            [_parse(text).predict(rows, pred_contribs=True) for text in self.members], axis=1
        ).astype(np.float64)
        return np.asarray(found[0, :, -1]), np.asarray(found[:, :, :-1])


@lru_cache(maxsize=64)
def _parse(text: str) -> Any:
    booster = xgboost().Booster()
    booster.load_model(bytearray(text.encode()))
    booster.set_param({"nthread": 1})
    return booster


def xgboost() -> Any:
    """The package, imported when it is first needed."""
    try:
        import xgboost
    except ImportError as error:
        raise MissingExtraError.of("xgboost", "boost") from error
    return xgboost
