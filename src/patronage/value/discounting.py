"""What later cash is worth today, with every convention an argument."""

from collections.abc import Mapping
from typing import Final, Literal

import numpy as np
from jaxtyping import Float

from patronage.errors import SettingsError
from patronage.horizon import DAYS_PER, Horizon

__all__ = ["TIMINGS", "Convention", "Timing", "discount_factors", "geometric_value"]

Timing = Literal["begin", "mid", "end"]
Convention = Literal["first_now", "after_renewal", "in_arrears"]

# Share of a period that has passed when its cash falls.
TIMINGS: Final[Mapping[str, float]] = {"begin": 0.0, "mid": 0.5, "end": 1.0}


def discount_factors(
    horizon: Horizon, annual_rate: float, *, timing: Timing = "mid"
) -> Float[np.ndarray, " periods"]:
    """Present value at as_of of one unit of cash in each period: (1 + annual_rate)^−years.

    Parameters
    ----------
    annual_rate : effective a year, of 365.25 days
    timing : the cash of a period falls at its begin, middle or end
    """
    edges = horizon.edges()
    when = edges[:-1] + TIMINGS[timing] * np.diff(edges)
    return np.asarray(np.exp(-np.log1p(annual_rate) * when / DAYS_PER["year"]))


def geometric_value(
    margin: float, retention: float, discount_rate: float, *, convention: Convention
) -> float:
    """Value of a margin per period for as long as a customer is retained, for ever.

    The textbook's one formula is three (Fader & Hardie 2012, note 024), with r the retention and d
    the discount rate per period:

    first_now : m (1 + d) / (1 + d − r); the first payment is now and certain
    after_renewal : m r / (1 + d − r); paid at the end of a period by those who renewed
    in_arrears : m / (1 + d − r); paid at the end of a period by those who were there in it
    """
    if not 0.0 <= retention <= 1.0 or discount_rate <= -1 or 1 + discount_rate <= retention:
        raise SettingsError(
            f"no finite value at retention {retention:g} and discount rate {discount_rate:g}; the "
            "retention lies in [0, 1] and below 1 + discount rate.\n"
            "To mend: give both per period, a retention of 80 percent as 0.8."
        )
    paid = {"first_now": 1 + discount_rate, "after_renewal": retention, "in_arrears": 1.0}
    return margin * paid[convention] / (1 + discount_rate - retention)
