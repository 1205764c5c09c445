"""Amounts: each customer's amounts by their sufficient statistics."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from jaxtyping import Float, Int, Shaped

__all__ = ["Amounts"]

_RESOLUTION: Final = 1e-3


@dataclass(frozen=True)
class Amounts:
    """One row per customer (or per group of equal ones), with at least one amount.

    Attributes
    ----------
    n : number of amounts
    mean : of the amounts, or of their logarithms
    scatter : Σ (amount − mean)², or of the logarithms; 0 where it is not known
    dof : n − 1 where the scatter is known, else 0: then only the mean was seen
    money : sum of the amounts
    weight : number of customers
    logarithmic : mean and scatter are of logarithms of money
    """

    n: Float[np.ndarray, " rows"]
    mean: Float[np.ndarray, " rows"]
    scatter: Float[np.ndarray, " rows"]
    dof: Float[np.ndarray, " rows"]
    money: Float[np.ndarray, " rows"]
    weight: Float[np.ndarray, " rows"]
    logarithmic: bool

    def __len__(self) -> int:
        return len(self.n)

    @property
    def columns(self) -> tuple[Float[np.ndarray, " rows"], ...]:
        """All but the weight."""
        return self.n, self.mean, self.scatter, self.dof, self.money

    def grouped(
        self, first: Int[np.ndarray, " groups"], weight: Float[np.ndarray, " groups"]
    ) -> "Amounts":
        """The rows `first`, each standing for its group, with the weights given."""
        return replace(self.take(first), weight=weight)

    def take(self, rows: Shaped[np.ndarray, " taken"] | slice) -> "Amounts":
        """Some of the rows."""
        return Amounts(
            self.n[rows],
            self.mean[rows],
            self.scatter[rows],
            self.dof[rows],
            self.money[rows],
            self.weight[rows],
            self.logarithmic,
        )

    @cached_property
    def unit(self) -> float:
        """The typical amount: of logarithms the geometric mean, else the root of the mean square
        of customers' means.
        """
        total = self.weight.sum()
        if self.logarithmic:
            return float(np.exp(self.weight @ self.mean / total))
        square = float(self.weight @ (self.mean**2 + self.scatter / self.n) / total)
        return float(np.sqrt(square)) or 1.0

    @cached_property
    def unit_power(self) -> float:
        """The density is one of each amount, or of the mean alone."""
        return float(self.weight @ (self.dof + 1))

    def rescaled(self, unit: float) -> "Amounts":
        """The same rows with money divided by `unit`."""
        mean, scatter = self.mean / unit, self.scatter / unit**2
        if self.logarithmic:
            mean, scatter = self.mean - np.log(unit), self.scatter
        money = self.money / unit
        return Amounts(self.n, mean, scatter, self.dof, money, self.weight, self.logarithmic)

    def thinned(self, every: int) -> "Amounts":
        """Every so-many-th row."""
        return self.take(slice(every // 2, None, every))

    @cached_property
    def all_equal(self) -> bool:
        """Whether all amounts are the same: then there is nothing to fit."""
        scale = 1.0 if self.logarithmic else self.unit
        within = self.scatter > self.n * (1e-6 * scale) ** 2
        return self.spread_between <= 1e-9 * scale and not bool(within.any())

    def rounded(self) -> "Amounts":
        """The same as if no two amounts were nearer than a thousandth.

        Why: where every customer spends the same each time, the density would be infinite.
        """
        step = _RESOLUTION * (1.0 if self.logarithmic else self.unit)
        return replace(self, scatter=np.maximum(self.scatter, self.dof * step**2))

    @property
    def spread_within(self) -> float:
        """Pooled standard deviation of a customer's amounts (or logarithms); NaN if unknown."""
        dof = float(self.weight @ self.dof)
        return float(np.sqrt(self.weight @ self.scatter / dof)) if dof > 0 else float("nan")

    @property
    def spread_between(self) -> float:
        """Standard deviation of the means over customers, what a mean is unsure by included."""
        total = self.weight.sum()
        middle = self.weight @ self.mean / total
        return float(np.sqrt(self.weight @ (self.mean - middle) ** 2 / total))
