"""From parts of scores to parts of money, where money is a smooth function of several scores.

A forest's raw score is a sum of exact TreeSHAP values, but money is a product of a chance and an
amount, each through a link of its own. Along the straight way from the scores of nobody in
particular to those of the customer, each step in money is shared by what each score, and within it
each feature, moved: the Aumann–Shapley value (Aumann & Shapley 1974), which adds up exactly.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from jaxtyping import Float

__all__ = ["along_path"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_AT: Final = (_NODES + 1.0) / 2.0
_SHARE: Final = _WEIGHTS / 2.0


def along_path(
    slope: Callable[[Float[np.ndarray, "rows scores"]], Float[np.ndarray, "rows scores"]],
    start: Float[np.ndarray, "rows scores"],
    end: Float[np.ndarray, "rows scores"],
    parts: Float[np.ndarray, "rows scores features"],
    change: Float[np.ndarray, " rows"],
) -> Float[np.ndarray, "rows features"]:
    """Each feature's part of `change`.

    Parameters
    ----------
    slope : gradient of the money in the scores
    start, end : the scores; the way between them is straight
    parts : of end − start, by feature
    change : money at the end less money at the start; the parts sum to it exactly
    """
    # Why at once: of one customer, a call costs more than what it works out.
    points = start + _AT[:, None, None] * (end - start)
    slopes = slope(points.reshape(-1, start.shape[1])).reshape(points.shape)
    mean_slope = np.einsum("p,prs->rs", _SHARE, slopes)
    found = np.einsum("rs,rsf->rf", mean_slope, parts)
    # Why: the quadrature is exact to many digits, not to all; what is left goes where most is.
    left = change - found.sum(axis=1)
    size = np.abs(found)
    total = size.sum(axis=1, keepdims=True)
    shares = np.where(total > 0, size / np.where(total > 0, total, 1.0), 1.0 / found.shape[1])
    return np.asarray(found + left[:, None] * shares)
