"""Decision trees as plain arrays: grown by scikit-learn, kept and walked without it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Bool, Float, Float32, Int
from scipy.special import expit

from patronage.models.learners.links import Link

__all__ = ["ArrayTrees", "TreeTable", "join_trees"]

# Rows walked at a time: what they touch then stays in the processor's cache.
_BLOCK: Final = 8192


@dataclass(frozen=True)
class TreeTable:
    """The nodes of one tree; the first is its root.

    Attributes
    ----------
    left, right : numbers of the children; the node itself for a leaf
    feature : column that is compared; 0 for a leaf
    threshold : rows at or below it go left; of a leaf any number
    missing_left : a missing value goes left
    value : what a leaf adds
    """

    left: Int[np.ndarray, " nodes"]
    right: Int[np.ndarray, " nodes"]
    feature: Int[np.ndarray, " nodes"]
    threshold: Float[np.ndarray, " nodes"]
    missing_left: Bool[np.ndarray, " nodes"]
    value: Float[np.ndarray, " nodes"]


@final
@dataclass(frozen=True)
class ArrayTrees:
    """A start and the sum of many trees' leaves, through the inverse of a link.

    Attributes
    ----------
    child : a node's left and right child, one after the other; leaves have themselves
    feature : column compared, plus the number of features where a missing value goes left
    threshold : rows at or below it go left
    value : what a leaf adds
    roots : first node of each tree
    start : what the leaves are added to
    link : of the sum with the expected target
    """

    child: Int[np.ndarray, " twice_nodes"]
    feature: Int[np.ndarray, " nodes"]
    threshold: Float[np.ndarray, " nodes"]
    value: Float[np.ndarray, " nodes"]
    roots: Int[np.ndarray, " trees"]
    start: float
    link: Link

    def predict(self, matrix: Float32[np.ndarray, "rows features"]) -> Float[np.ndarray, " rows"]:
        """The expected target (or its quantile) of each row, on the target's own scale."""
        total = np.full(len(matrix), self.start)
        for first in range(0, len(matrix), _BLOCK):
            rows = slice(first, first + _BLOCK)
            total[rows] += self._sum(matrix[rows])
        if self.link == "log":
            return np.asarray(np.exp(total))
        return np.asarray(expit(total)) if self.link == "logit" else total

    def _sum(self, matrix: Float32[np.ndarray, "rows features"]) -> Float[np.ndarray, " rows"]:
        # Why twice: a missing value is smaller than every threshold where it goes left, and
        # not comparable, so never smaller, where it goes right.
        both = np.concatenate([matrix, np.where(np.isnan(matrix), -np.inf, matrix)], axis=1)
        flat, at = both.ravel(), np.arange(len(matrix)) * both.shape[1]
        found = np.zeros(len(matrix))
        for root in self.roots:
            node = np.full(len(matrix), root)
            while True:
                right = ~(flat[at + self.feature[node]] <= self.threshold[node])
                following = self.child[2 * node + right]
                if np.array_equal(following, node):
                    break
                node = following
            found += self.value[node]
        return found


def join_trees(
    trees: Sequence[TreeTable], *, n_features: int, start: float, link: Link
) -> ArrayTrees:
    """Lay the nodes of all trees one after the other."""
    sizes = np.array([len(tree.left) for tree in trees], dtype=np.int64)
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]) if len(trees) else np.zeros(0, np.int64)
    children = [
        np.stack([tree.left, tree.right], axis=1).astype(np.int64) + root
        for tree, root in zip(trees, roots, strict=True)
    ]

    def all_of(parts: Sequence[np.ndarray]) -> np.ndarray:
        return np.concatenate(parts) if parts else np.zeros(0)

    return ArrayTrees(
        all_of(children).astype(np.int32).ravel(),
        all_of([tree.feature + n_features * tree.missing_left for tree in trees]).astype(np.int32),
        all_of([tree.threshold for tree in trees]).astype(np.float64),
        all_of([tree.value for tree in trees]).astype(np.float64),
        roots.astype(np.int64),
        start,
        link,
    )
