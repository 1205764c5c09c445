"""Sarmanov's correlation of how often a customer buys and how much a purchase is worth.

Purchase rates λ ~ Gamma(r, α) and the rates ν ~ Gamma(q, γ) of Gamma-Gamma spend get the joint
density f(λ) f(ν) [1 + ω φ(λ) ψ(ν)]. The kernels φ(λ) = e^(-λ/E[λ]) - (1 + 1/r)^-r and ψ(ν) =
e^(-ν/E[ν]) - (1 + 1/q)^-q leave both margins as they are (Sarmanov 1966; Park & Fader 2004,
Modeling browsing behavior at multiple websites). Weighing Gamma(r, α) by e^(-λ/E[λ]) gives
Gamma(r, α + α/r) times (1 + 1/r)^-r; so everything is had from the independent model at two values
of α and two of γ: the likelihood of a customer is L(purchases) L(spend) [1 + ω A B] with
A = E[φ | purchases] and B = E[ψ | spend], and the posterior is a mixture of four products.

The correlation is between -1 and 1 of what the kernels can express, and above 0 where frequent
buyers spend more a purchase (ω is then below 0: λ and ν move apart).
"""

from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize_scalar
from scipy.special import chdtrc

__all__ = ["Sarmanov", "Tilts", "fit_sarmanov"]

_NEARLY_ONE = 0.999


@final
@dataclass(frozen=True)
class Tilts:
    """What purchases and spend say of the kernels, customer by customer.

    Attributes
    ----------
    rate, spend : E[e^(-λ/E[λ]) | purchases] and E[e^(-ν/E[ν]) | spend]
    r, q : shapes of both margins
    """

    rate: Float[np.ndarray, " customers"]
    spend: Float[np.ndarray, " customers"]
    r: float
    q: float

    @property
    def kernels(self) -> tuple[Float[np.ndarray, " customers"], Float[np.ndarray, " customers"]]:
        """A and B."""
        rate, spend = self.expected
        return self.rate - rate, self.spend - spend

    @property
    def expected(self) -> tuple[float, float]:
        """E[e^(-λ/E[λ])] and E[e^(-ν/E[ν])] over all customers."""
        return (1 + 1 / self.r) ** -self.r, (1 + 1 / self.q) ** -self.q

    @property
    def bounds(self) -> tuple[float, float]:
        """Lowest and highest ω at which the density is nowhere negative."""
        a, b = self.expected
        return -1 / max(a * b, (1 - a) * (1 - b)), 1 / max(a * (1 - b), b * (1 - a))

    def omega(self, correlation: float) -> float:
        """ω of a correlation between -1 and 1."""
        low, high = self.bounds
        return correlation * low if correlation > 0 else -correlation * high

    def weights(self, correlation: float) -> Float[np.ndarray, "customers 2 2"]:
        """Of the posterior, by the two values of α and of γ."""
        omega, (a, b) = self.omega(correlation), self.expected
        rate = np.stack([np.full_like(self.rate, -a), self.rate], axis=1)
        spend = np.stack([np.full_like(self.spend, -b), self.spend], axis=1)
        found = omega * rate[:, :, None] * spend[:, None, :]
        found[:, 0, 0] += 1.0
        return np.asarray(found / found.sum(axis=(1, 2), keepdims=True))


@final
@dataclass(frozen=True)
class Sarmanov:
    """The correlation, and whether it is there.

    Attributes
    ----------
    correlation, standard_error : as a share of the feasible range
    of_means : correlation of the purchase rate and the mean spend that it makes; None where the
        spread of spend is infinite
    likelihood_ratio, p_value : against no correlation, chi-squared with one degree of freedom
    at_bound : the data want more than the kernels can express
    """

    correlation: float
    standard_error: float
    of_means: float | None
    likelihood_ratio: float
    p_value: float
    at_bound: bool

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to tell where the kernels do not reach."""
        if not self.at_bound:
            return ()
        return (
            "purchases and spend go together at least as much as Sarmanov's kernels can express: "
            "the forecast makes up for a part of it",
        )

    @property
    def facts(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return asdict(self)


def fit_sarmanov(tilts: Tilts, weight: Float[np.ndarray, " customers"]) -> Sarmanov:
    """Maximise Σ weight ln(1 + ω A B), with the margins as they were fitted.

    At ω = 0 the score of ω is orthogonal to those of the margins, so that the test is that of the
    joint fit; away from it the standard error takes the margins for known.
    """
    A, B = tilts.kernels
    product = A * B

    def loss(correlation: float) -> float:
        return -float(weight @ np.log1p(tilts.omega(correlation) * product))

    sides = [
        minimize_scalar(loss, bounds=side, method="bounded", options={"xatol": 1e-9})
        for side in ((-_NEARLY_ONE, 0.0), (0.0, _NEARLY_ONE))
    ]
    best = min(sides, key=lambda found: float(found.fun))
    correlation = float(best.x) if best.fun < 0 else 0.0
    low, high = tilts.bounds
    per_unit = low if correlation > 0 else -high
    slope = per_unit * product / (1 + tilts.omega(correlation) * product)
    information = float(weight @ slope**2)
    ratio = max(0.0, -2 * loss(correlation))
    of_means = None
    if tilts.q > 2:
        (a, b), r, q = tilts.expected, tilts.r, tilts.q
        share = a * b * np.sqrt(r * (q - 2)) / ((1 + r) * q)
        of_means = -tilts.omega(correlation) * float(share)
    return Sarmanov(
        correlation,
        float(1 / np.sqrt(information)) if information > 0 else float("inf"),
        of_means,
        ratio,
        float(chdtrc(1, ratio)),
        abs(correlation) > _NEARLY_ONE - 1e-4,
    )
