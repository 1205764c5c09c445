"""AmountSums: count, sum and sum of squares of each customer's amounts."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Shaped

__all__ = ["AmountSums"]


@dataclass(frozen=True)
class AmountSums:
    """What a normal distribution needs to know of a customer's amounts (or of their logarithms).

    Attributes
    ----------
    n : number of amounts
    total : their sum, 0 where there are none
    squares : sum of their squares; NaN where it is not known
    """

    n: Float[np.ndarray, " customers"]
    total: Float[np.ndarray, " customers"]
    squares: Float[np.ndarray, " customers"]

    def __len__(self) -> int:
        return len(self.n)

    def __getitem__(self, rows: slice | Shaped[np.ndarray, " rows"]) -> "AmountSums":
        return AmountSums(self.n[rows], self.total[rows], self.squares[rows])

    @cached_property
    def mean(self) -> Float[np.ndarray, " customers"]:
        """0 where there are none."""
        return np.asarray(self.total / np.maximum(self.n, 1.0))

    @cached_property
    def scatter(self) -> Float[np.ndarray, " customers"]:
        """Σ (amount − mean)², 0 up to one amount; NaN where it is not known."""
        about_mean = np.maximum(self.squares - self.total * self.mean, 0.0)
        return np.where(self.n > 1, about_mean, 0.0)

    def minus(self, one: Float[np.ndarray, " customers"]) -> "AmountSums":
        """Without one amount of each customer; NaN: nothing is taken away."""
        known = np.isfinite(one) & (self.n > 0)
        amount = np.where(known, one, 0.0)
        n = self.n - known
        left = n > 0
        return AmountSums(
            n,
            np.where(left, self.total - amount, 0.0),
            np.where(left, self.squares - amount**2, 0.0),
        )
