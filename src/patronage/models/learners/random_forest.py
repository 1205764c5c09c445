"""A random forest by scikit-learn, kept as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Int

from patronage.models.learners.array_trees import ArrayTrees, TreeTable, join_trees
from patronage.models.learners.base import Grown, Head, refuse_loss
from patronage.models.learners.binned import BinnedTable
from patronage.models.learners.crossing import Averaged, cross_fit
from patronage.models.learners.sklearn import sklearn

__all__ = ["RandomForest", "forest_of"]


@final
@dataclass(frozen=True)
class RandomForest:
    """Deep trees on random parts of the rows and features, averaged.

    Counts and amounts are cut by the Poisson deviance, whose leaves are means as those of every
    deviance are, and which the largest amounts rule less than they do the squared error; chances
    by the squared error, which for 0 and 1 is Gini's criterion. A quantile head is refused.

    Attributes
    ----------
    n_folds : blocks of customers; a member is grown on all but one
    n_trees : in a member
    most_rows : that a tree is grown on, drawn with replacement
    min_rows_in_leaf, share_of_features : as scikit-learn names min_samples_leaf, max_features
    max_depth : longest way from root to leaf
    """

    n_folds: int = 3
    n_trees: int = 30
    most_rows: int = 8_000
    min_rows_in_leaf: int = 15
    share_of_features: float = 0.35
    max_depth: int = 12

    def grow(
        self,
        table: BinnedTable,
        fold: Int[np.ndarray, " rows"],
        heads: Sequence[Head],
        *,
        seed: int,
    ) -> list[Grown]:
        """Grow, for each head, one member per fold on the rows outside it."""
        for head in heads:
            if head.loss == "quantile":
                raise refuse_loss(self, head.loss)

        def member(rows: BinnedTable, inside: Bool[np.ndarray, " rows"], head: Head) -> ArrayTrees:
            learned = ~inside
            counts = head.loss in ("poisson", "gamma", "tweedie")
            forest = sklearn("ensemble").RandomForestRegressor(
                self.n_trees,
                criterion="poisson" if counts else "squared_error",
                max_depth=self.max_depth,
                min_samples_leaf=self.min_rows_in_leaf,
                max_features=self.share_of_features,
                max_samples=min(self.most_rows, int(learned.sum())),
                random_state=seed,
            )
            forest.fit(rows.matrix[learned], head.target[learned])
            return forest_of(forest)

        return cross_fit(table, fold, heads, member, join=Averaged.join, n_folds=self.n_folds)


def forest_of(forest: Any) -> ArrayTrees:
    """The arrays of a fitted RandomForestRegressor."""
    trees = [_table(one.tree_, len(forest.estimators_)) for one in forest.estimators_]
    return join_trees(trees, n_features=forest.n_features_in_, start=0.0, link="identity")


def _table(tree: Any, n_trees: int) -> TreeTable:
    leaf = tree.children_left < 0
    own = np.arange(tree.node_count)
    return TreeTable(
        left=np.where(leaf, own, tree.children_left).astype(np.int64),
        right=np.where(leaf, own, tree.children_right).astype(np.int64),
        feature=np.where(leaf, 0, tree.feature).astype(np.int64),
        threshold=np.where(leaf, 0.0, tree.threshold),
        missing_left=np.where(leaf, False, tree.missing_go_to_left.astype(bool)),
        value=tree.value[:, 0, 0] / n_trees,
    )
