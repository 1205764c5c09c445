"""A perceptron with a hidden layer or two, trained by scikit-learn and kept as arrays."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float, Float32, Int
from scipy.special import expit

from patronage.models.learners.base import Grown, Head, refuse_loss
from patronage.models.learners.binned import BinnedTable
from patronage.models.learners.crossing import Averaged, cross_fit, deviance
from patronage.models.learners.links import Link
from patronage.models.learners.sklearn import one_thread, sklearn
from patronage.models.learners.standardised import Standardised, learn_columns

__all__ = ["MLP", "Perceptron", "perceptron_of"]


@final
@dataclass(frozen=True)
class MLP:
    """Rectified hidden units on standardised columns, a network per head.

    Counts and amounts are learned on the Poisson deviance, over their mean: its optimum is the
    conditional mean, as of every deviance. A quantile head is refused.

    Attributes
    ----------
    n_folds : blocks of customers; a member is trained on all but one and stopped on that one
    units : of each hidden layer
    most_epochs : passes over the rows
    patience : epochs without a better loss on the unseen block, after which training stops
    most_rows : above it, a member learns from a sample of its rows
    batch, learning_rate, l2 : of Adam, as scikit-learn names batch_size, learning_rate_init, alpha
    """

    n_folds: int = 3
    units: tuple[int, ...] = (32, 16)
    most_epochs: int = 30
    patience: int = 3
    most_rows: int = 40_000
    batch: int = 256
    learning_rate: float = 2e-3
    l2: float = 1e-3

    def grow(
        self,
        table: BinnedTable,
        fold: Int[np.ndarray, " rows"],
        heads: Sequence[Head],
        *,
        seed: int,
    ) -> list[Grown]:
        """Train, for each head, one member per fold on the rows outside it."""
        for head in heads:
            if head.loss == "quantile":
                raise refuse_loss(self, head.loss)

        def member(rows: BinnedTable, inside: Bool[np.ndarray, " rows"], head: Head) -> Perceptron:
            learned = np.flatnonzero(~inside)
            if len(learned) > self.most_rows:
                rng = np.random.default_rng(seed)
                learned = np.sort(rng.choice(learned, self.most_rows, replace=False))
            columns = learn_columns(rows.matrix[learned])
            x, y = columns.columns(rows.matrix[learned]), head.target[learned]
            held, judged = columns.columns(rows.matrix[inside]), head.target[inside]
            unit = max(float(np.abs(y).mean()), 1e-12) if head.loss != "binary" else 1.0
            network = self._network(head, seed)
            best, least, since = None, np.inf, 0
            with one_thread(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for _ in range(self.most_epochs):
                    if head.loss == "binary":
                        network.partial_fit(x, y.astype(np.int64), classes=[0, 1])
                    else:
                        network.partial_fit(x, y / unit)
                    found = perceptron_of(network, columns, unit)
                    loss = deviance(head, judged, found.of_columns(held))
                    if loss < least or best is None:
                        best, least, since = found, loss, 0
                    else:
                        since += 1
                        if since == self.patience:
                            break
            assert best is not None
            return best

        return cross_fit(table, fold, heads, member, join=Averaged.join, n_folds=self.n_folds)

    def _network(self, head: Head, seed: int) -> Any:
        settings: dict[str, Any] = {
            "hidden_layer_sizes": self.units,
            "alpha": self.l2,
            "batch_size": self.batch,
            "learning_rate_init": self.learning_rate,
            "random_state": seed,
        }
        networks = sklearn("neural_network")
        if head.loss == "binary":
            return networks.MLPClassifier(**settings)
        loss = "squared_error" if head.loss == "squared" else "poisson"
        return networks.MLPRegressor(loss=loss, **settings)


@final
@dataclass(frozen=True)
class Perceptron:
    """Layers of weights; rectified between them, and the inverse of a link at the end.

    Attributes
    ----------
    prepared : from the table to columns
    weights, biases : of each layer
    unit : what the output is multiplied with
    link : of the last layer with the expected target
    """

    prepared: Standardised
    weights: tuple[Float[np.ndarray, "_ins _outs"], ...]
    biases: tuple[Float[np.ndarray, " _outs"], ...]
    unit: float
    link: Link

    def predict(self, matrix: Float32[np.ndarray, "rows features"]) -> Float[np.ndarray, " rows"]:
        """The expected target of each row, on the target's own scale."""
        return self.of_columns(self.prepared.columns(matrix))

    def of_columns(
        self, columns: Float32[np.ndarray, "rows columns"]
    ) -> Float[np.ndarray, " rows"]:
        """The same, of rows prepared already."""
        layer = columns.astype(np.float64)
        for k, (weights, biases) in enumerate(zip(self.weights, self.biases, strict=True)):
            layer = layer @ weights + biases
            if k + 1 < len(self.weights):
                np.maximum(layer, 0.0, out=layer)
        score = layer[:, 0]
        if self.link == "log":
            return np.asarray(self.unit * np.exp(np.clip(score, -30.0, 30.0)))
        return np.asarray(self.unit * (expit(score) if self.link == "logit" else score))


def perceptron_of(network: Any, prepared: Standardised, unit: float) -> Perceptron:
    """The arrays of a fitted MLPClassifier (of two classes) or MLPRegressor."""
    links: dict[str, Link] = {"logistic": "logit", "exp": "log", "identity": "identity"}
    return Perceptron(
        prepared,
        tuple(np.array(weights, dtype=np.float64) for weights in network.coefs_),
        tuple(np.array(biases, dtype=np.float64) for biases in network.intercepts_),
        unit,
        links[network.out_activation_],
    )
