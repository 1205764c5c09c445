"""Few points that stand for many counts: a mixture over thousands of counts at tens of them."""

import numpy as np
from jaxtyping import Float

__all__ = ["thin_counts"]

_EXACT = 32


def thin_counts(
    pmf: Float[np.ndarray, "rows counts"],
) -> list[tuple[float, Float[np.ndarray, " rows"]]]:
    """Points n >= 1 and each row's mass at them, so that Σ mass f(n) stands for Σ_n pmf f(n).

    Up to 32 every count is a point. Beyond, neighbours form groups about sqrt(n) / 2 wide, each
    with two points at the mean ± deviation of its counts, and with each row's own mass and mean in
    the group. A spend mixture is smooth on the scale of sqrt(n), so that what is left of the error
    is of fourth order in the group's width.
    """
    n_max = pmf.shape[1] - 1
    points = [(float(n), pmf[:, n]) for n in range(1, min(n_max, _EXACT) + 1) if pmf[:, n].any()]
    start = _EXACT + 1
    while start <= n_max:
        stop = min(start + max(2, int(np.sqrt(start) / 2)), n_max + 1)
        n = np.arange(start, stop)
        mass = pmf[:, start:stop].sum(axis=1)
        centre, spread = float(n.mean()), float(n.std())
        if spread == 0.0:
            points.append((centre, mass))
        else:
            lean = pmf[:, start:stop] @ (n - centre) / (2.0 * spread)
            points.append((centre - spread, mass / 2.0 - lean))
            points.append((centre + spread, mass / 2.0 + lean))
        start = stop
    return points
