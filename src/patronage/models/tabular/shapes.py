"""Tables of quantiles: finished by a mean, so that both say the same."""

from typing import Final

import numpy as np
from jaxtyping import Float

__all__ = ["finished_levels", "finished_ratios", "level_factors"]

# The last value lies at most so many times above the last quantile that is known.
_LONGEST_TAIL: Final = 20.0


def finished_levels(levels: Float[np.ndarray, " levels"]) -> Float[np.ndarray, " more"]:
    """The levels, and 0 and 1 about them."""
    return np.concatenate([[0.0], levels, [1.0]])


def finished_ratios(
    levels: Float[np.ndarray, " levels"],
    quantiles: Float[np.ndarray, "rows levels"],
    mean: Float[np.ndarray, " rows"],
) -> Float[np.ndarray, "rows more"]:
    """Quantiles over the mean, from level 0 to 1, never crossing, with mean 1.

    What the mean has beyond the known quantiles lies above the last of them, within 20 times its
    value; what then differs still, all quantiles are scaled by.

    Parameters
    ----------
    levels : increasing, inside (0, 1)
    quantiles : positive
    mean : of the same positive amounts
    """
    rising = np.maximum(np.sort(quantiles, axis=1), 1e-12)
    lowest = rising[:, 0] * rising[:, 0] / rising[:, min(1, rising.shape[1] - 1)]
    known = np.column_stack([lowest, rising])
    inner = np.concatenate([[0.0], levels])
    below = (known[:, 1:] + known[:, :-1]) / 2.0 @ np.diff(inner)
    last, rest = rising[:, -1], 1.0 - levels[-1]
    top = np.clip(2.0 * (mean - below) / rest - last, last, _LONGEST_TAIL * last)
    whole = below + rest * (last + top) / 2.0
    return np.asarray(np.column_stack([known, top]) / whole[:, None])


def level_factors(
    levels: Float[np.ndarray, " levels"],
    quantiles: Float[np.ndarray, "rows levels"],
    amounts: Float[np.ndarray, " rows"],
) -> Float[np.ndarray, " levels"]:
    """What each quantile is multiplied with so that its level of unseen amounts lies below."""
    return np.array(
        [
            np.quantile(amounts / np.maximum(quantiles[:, column], 1e-12), level)
            for column, level in enumerate(levels)
        ]
    )
