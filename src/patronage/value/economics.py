"""Economics: what a unit of a customer's cash is worth to the firm."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from patronage.errors import SettingsError
from patronage.value.discounting import TIMINGS, Timing

__all__ = ["Economics"]


@dataclass(frozen=True)
class Economics:
    """Margin, discounting and acquisition cost; one value for all, or one per customer.

    Attributes
    ----------
    margin : contribution as a fraction of cash, above −1 and at most 1; negative where each sale
        loses money. 35 percent is 0.35
    annual_discount_rate : effective, above −1
    cac : cost of acquiring a customer, in currency, 0 or more
    timing : when within a period its cash falls
    """

    margin: float | Float[np.ndarray, " customers"] = 1.0
    annual_discount_rate: float = 0.10
    cac: float | Float[np.ndarray, " customers"] = 0.0
    timing: Timing = "mid"

    def __post_init__(self) -> None:
        margin, cac = np.atleast_1d(self.margin), np.atleast_1d(self.cac)
        _require(
            np.isfinite(margin) & (margin > -1) & (margin <= 1),
            margin,
            "margin is a fraction of cash, above -1 and at most 1",
            "write 35 percent as 0.35",
        )
        _require(
            np.isfinite(cac) & (cac >= 0),
            cac,
            "cac is a cost per customer, 0 or more",
            "give the cost as a positive number",
        )
        rate = np.atleast_1d(self.annual_discount_rate)
        _require(
            np.isfinite(rate) & (rate > -1),
            rate,
            "annual_discount_rate is an effective rate above -1",
            "write 10 percent a year as 0.10",
        )
        if self.timing not in TIMINGS:
            raise SettingsError(f"no timing {self.timing!r}; known: {', '.join(TIMINGS)}.")

    def per_customer_margin(self, n_customers: int) -> Float[np.ndarray, " customers"]:
        """The margin of each of so many customers."""
        return np.broadcast_to(np.asarray(self.margin, dtype=float), (n_customers,))

    def per_customer_cac(self, n_customers: int) -> Float[np.ndarray, " customers"]:
        """The acquisition cost of each of so many customers."""
        return np.broadcast_to(np.asarray(self.cac, dtype=float), (n_customers,))

    def take(self, rows: slice | Shaped[np.ndarray, " rows"]) -> "Economics":
        """The same for some of the customers."""
        return Economics(
            self.margin[rows] if isinstance(self.margin, np.ndarray) else self.margin,
            self.annual_discount_rate,
            self.cac[rows] if isinstance(self.cac, np.ndarray) else self.cac,
            self.timing,
        )


def _require(
    holds: Shaped[np.ndarray, " some"], seen: Shaped[np.ndarray, " some"], law: str, mend: str
) -> None:
    if not holds.all():
        wrong = seen[~holds]
        count = f" ({len(wrong)} customers)" if len(wrong) > 1 else ""
        raise SettingsError(f"{law}; {wrong[0]:g} was given{count}.\nTo mend: {mend}.")
