"""Trees boosted by scikit-learn's histograms, kept as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from jaxtyping import Bool, Int

from patronage.models.learners.array_trees import ArrayTrees, TreeTable, join_trees
from patronage.models.learners.base import Grown, Head, Loss
from patronage.models.learners.binned import BinnedTable
from patronage.models.learners.crossing import Averaged, cross_fit
from patronage.models.learners.links import Link
from patronage.models.learners.sklearn import one_thread, sklearn

__all__ = ["GradientBoosting", "boosted_of"]

# Why Poisson for Tweedie: scikit-learn boosts no Tweedie deviance, and the mean is the optimum
# of either.
_LOSSES: Final[dict[Loss, str]] = {
    "gamma": "gamma",
    "poisson": "poisson",
    "tweedie": "poisson",
    "squared": "squared_error",
    "quantile": "quantile",
}


@final
@dataclass(frozen=True)
class GradientBoosting:
    """How trees are grown; the same for every head.

    Attributes
    ----------
    n_folds : blocks of customers; a member is grown on all but one and stopped on that one
    max_rounds : trees in a member at most
    patience : rounds without a better loss on the unseen block, after which growing stops
    learning_rate, max_leaves, min_rows_in_leaf, l2, share_of_features : as scikit-learn names
        learning_rate, max_leaf_nodes, min_samples_leaf, l2_regularization, max_features
    """

    n_folds: int = 3
    max_rounds: int = 300
    patience: int = 10
    learning_rate: float = 0.12
    max_leaves: int = 15
    min_rows_in_leaf: int = 30
    l2: float = 5.0
    share_of_features: float = 0.5

    def grow(
        self,
        table: BinnedTable,
        fold: Int[np.ndarray, " rows"],
        heads: Sequence[Head],
        *,
        seed: int,
    ) -> list[Grown]:
        """Grow, for each head, a member per fold on the others, while the block itself gains."""

        def member(rows: BinnedTable, inside: Bool[np.ndarray, " rows"], head: Head) -> ArrayTrees:
            target = head.target[~inside]
            if not _boostable(target, head):
                return _constant(float(target.mean()))
            # Why: scikit-learn cuts no bins from a column without a single value; one value is
            # never split on, so that what is put there does not matter.
            empty = np.isnan(rows.matrix[~inside]).all(axis=0)
            matrix = np.where(empty, np.float32(0.0), rows.matrix)
            model = self._model(head, seed)
            with one_thread():
                model.fit(
                    matrix[~inside],
                    target,
                    X_val=matrix[inside],
                    y_val=head.target[inside],
                )
            # The scores begin with that of no tree.
            return boosted_of(model, n_rounds=int(np.argmax(model.validation_score_)))

        return cross_fit(table, fold, heads, member, join=Averaged.join, n_folds=self.n_folds)

    def _model(self, head: Head, seed: int) -> Any:
        settings: dict[str, Any] = {
            "learning_rate": self.learning_rate,
            "max_iter": self.max_rounds,
            "max_leaf_nodes": self.max_leaves,
            "min_samples_leaf": self.min_rows_in_leaf,
            "l2_regularization": self.l2,
            "max_features": self.share_of_features,
            "max_bins": 127,
            "early_stopping": True,
            "scoring": "loss",
            "n_iter_no_change": self.patience,
            "tol": 0.0,
            "random_state": seed,
        }
        ensemble = sklearn("ensemble")
        if head.loss == "binary":
            return ensemble.HistGradientBoostingClassifier(**settings)
        if head.loss == "quantile":
            settings["quantile"] = head.level
        return ensemble.HistGradientBoostingRegressor(loss=_LOSSES[head.loss], **settings)


def boosted_of(model: Any, *, n_rounds: int | None = None) -> ArrayTrees:
    """The arrays of a fitted HistGradientBoosting model, of its first `n_rounds` trees."""
    link: Link = "identity"
    if hasattr(model, "classes_"):
        link = "logit"
    elif model.loss in ("gamma", "poisson"):
        link = "log"
    trees = [_table(one[0].nodes) for one in model._predictors[:n_rounds]]
    start = float(np.asarray(model._baseline_prediction).reshape(-1)[0])
    return join_trees(trees, n_features=model.n_features_in_, start=start, link=link)


def _table(nodes: Any) -> TreeTable:
    leaf, own = nodes["is_leaf"].astype(bool), np.arange(len(nodes))
    return TreeTable(
        left=np.where(leaf, own, nodes["left"]).astype(np.int64),
        right=np.where(leaf, own, nodes["right"]).astype(np.int64),
        feature=np.where(leaf, 0, nodes["feature_idx"]).astype(np.int64),
        threshold=np.where(leaf, 0.0, nodes["num_threshold"]),
        missing_left=np.where(leaf, False, nodes["missing_go_to_left"].astype(bool)),
        value=np.where(leaf, nodes["value"], 0.0),
    )


def _boostable(target: Any, head: Head) -> bool:
    """Whether there are two classes, or an expectation with a logarithm."""
    if head.loss == "binary":
        return bool(target.min() < target.max())
    return head.loss in ("squared", "quantile") or float(target.sum()) > 0


def _constant(value: float) -> ArrayTrees:
    return join_trees([], n_features=0, start=value, link="identity")
