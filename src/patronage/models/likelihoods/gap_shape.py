"""How regular gaps are, whatever the rates and the dropout: the shares of a customer's gaps.

With gaps of Gamma(k, ·) at a rate of the customer's own, the x gaps over their sum are Dirichlet
(k, …, k), free of the rate and, given x and t_x, of dropout and censoring:

    ln L(k) = Σ ln Γ(k x) - x ln Γ(k) + (k - 1) (log_gaps - x ln t_x)

over customers with two gaps or more.
"""

from typing import Final

import numpy as np
from scipy.special import digamma, gammaln, zeta

from patronage.models.likelihoods.timed_histories import TimedHistories

__all__ = ["MOST_SHAPE", "fit_shape", "shape_log_likelihood"]

# Beyond it gaps differ by less than 3 % and the shape counts as infinite.
MOST_SHAPE: Final = 1000.0


def shape_log_likelihood(k: float, table: TimedHistories) -> float:
    """Σ over the customers of the module's ln L, in shares and so free of the unit of time."""
    seen = table.x > 1
    w, x, t_x = table.weight[seen], table.x[seen], table.t_x[seen]
    shares = table.log_gaps[seen] - x * np.log(t_x)
    return float(w @ (gammaln(k * x) - x * gammaln(k) + (k - 1) * shares))


def fit_shape(table: TimedHistories) -> tuple[float, float]:
    """The k of highest likelihood and its standard error; (nan, nan) where nobody has two gaps.

    ln L is concave in k; MOST_SHAPE where it still rises there.
    """
    seen = table.x > 1
    if not seen.any():
        return float("nan"), float("nan")
    w, x = table.weight[seen], table.x[seen]
    shares = float(w @ (table.log_gaps[seen] - x * np.log(table.t_x[seen])))
    n = float(w @ x)

    def slope(k: float) -> float:
        return float(w @ (x * digamma(k * x))) - n * float(digamma(k)) + shares

    low, high = 1e-3, MOST_SHAPE
    if slope(high) < 0:
        for _ in range(60):
            middle = float(np.sqrt(low * high))
            low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    k = high
    information = n * float(zeta(2, k)) - float(w @ (x**2 * zeta(2, k * x)))
    return k, float(1 / np.sqrt(max(information, 1e-300)))
