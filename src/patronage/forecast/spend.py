"""AbstractSpend and its final forms: money per purchase, one latent level per customer."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy.special import betainc, betaln

from patronage.errors import SettingsError

__all__ = ["AbstractSpend", "GammaGammaSpend", "UnitSpend"]


class AbstractSpend(ABC):
    """Gross money of each purchase; all purchases of a customer share one unknown level.

    Attributes
    ----------
    lattice : every sum is a whole multiple of this; None where sums are continuous
    positive : every purchase costs something
    signed : sums may be negative
    """

    lattice: ClassVar[float | None]
    positive: ClassVar[bool] = True
    signed: ClassVar[bool] = False

    @abstractmethod
    def standard(
        self,
    ) -> tuple["AbstractSpend", Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        """The same in units of each customer's scale; the scale; and a number that is equal for
        customers who differ by scale alone.
        """

    @abstractmethod
    def mean(self) -> Float[np.ndarray, " customers"]:
        """Expected money of one purchase."""

    def paying(
        self, pmf: Float[np.ndarray, "customers counts"]
    ) -> tuple[Float[np.ndarray, "customers counts"], "AbstractSpend"]:
        """From P(N = n) to the same of the purchases that cost something, and the spend of these;
        nothing changes where no purchase is free.
        """
        return pmf, self

    @abstractmethod
    def sum_cdf(
        self, n: int | float, total: Float[np.ndarray, " customers"]
    ) -> Float[np.ndarray, " customers"]:
        """P(the sum of n purchases <= total); n may lie between whole numbers."""

    @abstractmethod
    def sum_pdf(
        self, n: int | float, total: Float[np.ndarray, " customers"]
    ) -> Float[np.ndarray, " customers"]:
        """Density of the sum of n purchases at total > 0; zero where sums are on a lattice."""

    @abstractmethod
    def sample_sums(
        self, counts: Int[np.ndarray, "draws customers periods"], rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers periods"]:
        """Money of `counts` purchases; the level is drawn once per draw and customer."""

    @abstractmethod
    def sample_each(
        self,
        n: Int[np.ndarray, " draws"],
        rows: Int[np.ndarray, " draws"],
        rng: np.random.Generator,
    ) -> Float[np.ndarray, " draws"]:
        """Money of n[i] purchases of customer rows[i], every draw with a level of its own."""

    @abstractmethod
    def take(self, rows: slice | Shaped[np.ndarray, " rows"]) -> "AbstractSpend":
        """The same for some of the customers."""


@final
@dataclass(frozen=True)
class GammaGammaSpend(AbstractSpend):
    """Gamma-Gamma, Fader & Hardie (2013), given what each customer has spent so far.

    One purchase ~ Gamma(p, rate nu), and nu | history ~ Gamma(shape, rate scale). So the sum of
    n purchases is scale × BetaPrime(p n, shape), and one purchase is worth p scale / (shape − 1).

    Attributes
    ----------
    p : shape of one purchase
    shape : q + p × purchases seen; above 1, else no mean exists
    scale : gamma + money seen (x purchases of mean z make x z), in currency
    """

    p: float
    shape: Float[np.ndarray, " customers"]
    scale: Float[np.ndarray, " customers"]
    lattice: ClassVar[None] = None

    def __post_init__(self) -> None:
        if not (
            np.isfinite(self.p)
            and self.p > 0
            and bool(np.all(np.isfinite(self.shape) & (self.shape > 1)))
            and bool(np.all(np.isfinite(self.scale) & (self.scale > 0)))
        ):
            raise SettingsError(
                f"Gamma-Gamma spend needs p > 0, shape > 1 and scale > 0; seen p {self.p:g}, "
                f"shape from {np.min(self.shape, initial=np.inf):g}, "
                f"scale from {np.min(self.scale, initial=np.inf):g}. "
                "With a shape of 1 or less the mean spend is infinite.\n"
                "To mend: bound q above 1 when fitting, or use another spend model."
            )

    def mean(self) -> Float[np.ndarray, " customers"]:
        return np.asarray(self.p * self.scale / (self.shape - 1))

    def sum_cdf(
        self, n: int | float, total: Float[np.ndarray, " customers"]
    ) -> Float[np.ndarray, " customers"]:
        if n == 0:
            return (total >= 0).astype(float)
        money = np.maximum(total, 0.0)
        return np.asarray(betainc(self.p * n, self.shape, money / (money + self.scale)))

    def sum_pdf(
        self, n: int | float, total: Float[np.ndarray, " customers"]
    ) -> Float[np.ndarray, " customers"]:
        if n == 0:
            return np.zeros_like(total)
        k = self.p * n
        with np.errstate(divide="ignore", invalid="ignore"):
            log_pdf = (
                k * np.log(total / (total + self.scale))
                + self.shape * np.log(self.scale / (total + self.scale))
                - np.log(total)
                - betaln(k, self.shape)
            )
        return np.where(total > 0, np.exp(log_pdf), 0.0)

    def sample_sums(
        self, counts: Int[np.ndarray, "draws customers periods"], rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers periods"]:
        level = rng.standard_gamma(self.shape, size=counts.shape[:2]) / self.scale
        return np.asarray(rng.standard_gamma(self.p * counts) / level[:, :, None])

    def standard(
        self,
    ) -> tuple["GammaGammaSpend", Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        return GammaGammaSpend(self.p, self.shape, np.ones_like(self.scale)), self.scale, self.shape

    def sample_each(
        self,
        n: Int[np.ndarray, " draws"],
        rows: Int[np.ndarray, " draws"],
        rng: np.random.Generator,
    ) -> Float[np.ndarray, " draws"]:
        level = rng.standard_gamma(self.shape[rows]) / self.scale[rows]
        return np.asarray(rng.standard_gamma(self.p * n) / level)

    def take(self, rows: slice | Shaped[np.ndarray, " rows"]) -> "GammaGammaSpend":
        return GammaGammaSpend(self.p, self.shape[rows], self.scale[rows])


@final
@dataclass(frozen=True)
class UnitSpend(AbstractSpend):
    """Every purchase counts 1: logs without money."""

    n_customers: int
    lattice: ClassVar[float] = 1.0

    def mean(self) -> Float[np.ndarray, " customers"]:
        return np.ones(self.n_customers)

    def sum_cdf(
        self, n: int | float, total: Float[np.ndarray, " customers"]
    ) -> Float[np.ndarray, " customers"]:
        return (total >= n).astype(float)

    def sum_pdf(
        self, n: int | float, total: Float[np.ndarray, " customers"]
    ) -> Float[np.ndarray, " customers"]:
        del n
        return np.zeros_like(total)

    def sample_sums(
        self, counts: Int[np.ndarray, "draws customers periods"], rng: np.random.Generator
    ) -> Float[np.ndarray, "draws customers periods"]:
        del rng
        return counts.astype(float)

    def standard(
        self,
    ) -> tuple["UnitSpend", Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        return self, np.ones(self.n_customers), np.ones(self.n_customers)

    def sample_each(
        self,
        n: Int[np.ndarray, " draws"],
        rows: Int[np.ndarray, " draws"],
        rng: np.random.Generator,
    ) -> Float[np.ndarray, " draws"]:
        del rows, rng
        return n.astype(float)

    def take(self, rows: slice | Shaped[np.ndarray, " rows"]) -> "UnitSpend":
        return UnitSpend(len(np.arange(self.n_customers)[rows]))
