"""Trees grown by LightGBM, held as text; each member was stopped on customers it never saw."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, final

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from patronage.models.learners.base import Grown, GrownJointly, Head, JointLoss, Loss
from patronage.models.learners.binned import BinnedTable, lightgbm
from patronage.models.learners.crossing import N_WORKERS, cross_fit, in_parts

__all__ = ["JointTrees", "LightGBM", "Trees", "parse"]

_OBJECTIVES: Final[Mapping[Loss, Mapping[str, Any]]] = {
    "binary": {"objective": "binary"},
    "gamma": {"objective": "gamma"},
    "poisson": {"objective": "poisson"},
    "tweedie": {"objective": "tweedie"},
    "squared": {"objective": "regression"},
    "quantile": {"objective": "quantile"},
}

_LINKS: Final[Mapping[str, str]] = {
    "binary": "logit",
    "gamma": "log",
    "poisson": "log",
    "tweedie": "log",
    "regression": "identity",
}

Matrix = Float32[np.ndarray, "rows features"]


@final
@dataclass(frozen=True)
class LightGBM:
    """How trees are grown; the same for every head.

    Attributes
    ----------
    n_folds : blocks of customers; a member is grown on all but one and stopped on that one
    max_rounds : trees in a member at most
    patience : rounds without a better loss on the unseen block, after which growing stops
    random_cuts : each node tries one random cut per feature instead of all (extra_trees); on five
        shops and panels judged at later origins this forecast better than the best cut did
    min_rows_in_leaf : small, so that the few who buy most have leaves of their own: against 100,
        purchases' RMSE fell by up to 1.7 % on five rewound cases, at equal deviance
    learning_rate, num_leaves, l2, share_of_features, share_of_rows : as LightGBM
        names learning_rate, num_leaves, lambda_l2, feature_fraction,
        bagging_fraction
    """

    n_folds: int = 3
    max_rounds: int = 300
    patience: int = 10
    random_cuts: bool = True
    learning_rate: float = 0.12
    num_leaves: int = 15
    min_rows_in_leaf: int = 30
    l2: float = 5.0
    share_of_features: float = 0.7
    share_of_rows: float = 0.7

    def parameters(self, seed: int) -> dict[str, Any]:
        """The parameters of LightGBM, whatever is learned."""
        return {
            "extra_trees": self.random_cuts,
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            "min_data_in_leaf": self.min_rows_in_leaf,
            "lambda_l2": self.l2,
            "feature_fraction": self.share_of_features,
            "bagging_fraction": self.share_of_rows,
            "bagging_freq": 1,
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,
        }

    def grow(
        self,
        table: BinnedTable,
        fold: Int[np.ndarray, " rows"],
        heads: Sequence[Head],
        *,
        seed: int,
    ) -> list[Grown]:
        """Grow, for each head, a member per fold on the others, while the block itself gains."""

        def member(rows: BinnedTable, inside: Bool[np.ndarray, " rows"], head: Head) -> Trees:
            booster = lightgbm().train(
                {**self.parameters(seed), **_objective(head), **rows.parameters},
                rows.part(~inside, head.target),
                self.max_rounds,
                valid_sets=[rows.part(inside, head.target)],
                callbacks=[lightgbm().early_stopping(self.patience, verbose=False)],
            )
            return Trees((booster.model_to_string(num_iteration=booster.best_iteration),))

        return cross_fit(table, fold, heads, member, join=Trees.join, n_folds=self.n_folds)

    def grow_jointly(
        self,
        table: BinnedTable,
        fold: Int[np.ndarray, " rows"],
        target: Float[np.ndarray, " rows"],
        loss: JointLoss,
        *,
        seed: int,
    ) -> GrownJointly:
        """Several scores at once: each round grows a tree for every score."""

        def member(k: int) -> JointTrees:
            inside = fold == k
            start = loss.start(target[~inside])

            def scores(raw: Any) -> Float[np.ndarray, "rows scores"]:
                laid: Any = np.asarray(raw, dtype=np.float64).reshape(-1, len(start), order="F")
                return np.asarray(laid + start)

            def objective(raw: Any, data: Any) -> tuple[Any, Any]:
                return loss.gradient(np.asarray(data.get_label(), dtype=np.float64), scores(raw))

            def judged(raw: Any, data: Any) -> tuple[str, float, bool]:
                actual = np.asarray(data.get_label(), dtype=np.float64)
                return "loss", float(loss.value(actual, scores(raw)).mean()), False

            several = {"objective": objective, "num_class": len(start), "metric": "None"}
            booster = lightgbm().train(
                {**self.parameters(seed), **several, **table.parameters},
                table.part(~inside, target),
                self.max_rounds,
                valid_sets=[table.part(inside, target)],
                feval=judged,
                callbacks=[lightgbm().early_stopping(self.patience, verbose=False)],
            )
            text = booster.model_to_string(num_iteration=booster.best_iteration)
            return JointTrees((text,), start[None])

        with ThreadPoolExecutor(N_WORKERS) as pool:
            members = list(pool.map(member, range(self.n_folds)))
        unseen = np.empty((len(target), members[0].starts.shape[1]))
        for k, one in enumerate(members):
            unseen[fold == k] = one.predict(table.matrix[fold == k])
        texts = tuple(text for one in members for text in one.members)
        return GrownJointly(
            JointTrees(texts, np.concatenate([one.starts for one in members])), unseen
        )


def _objective(head: Head) -> dict[str, Any]:
    own: dict[str, Any] = dict(_OBJECTIVES[head.loss])
    if head.loss == "tweedie":
        own["tweedie_variance_power"] = head.power
    if head.loss == "quantile":
        own["alpha"] = head.level
    return own


@final
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

    @classmethod
    def join(cls, members: Sequence["Trees"], scale: float) -> "Trees":
        """The mean of them all, times a scale."""
        return cls(tuple(text for one in members for text in one.members), scale)

    def predict(self, matrix: Matrix) -> Float[np.ndarray, " rows"]:
        """The expected target (or its quantile) of each row, on the target's own scale."""
        total = np.zeros(len(matrix))
        for text in self.members:
            total += _predict(parse(text), matrix)
        return np.asarray(total * (self.scale / len(self.members)))

    @property
    def link(self) -> str:
        """From a member's raw score to its prediction."""
        objective = self.members[0].split("\nobjective=", 1)[1].split("\n", 1)[0].split()[0]
        return _LINKS[objective]

    def raw_parts(
        self, matrix: Matrix
    ) -> tuple[Float[np.ndarray, " members"], Float[np.ndarray, "rows members features"]]:
        """Exact TreeSHAP: each member's expected raw score, and each row's parts beyond it."""
        found = np.stack(
            [
                parse(text).predict(matrix, pred_contrib=True, num_threads=1)
                for text in self.members
            ],
            axis=1,
        )
        return np.asarray(found[0, :, -1]), np.asarray(found[:, :, :-1])


