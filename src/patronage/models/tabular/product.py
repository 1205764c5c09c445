"""Money as a product of predictors, each the mean of members' raw scores through a link."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, final

import numpy as np
from jaxtyping import Float, Float32
from scipy.special import expit

from patronage.models.learners.attribution import Attributes
from patronage.models.learners.base import Predictor

__all__ = ["Product", "product_of"]

Scores = Float[np.ndarray, "rows scores"]
Rows = Float[np.ndarray, " rows"]

# Link → its inverse, and the derivative of that.
_LINKS: Final[Mapping[str, tuple[Callable[[Scores], Scores], Callable[[Scores], Scores]]]] = {
    "logit": (expit, lambda raw: expit(raw) * expit(-raw)),
    "log": (np.exp, np.exp),
    "identity": (lambda raw: raw, np.ones_like),
}


@final
@dataclass(frozen=True)
class Product:
    """The product of predictors (a `MoneyOfScores`).

    Attributes
    ----------
    factors : the predictors; the scores of their members lie beside each other
    """

    factors: tuple[Attributes, ...]

    def raw_parts(
        self, matrix: Float32[np.ndarray, "rows features"]
    ) -> tuple[Float[np.ndarray, " scores"], Float[np.ndarray, "rows scores features"]]:
        """Exact TreeSHAP values of each member."""
        starts, parts = zip(*(factor.raw_parts(matrix) for factor in self.factors), strict=True)
        return np.concatenate(starts), np.concatenate(parts, axis=1)

    def value(self, scores: Scores) -> Rows:
        """The product of the scaled means of the members' predictions."""
        return np.asarray(np.prod(self._values(scores), axis=0))

    def slope(self, scores: Scores) -> Scores:
        """By the product rule."""
        values = self._values(scores)
        product = np.prod(values, axis=0)
        found = np.empty_like(scores)
        for factor, where, own in zip(self.factors, self._places(), values, strict=True):
            raw = scores[:, where]
            _, derivative = _LINKS[factor.link]
            others = product / np.maximum(own, 1e-300) * factor.scale / raw.shape[1]
            found[:, where] = others[:, None] * derivative(raw)
        return found

    def _values(self, scores: Scores) -> list[Rows]:
        return [
            np.asarray(factor.scale * _LINKS[factor.link][0](scores[:, where]).mean(axis=1))
            for factor, where in zip(self.factors, self._places(), strict=True)
        ]

    def _places(self) -> list[slice]:
        edges = np.cumsum([0, *(len(factor.members) for factor in self.factors)]).tolist()
        return [slice(first, end) for first, end in pairwise(edges)]


def product_of(*predictors: Predictor) -> Product | None:
    """Their product; None where one of them cannot tell its parts."""
    factors = tuple(one for one in predictors if isinstance(one, Attributes))
    return Product(factors) if len(factors) == len(predictors) else None
