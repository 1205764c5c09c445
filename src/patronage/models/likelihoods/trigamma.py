"""The trigamma function of arrays: what SciPy gives as zeta(2, x), several times as fast."""

from typing import Final

import numpy as np
from jaxtyping import Float

__all__ = ["trigamma"]

_STEPS: Final = 8


def trigamma(x: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """ψ'(x) of x > 0, to 1e-13 relative.

    By ψ'(x) = ψ'(x + 1) + 1 / x² up to x + 8, and from there by the asymptotic series in 1 / x
    (Abramowitz & Stegun 6.4.6 and 6.4.12).
    """
    near = x**-2.0
    for step in range(1, _STEPS):
        part = x + step
        part *= part
        near += 1 / part
    y = 1 / (x + _STEPS)
    square = y * y
    series = np.full_like(y, 5 / 66)
    for coefficient in (-1 / 30, 1 / 42, -1 / 30, 1 / 6):
        series *= square
        series += coefficient
    return np.asarray(near + y * (1 + y / 2 + series * square))