@final
@dataclass(frozen=True)
class JointTrees:
    """The mean of a few boosters of several scores.

    Attributes
    ----------
    members : the boosters' texts
    starts : the scores that each began with
    """

    members: tuple[str, ...]
    starts: Float[np.ndarray, "members scores"]

    def predict(self, matrix: Matrix) -> Float[np.ndarray, "rows scores"]:
        """The scores of each row."""
        total = np.tile(self.starts.sum(axis=0), (len(matrix), 1))
        for text in self.members:
            total += _predict(parse(text), matrix)
        return np.asarray(total / len(self.members))

    def score_parts(
        self, matrix: Matrix
    ) -> tuple[Float[np.ndarray, " scores"], Float[np.ndarray, "rows scores features"]]:
        """Exact TreeSHAP: the members' expected scores, and each row's parts beyond them."""
        shape = (len(matrix), self.starts.shape[1], matrix.shape[1] + 1)
        found = np.mean(
            [
                parse(text).predict(matrix, pred_contrib=True, num_threads=1).reshape(shape)
                for text in self.members
            ],
            axis=0,
        )
        return self.starts.mean(axis=0) + found[0, :, -1], np.asarray(found[:, :, :-1])


def _predict(booster: Any, matrix: Matrix) -> Any:
    def told(rows: Matrix) -> Any:
        return np.asarray(booster.predict(rows, num_threads=1), dtype=np.float64)

    return in_parts(told, matrix)


@lru_cache(maxsize=64)
def parse(text: str) -> Any:
    """The booster of a text; the last ones asked for are kept."""
    return lightgbm().Booster(model_str=text)
