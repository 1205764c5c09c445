"""CLV over a whole lifetime: purchases discounted continuously, without an end or until one.

Fader, Hardie & Lee (2005), RFM and CLV: using iso-value curves for customer base analysis,
Journal of Marketing Research 42(4). Spend per purchase is taken as independent of the number.
"""

import numpy as np
from jaxtyping import Float

from patronage.forecast import AbstractCounts
from patronage.value.economics import Economics

__all__ = ["lifetime_clv", "new_customer_lifetime_clv"]


def lifetime_clv(
    counts: AbstractCounts,
    economics: Economics,
    *,
    spend: float | Float[np.ndarray, " customers"],
    days: float = np.inf,
) -> Float[np.ndarray, " customers"]:
    """margin × E[spend of a purchase] × DERT of customers already won, at as_of.

    `economics.timing` plays no part: each purchase is discounted from its own instant.

    Parameters
    ----------
    spend : net cash expected of one purchase
    days : until when; may be infinite
    """
    dert = counts.dert(economics.annual_discount_rate, days=days)
    return np.asarray(economics.per_customer_margin(counts.n_customers) * spend * dert)


def new_customer_lifetime_clv(
    new_customer: AbstractCounts,
    economics: Economics,
    *,
    spend: float | Float[np.ndarray, " customers"],
    first_purchase: float | Float[np.ndarray, " customers"] | None = None,
    days: float = np.inf,
) -> Float[np.ndarray, " customers"]:
    """The first purchase now, then DET of them, less cac: of customers still to be won.

    Parameters
    ----------
    new_customer : counts at the moment of the first purchase, which is not among them
    spend : net cash expected of each purchase that follows
    first_purchase : cash of the first; `spend` where None
    """
    margin = economics.per_customer_margin(new_customer.n_customers)
    bought = margin * (spend if first_purchase is None else first_purchase)
    later = lifetime_clv(new_customer, economics, spend=spend, days=days)
    return np.asarray(bought + later - economics.per_customer_cac(new_customer.n_customers))
