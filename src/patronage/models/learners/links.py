"""Links: from a linear score to the mean that a loss asks for, and how the loss bends there."""

from dataclasses import dataclass
from typing import Final, Literal, final

import numpy as np
from jaxtyping import Float
from scipy.special import expit

from patronage.models.learners.base import Head, Loss

__all__ = ["LINKS", "Link", "LinkedLoss", "linked_mean", "score_and_weight", "start_score"]

Link = Literal["identity", "log", "logit"]

LINKS: Final[dict[Loss, Link]] = {
    "binary": "logit",
    "gamma": "log",
    "poisson": "log",
    "tweedie": "log",
    "squared": "identity",
    "quantile": "identity",
}

# A linear score is kept within this of the start, so that one odd row cannot overflow.
_FURTHEST: Final = 12.0


def start_score(target: Float[np.ndarray, " rows"], head: Head) -> float:
    """The score of the mean target."""
    mean = float(target.mean())
    if head.loss == "squared":
        return mean
    if head.loss == "binary":
        p = float(np.clip(mean, 1e-6, 1.0 - 1e-6))
        return float(np.log(p) - np.log1p(-p))
    return float(np.log(max(mean, 1e-12)))


def linked_mean(
    score: Float[np.ndarray, " rows"], centre: float, link: Link
) -> Float[np.ndarray, " rows"]:
    """The expected target; scores count as within 12 of the centre."""
    if link == "identity":
        return np.asarray(score, dtype=np.float64)
    bounded = np.clip(score, centre - _FURTHEST, centre + _FURTHEST)
    return np.asarray(np.exp(bounded) if link == "log" else expit(bounded), dtype=np.float64)


def score_and_weight(
    score: Float[np.ndarray, " rows"],
    target: Float[np.ndarray, " rows"],
    head: Head,
    centre: float,
) -> tuple[Float[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
    """Minus the loss's slope in the score of each row, and its expected curvature."""
    mean = linked_mean(score, centre, LINKS[head.loss])
    if head.loss == "binary":
        return target - mean, np.maximum(mean * (1.0 - mean), 1e-6)
    if head.loss == "squared":
        return target - mean, np.ones(len(target))
    power = _power(head)
    return (target - mean) * mean ** (1.0 - power), mean ** (2.0 - power)


@final
@dataclass(frozen=True)
class LinkedLoss:
    """A head's loss as that of one score a row (a `JointLoss`).

    Attributes
    ----------
    head : says which loss, of a mean and no quantile; its own target is not read
    """

    head: Head

    def start(self, target: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " scores"]:
        """The score of the mean target."""
        return np.array([start_score(target, self.head)])

    def value(
        self, target: Float[np.ndarray, " rows"], scores: Float[np.ndarray, "rows scores"]
    ) -> Float[np.ndarray, " rows"]:
        """Half the deviance of each row, but for terms without the score."""
        score = scores[:, 0]
        if self.head.loss == "binary":
            return np.asarray(np.logaddexp(0.0, score) - target * score)
        if self.head.loss == "squared":
            return np.asarray((target - score) ** 2 / 2.0)
        power = _power(self.head)
        if power == 1.0:
            return np.asarray(np.exp(score) - target * score)
        if power == 2.0:
            return np.asarray(score + target * np.exp(-score))
        above, below = np.exp((2.0 - power) * score), np.exp((1.0 - power) * score)
        return np.asarray(above / (2.0 - power) - target * below / (1.0 - power))

    def gradient(
        self, target: Float[np.ndarray, " rows"], scores: Float[np.ndarray, "rows scores"]
    ) -> tuple[Float[np.ndarray, "rows scores"], Float[np.ndarray, "rows scores"]]:
        """Gradient by score, and the curvature that is expected."""
        score = scores[:, 0]
        down, weight = score_and_weight(score, target, self.head, start_score(target, self.head))
        return -down[:, None], weight[:, None]


def _power(head: Head) -> float:
    return {"poisson": 1.0, "gamma": 2.0}.get(head.loss, head.power)
