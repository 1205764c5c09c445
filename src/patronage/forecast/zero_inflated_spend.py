"""ZeroInflatedSpend: some purchases cost nothing, the others are worth any positive spend."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from jaxtyping import Float, Int, Shaped

from patronage.errors import SettingsError
from patronage.forecast.codes import equal_rows
from patronage.forecast.spend import AbstractSpend

__all__ = ["ZeroInflatedSpend"]


@final
@dataclass(frozen=True)
class ZeroInflatedSpend(AbstractSpend):
    """Each purchase is paid with a probability of the customer's own, which is Beta(paid, free).

    Of n purchases the paid ones are beta-binomial, and their money is that of `money`. A forecast
    turns its counts into counts of paid purchases once (`paying`), so that it costs no more than
    without free purchases.

    Attributes
    ----------
    money : money of one paid purchase
    paid, free : parameters of the posterior of the probability, each above 0
    """

    money: AbstractSpend
    paid: Float[np.ndarray, " customers"]
    free: Float[np.ndarray, " customers"]
    lattice: ClassVar[None] = None
    positive: ClassVar[bool] = False

    def __post_init__(self) -> None:
        sound = np.isfinite(self.paid + self.free) & (self.paid > 0) & (self.free > 0)
        if not sound.all() or self.money.signed or self.money.lattice is not None:
            raise SettingsError(
                "zero-inflated spend needs positive beta parameters and a continuous, positive "
                f"spend of paid purchases; seen {type(self.money).__name__}.\n"
                "To mend: use Gamma-Gamma or log-normal spend for the paid purchases."
            )

    def mean(self) -> Float[np.ndarray, " customers"]:
        return np.asarray(self.paid / (self.paid + self.free) * self.money.mean())

    def paying(
        self, pmf: Float[np.ndarray, "customers counts"]
    ) -> tuple[Float[np.ndarray, "customers counts"], AbstractSpend]:
        """P(j paid purchases), and the money of one.

        P(j of n paid) follows from P(j of n - 1 paid) as in Pólya's urn: the next one is paid with
        probability (paid + j) / (paid + free + n - 1).
        """
        paid, total = self.paid[:, None], (self.paid + self.free)[:, None]
        width = pmf.shape[1]
        j = np.arange(width)
        of_n = np.zeros_like(pmf)
        of_n[:, 0] = 1.0
        found = pmf[:, :1] * of_n
        for n in range(1, width):
            moved = of_n * (paid + j) / (total + (n - 1))
            of_n -= moved
            of_n[:, 1:] += moved[:, :-1]
            found += pmf[:, n : n + 1] * of_n
        return np.maximum(found, 0.0), self.money

    def sum_cdf(
        self, n: int | float, total: Float[np.ndarray, " customers"]
    ) -> Float[np.ndarray, " customers"]:
        mass = self._of(n)
        parts = (mass[:, j] * self.money.sum_cdf(j, total) for j in range(mass.shape[1]))
        return np.asarray(sum(parts))

    def sum_pdf(
        self, n: int | float, total: Float[np.ndarray, " customers"]
    ) -> Float[np.ndarray, " customers"]:
        mass = self._of(n)
        parts = (mass[:, j] * self.money.sum_pdf(j, total) for j in range(mass.shape[1]))
        return np.asarray(sum(parts))

    def sample_sums(
        self, counts: Int[np.ndarray, "draws customers periods"], rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers periods"]:
        share = rng.beta(self.paid, self.free, size=counts.shape[:2])
        return self.money.sample_sums(rng.binomial(counts, share[:, :, None]), rng)

    def sample_each(
        self,
        n: Int[np.ndarray, " draws"],
        rows: Int[np.ndarray, " draws"],
        rng: np.random.Generator,
    ) -> Float[np.ndarray, " draws"]:
        paid = rng.binomial(n, rng.beta(self.paid[rows], self.free[rows]))
        return self.money.sample_each(paid, rows, rng)

    def standard(
        self,
    ) -> tuple[
        "ZeroInflatedSpend", Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]
    ]:
        money, scale, form = self.money.standard()
        return (
            ZeroInflatedSpend(money, self.paid, self.free),
            scale,
            equal_rows(form, self.paid, self.free),
        )

    def take(self, rows: slice | Shaped[np.ndarray, " rows"]) -> "ZeroInflatedSpend":
        return ZeroInflatedSpend(self.money.take(rows), self.paid[rows], self.free[rows])

    def _of(self, n: int | float) -> Float[np.ndarray, "customers counts"]:
        """P(j of n are paid)."""
        if n != int(n):
            raise SettingsError(f"{n} purchases: free ones can be counted in whole purchases only.")
        sure = np.zeros((len(self.paid), int(n) + 1))
        sure[:, -1] = 1.0
        return self.paying(sure)[0]
