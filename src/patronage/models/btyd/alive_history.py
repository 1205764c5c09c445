"""P(alive) of one customer on every day so far, each with what was known on it."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl

from patronage.errors import SettingsError
from patronage.models.btyd.model import FittedBTYD
from patronage.snapshots import RFM

__all__ = ["alive_history"]


def alive_history(fitted: FittedBTYD, days: Sequence[date], *, as_of: date) -> pl.DataFrame:
    """day, p_alive (at its end), purchased, from the first purchase to the day before `as_of`.

    Only the customer's own days are rewound; the parameters are the fitted ones throughout, so
    that the curve shows what the model thinks today of each day.

    Parameters
    ----------
    days : with a purchase, the first included (`snapshots.repeats.purchase_days`)
    """
    bought = np.unique([day.toordinal() for day in days])
    if len(bought) == 0 or bought[-1] >= as_of.toordinal():
        raise SettingsError(
            f"{len(bought)} days with a purchase before {as_of} are needed, at least one and none "
            "after.\nTo mend: give the days of a customer's purchases, or a later as_of."
        )
    at = np.arange(bought[0], as_of.toordinal())
    seen = np.searchsorted(bought, at, side="right")
    x = (seen - 1).astype(float)
    t_x = (bought[seen - 1] - bought[0]).astype(float)
    T = (at - bought[0]).astype(float)
    counts = fitted.counts(RFM(np.arange(len(at)), x, t_x, T))
    first = date.fromordinal(int(bought[0]))
    return pl.DataFrame(
        {
            "day": [first + timedelta(days=k) for k in range(len(at))],
            "p_alive": counts.p_alive,
            "purchased": np.isin(at, bought),
        }
    )
