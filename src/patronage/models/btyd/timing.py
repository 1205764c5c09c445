"""From an RFM table to timed histories: what the models of regular timing read, checked."""

from typing import Final

import numpy as np

from patronage.errors import EventSchemaError
from patronage.models.btyd.process import histories_of
from patronage.models.likelihoods.timed_histories import TimedHistories
from patronage.snapshots import RFM

__all__ = ["timed_histories_of"]

# Rounding of a sum of logarithms, and what it gains from gaps that were raised to the shortest.
_ROUNDING: Final = 1e-6
_FLOOR: Final = 1 / 24


def timed_histories_of(rfm: RFM) -> TimedHistories:
    """The histories of an RFM table with their timing, checked.

    Raises
    ------
    EventSchemaError : log_gaps is absent, not finite, or more regular than can be
    """
    if rfm.log_gaps is None:
        raise EventSchemaError(
            "a model of regular timing reads log_gaps, the sum of the natural logarithms of the "
            "times between consecutive purchases, and this table has none.\n"
            "To mend: give events, or a column log_gaps (litt) in the table's unit of time; or "
            "choose a model without timing, such as pareto_nbd or mbg_nbd."
        )
    plain = histories_of(rfm)
    bought = plain.x > 0
    x = np.maximum(plain.x, 1.0)
    gap = np.maximum(plain.t_x / x, _FLOOR)
    most = np.where(bought, plain.x * np.log(gap), 0.0)
    log_gaps = np.where(bought, rfm.log_gaps, 0.0)
    broken = ~(log_gaps <= most + _ROUNDING * (1 + plain.x)) | np.isinf(log_gaps)
    if broken.any():
        row = int(np.flatnonzero(broken)[0])
        raise EventSchemaError(
            f"log_gaps of {int(broken.sum())} of {len(rfm)} RFM rows cannot be; the first is row "
            f"{row}: {log_gaps[row]:g} where {plain.x[row]:g} gaps make {plain.t_x[row]:g} days, "
            f"so that at most {most[row]:g} is possible (all gaps equal).\n"
            "To mend: sum the natural logarithms of the gaps, in the unit of time of recency, "
            "one gap for each repeat purchase; raise gaps of zero to the resolution of your times."
        )
    return TimedHistories(plain.x, plain.t_x, plain.T, np.minimum(log_gaps, most), plain.weight)
