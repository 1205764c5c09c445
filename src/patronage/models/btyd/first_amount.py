"""Does the first purchase's amount tell about the later ones? Decided by evidence."""

from typing import Any, Final

import numpy as np

from patronage.models.fitting.maximum_likelihood import maximum_likelihood
from patronage.models.likelihoods.base import Likelihood, Table

__all__ = ["FEWEST_TO_COMPARE", "first_gain"]

FEWEST_TO_COMPARE: Final = 100


def first_gain(
    likelihood: Likelihood[Any], everybody: Table, *, both: Table, repeats: Table, first: Table
) -> tuple[float, float]:
    """How much more likely repeat amounts are when the first amount is known, and its error.

    The same data, the repeat purchases of customers who have any, under two models with as many
    parameters: without the first amount, at the parameters that suit these data best; and given
    it, f(repeats, first) / f(first), at the parameters that suit all amounts together, which were
    not chosen for this. A bias, if any, is thus against the first amount. The standard error is
    that of a sum of independent differences (Vuong 1989).

    Parameters
    ----------
    everybody : all amounts of all customers
    both, repeats, first : all amounts, the repeat and the first ones of those who have both
    """
    apart = maximum_likelihood(likelihood, repeats).theta
    joint = maximum_likelihood(likelihood, everybody).theta
    gain = (
        likelihood.log_likelihood(joint, both)
        - likelihood.log_likelihood(joint, first)
        - likelihood.log_likelihood(apart, repeats)
    )
    weight = both.weight
    total = float(weight @ gain)
    return total, float(np.sqrt(weight @ (gain - total / weight.sum()) ** 2))
