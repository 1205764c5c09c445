"""How much each feature gained in grown trees."""

import numpy as np
from jaxtyping import Float

from patronage.models.learners.lightgbm import Trees, parse

__all__ = ["gains"]


def gains(trees: Trees) -> Float[np.ndarray, " features"]:
    """The loss that splits on each feature saved, summed over the members and scaled to 1."""
    each = [parse(text).feature_importance("gain") for text in trees.members]
    total = np.asarray(np.sum(each, axis=0), dtype=np.float64)
    return total / max(float(total.sum()), np.finfo(np.float64).tiny)
