"""Do customers buy by a rhythm of their own, or at random? What the gaps say, before any model.

Two answers that need neither rates nor dropout. Wheat & Morrison (1990), Estimating purchase
regularity with two interpurchase times, JMR 27(1): with gaps of Gamma(k, ·) the share M of one gap
in the sum of two neighbours is Beta(k, k), so that Var(M) = 1 / (4 (2k + 1)). And the likelihood of
all gaps of a customer as shares of their sum, which uses more of the data (`gap_shape`).
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from patronage.errors import NotEnoughDataError
from patronage.models.btyd.bg_cnbd_k import MOST_REGULAR
from patronage.models.btyd.timing import timed_histories_of
from patronage.models.likelihoods.gap_shape import fit_shape, shape_log_likelihood
from patronage.snapshots import Snapshot
from patronage.snapshots.features import SHORTEST_WAIT, days_of

__all__ = ["Regularity", "regularity"]


@final
@dataclass(frozen=True)
class Regularity:
    """The shape k of the gaps: 1 at random, more by a rhythm, less in bursts.

    Attributes
    ----------
    shape, shape_error : by maximum likelihood of the shares of all gaps, and its standard error
    wheat_morrison, wheat_morrison_error : by the last two gaps of each customer
    erlang : the likeliest whole k, from 1 to 12
    gain : log-likelihood of `erlang` over k = 1
    n_customers : with two gaps or more
    n_short_gaps : gaps that were raised to the shortest that counts, an hour
    """

    shape: float
    shape_error: float
    wheat_morrison: float
    wheat_morrison_error: float
    erlang: int
    gain: float
    n_customers: int
    n_short_gaps: int

    @property
    def verdict(self) -> str:
        """One sentence: which k is supported, and what that means for the choice of a model."""
        found = f"gaps have shape {self.shape:.2f} ± {self.shape_error:.2f} (1 is at random)"
        if self.erlang > 1:
            return (
                f"{found}: customers buy by a rhythm, k = {self.erlang} is supported over k = 1; "
                "models of regular timing (mbg_cnbd_k, pareto_ggg) have something to read"
            )
        if self.shape + 2 * self.shape_error < 1:
            return f"{found}: purchases come in bursts, k = 1 is the most regular that is supported"
        return f"{found}: k = 1 is supported, purchases come (nearly) at random"


def regularity(snapshot: Snapshot) -> Regularity:
    """Estimate the regularity of a snapshot's customers.

    Raises
    ------
    NotEnoughDataError : fewer than two customers have two gaps
    """
    known = snapshot.with_features(("regularity",))
    table = timed_histories_of(known.rfm())
    days = days_of(known.events, waits=True)
    # Two gaps of each customer, whichever customer: those nearest to today.
    pairs = known.events.engine.frame(
        f"""
        SELECT arg_max(before, event_day) AS before, arg_max(wait, event_day) AS wait
        FROM (SELECT customer_id, event_day, wait, lag(wait) OVER (
                  PARTITION BY customer_id ORDER BY event_day) AS before
              FROM ({days}) WHERE wait IS NOT NULL)
        GROUP BY customer_id HAVING count(*) > 1
        """
    )
    if len(pairs) < 2:
        raise NotEnoughDataError(
            f"{len(pairs)} customers have bought three times or more; a rhythm needs two gaps.\n"
            "To mend: wait for more purchases, or give a log that reaches further back."
        )
    before, wait = (
        np.maximum(pairs[name].to_numpy(), SHORTEST_WAIT) for name in ("before", "wait")
    )
    # Their mean is one half by symmetry, known and not estimated.
    squares = (before / (before + wait) - 0.5) ** 2
    variance = max(float(squares.mean()), 1e-9)
    shape, error = fit_shape(table)
    likelihoods = [shape_log_likelihood(float(k), table) for k in range(1, MOST_REGULAR + 1)]
    erlang = 1 + int(np.argmax(likelihoods))
    return Regularity(
        shape,
        error,
        1 / (8 * variance) - 0.5,
        float(squares.std(ddof=1)) / np.sqrt(len(pairs)) / (8 * variance**2),
        erlang,
        likelihoods[erlang - 1] - likelihoods[0],
        len(pairs),
        int(known.customers["n_short_gaps"].sum()),
    )
