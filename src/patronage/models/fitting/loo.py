"""Leave-one-out: how well a model foretells a customer it has not seen, without refits.

Vehtari, Gelman & Gabry (2017), Practical Bayesian model evaluation using leave-one-out
cross-validation and WAIC, Statistics and Computing 27. A row of the compact table stands for w
equal customers; one of them is left out, and the row counts w times.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Float

from patronage.errors import SettingsError
from patronage.models.encoders.base import Encoder
from patronage.models.encoders.constant import ConstantEncoder
from patronage.models.fitting.objective import Objective
from patronage.models.fitting.posterior import Posterior
from patronage.models.fitting.psis import highest_k, smoothed
from patronage.models.likelihoods.base import Likelihood, Table

__all__ = ["LeaveOneOut", "compare", "leave_one_out"]

# Log-likelihoods held at a time: 16 MiB.
_BLOCK: Final = 1 << 21


@dataclass(frozen=True)
class LeaveOneOut:
    """Expected log predictive density of one customer more, summed over those that were seen.

    Attributes
    ----------
    pointwise : log predictive density of one customer of each row, fitted without it
    k_hat : of each row; above `psis.highest_k` the row weighs too much on the fit to be left out
        by weights
    weight : number of customers of each row
    p_loo : effective number of parameters
    n_draws : of the posterior
    """

    pointwise: Float[np.ndarray, " rows"]
    k_hat: Float[np.ndarray, " rows"]
    weight: Float[np.ndarray, " rows"]
    p_loo: float
    n_draws: int

    @property
    def elpd(self) -> float:
        """Sum over the customers; higher is better. In a unit c times as long as days, add
        ln c for each purchase seen, as with the log-likelihood."""
        return float(self.weight @ self.pointwise)

    @property
    def standard_error(self) -> float:
        """Of `elpd`, over customers."""
        return _standard_error(self.pointwise, self.weight)

    @property
    def n_doubtful(self) -> int:
        """Customers whose k̂ is too high."""
        return int(self.weight[self.k_hat > highest_k(self.n_draws)].sum())


def leave_one_out(
    likelihood: Likelihood[Any],
    table: Table,
    posterior: Posterior,
    *,
    encoder: Encoder[Any] | None = None,
) -> LeaveOneOut:
    """Weigh every draw by 1 / likelihood of the customer left out, smoothed (`psis`).

    Parameters
    ----------
    table : compact, in days (or money): what the posterior was drawn from
    """
    encoder = encoder or ConstantEncoder()
    n_draws = len(posterior.draws)
    with np.errstate(divide="ignore"):
        log_prior_weight = np.log(posterior.weights)
    pointwise, k_hat, at_once = (np.empty(len(table)) for _ in range(3))
    size = max(1, _BLOCK // n_draws)
    for first in range(0, len(table), size):
        rows = slice(first, min(first + size, len(table)))
        objective = Objective(likelihood, encoder, table.take(rows))
        seen = np.stack([objective.rows(draw) for draw in posterior.draws], axis=1)
        log_weights, k_hat[rows] = smoothed(log_prior_weight - seen)
        pointwise[rows] = _log_mean(log_weights + seen)
        at_once[rows] = _log_mean(log_prior_weight + seen)
    p_loo = float(table.weight @ (at_once - pointwise))
    return LeaveOneOut(pointwise, k_hat, table.weight, p_loo, n_draws)


def compare(one: LeaveOneOut, other: LeaveOneOut) -> tuple[float, float]:
    """elpd of `one` minus that of `other`, and its standard error over customers.

    Raises
    ------
    SettingsError : they are not of the same table
    """
    if not np.array_equal(one.weight, other.weight):
        raise SettingsError(
            f"two models are compared on one table; these have {len(one.weight)} and "
            f"{len(other.weight)} rows, or other weights.\n"
            "To mend: leave_one_out of both with the same compact table."
        )
    gain = one.pointwise - other.pointwise
    return float(one.weight @ gain), _standard_error(gain, one.weight)


def _standard_error(
    values: Float[np.ndarray, " rows"], weight: Float[np.ndarray, " rows"]
) -> float:
    total = float(weight.sum())
    mean = float(weight @ values) / total
    variance = float(weight @ (values - mean) ** 2) / max(total - 1, 1.0)
    return float(np.sqrt(total * variance))


def _log_mean(log_terms: Float[np.ndarray, "rows draws"]) -> Float[np.ndarray, " rows"]:
    highest = log_terms.max(axis=1)
    return np.asarray(highest + np.log(np.exp(log_terms - highest[:, None]).sum(axis=1)))
