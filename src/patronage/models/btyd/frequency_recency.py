"""What a model makes of every frequency and recency: the matrix behind the best-known plot."""

import numpy as np
import polars as pl

from patronage.errors import SettingsError
from patronage.horizon import Horizon
from patronage.models.btyd.model import FittedBTYD
from patronage.snapshots import RFM

__all__ = ["frequency_recency"]


def frequency_recency(
    fitted: FittedBTYD,
    horizon: Horizon,
    *,
    T: float = 365.0,
    max_frequency: int = 20,
    n_recencies: int = 40,
) -> pl.DataFrame:
    """frequency, recency (days), p_alive, expected_purchases (within the horizon), at one T.

    Recency runs evenly from 0 to T; who has no repeat purchase has a recency of 0, and who bought
    again has one above 0.
    """
    if T <= 0 or max_frequency < 1 or n_recencies < 2:
        raise SettingsError(
            f"T {T:g} days, frequencies to {max_frequency} at {n_recencies} recencies.\n"
            "To mend: T above 0, a frequency of at least 1 and two recencies."
        )
    recency = np.linspace(0.0, T, n_recencies + 1)[1:]
    x = np.append(0.0, np.repeat(np.arange(1.0, max_frequency + 1), n_recencies))
    t_x = np.append(0.0, np.tile(recency, max_frequency))
    counts = fitted.counts(RFM(np.arange(len(x)), x, t_x, np.full(len(x), float(T))))
    return pl.DataFrame(
        {
            "frequency": x.astype(np.int64),
            "recency": t_x,
            "p_alive": counts.p_alive,
            "expected_purchases": counts.mean(np.array([0.0, horizon.days]))[:, 0],
        }
    )
