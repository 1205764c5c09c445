"""Trees grown by LightGBM, held as text; each member was stopped on customers it never saw."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, final

import numpy as np
from jaxtyping import Float, Float32, Int

from patronage.models.learners.base import Grown, Head, Loss
from patronage.models.learners.binned import BinnedTable, lightgbm

__all__ = ["LightGBM", "Trees", "parse"]

# Why members in threads of their own, each growing on one: LightGBM's own threads wait for each
# other by spinning at every split, and on a busy machine that made a fit thirty times slower.
# A machine that says how many threads numeric libraries may start (OMP_NUM_THREADS) is obeyed.
N_WORKERS: Final = 1 if os.environ.get("OMP_NUM_THREADS") == "1" else min(2, os.cpu_count() or 1)

_OBJECTIVES: Final[Mapping[Loss, Mapping[str, Any]]] = {
    "binary": {"objective": "binary"},
    "gamma": {"objective": "gamma"},
    "poisson": {"objective": "poisson"},
    "tweedie": {"objective": "tweedie"},
    "squared": {"objective": "regression"},
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

    def parameters(self, head: Head, seed: int) -> dict[str, Any]:
        """The parameters of LightGBM."""
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
            **_OBJECTIVES[head.loss],
            **({"tweedie_variance_power": head.power} if head.loss == "tweedie" else {}),
        }

    def grow(
        self,
        table: BinnedTable,
        fold: Int[np.ndarray, " rows"],
        heads: Sequence[Head],
        *,
        seed: int,
    ) -> list[Grown]:
        """Grow, for each head, one member per fold on the rows outside it, while those inside gain.

        The members are not refitted on all rows: their mean has the variance of all the data.
        """
        folds = [fold if head.rows is None else fold[head.rows] for head in heads]
        tables = [table if head.rows is None else table.take(head.rows) for head in heads]

        def member(task: tuple[int, int]) -> tuple[str, Float[np.ndarray, " rows"]]:
            which, k = task
            inside, rows = folds[which] == k, tables[which]
            booster = lightgbm().train(
                {**self.parameters(heads[which], seed), **rows.parameters},
                rows.part(~inside, heads[which].target),
                self.max_rounds,
                valid_sets=[rows.part(inside, heads[which].target)],
                callbacks=[lightgbm().early_stopping(self.patience, verbose=False)],
            )
            text = booster.model_to_string(num_iteration=booster.best_iteration)
            return text, _predict(parse(text), table.matrix[fold == k])

        tasks = [(which, k) for which in range(len(heads)) for k in range(self.n_folds)]
        with ThreadPoolExecutor(N_WORKERS) as pool:
            members = dict(zip(tasks, pool.map(member, tasks), strict=True))
        grown = []
        for which, head in enumerate(heads):
            unseen = np.empty(len(fold))
            for k in range(self.n_folds):
                unseen[fold == k] = members[which, k][1]
            of_head = unseen if head.rows is None else unseen[head.rows]
            scale = float(head.target.sum() / of_head.sum())
            texts = tuple(members[which, k][0] for k in range(self.n_folds))
            grown.append(Grown(Trees(texts, scale), unseen * scale))
        return grown


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

    def predict(self, matrix: Matrix) -> Float[np.ndarray, " rows"]:
        """The expected target of each row, on the target's own scale."""
        total = np.zeros(len(matrix))
        for text in self.members:
            total += _predict(parse(text), matrix)
        return total * (self.scale / len(self.members))

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


def _predict(booster: Any, matrix: Matrix) -> Float[np.ndarray, " rows"]:
    found = booster.predict(matrix, num_threads=1)
    return np.asarray(found, dtype=np.float64)


@lru_cache(maxsize=64)
def parse(text: str) -> Any:
    """The booster of a text; the last ones asked for are kept."""
    return lightgbm().Booster(model_str=text)
