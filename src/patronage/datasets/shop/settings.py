"""The settings of the simulated shop; the defaults are the demo."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from patronage.errors import SettingsError

__all__ = ["CHANNELS", "AcquisitionChannel", "SimulationSettings"]


@dataclass(frozen=True)
class AcquisitionChannel:
    """Where customers come from, and how good those customers are.

    Attributes
    ----------
    name : its name in the `customers` table
    share : fraction of the new customers
    rate : purchase rate relative to the shop's
    lifetime : mean lifetime relative to the shop's
    basket : number of extra lines per order relative to the shop's
    cac : mean cost of one acquisition, in the log's currency
    """

    name: str
    share: float
    rate: float
    lifetime: float
    basket: float
    cac: float


CHANNELS: Final = (
    AcquisitionChannel("organic_search", 0.30, 1.05, 1.2, 1.0, 9.0),
    AcquisitionChannel("paid_search", 0.24, 0.95, 0.9, 1.0, 34.0),
    AcquisitionChannel("social", 0.20, 0.70, 0.5, 0.8, 27.0),
    AcquisitionChannel("marketplace", 0.14, 0.80, 0.6, 0.7, 21.0),
    AcquisitionChannel("referral", 0.12, 1.50, 1.9, 1.3, 15.0),
)


@dataclass(frozen=True)
class SimulationSettings:
    """What the simulated shop is like. Rates are per day, shares are fractions.

    Attributes
    ----------
    n_customers : customers acquired between `start` and `end`
    start : first day
    end : first day that is not simulated, the as_of of the export
    currency : ISO 4217
    detail : "full", or "purchases" (one line per order and nothing else, for millions of customers)
    growth : continuous yearly growth of acquisition
    seasonality : 0 no season; 1 the shop's weekdays, seasons, holidays and promotions
    rate_shape, mean_rate : the purchase rate is Gamma over customers (r and r/alpha)
    death_shape, death_scale : so is the death rate (s, beta in days): Pareto/NBD
    regularity : k; gaps between purchases are Erlang-k in season-adjusted time, 1 is Poisson
    business_share : customers who buy for a firm: more often, in larger quantities
    return_share : scales the products' chance to be sent back
    campaign_effect : relative rise of the purchase rate while a treatment acts
    campaign_days : how long it acts
    membership_share : customers who join the club, a monthly subscription
    household_share : customers who share a home with another customer
    late_share : refunds that the ledger learns of days after the money went back
    channels : where customers come from
    """

    n_customers: int = 3_000
    start: date = date(2024, 1, 1)
    end: date = date(2026, 7, 1)
    currency: str = "USD"
    detail: Literal["full", "purchases"] = "full"
    growth: float = 0.2
    seasonality: float = 1.0
    rate_shape: float = 0.45
    mean_rate: float = 1 / 65
    death_shape: float = 0.6
    death_scale: float = 35.0
    regularity: int = 1
    business_share: float = 0.06
    return_share: float = 1.0
    campaign_effect: float = 0.5
    campaign_days: int = 21
    membership_share: float = 0.11
    household_share: float = 0.16
    late_share: float = 0.3
    channels: tuple[AcquisitionChannel, ...] = CHANNELS

    def __post_init__(self) -> None:
        _require(self.n_customers >= 1, "n_customers is at least 1", self.n_customers)
        _require(
            self.end - self.start >= timedelta(days=30),
            "the shop runs for at least 30 days",
            f"{self.start}..{self.end}",
        )
        _require(
            self.end - self.start <= timedelta(days=14_610),
            "the shop runs for at most 40 years",
            f"{self.start}..{self.end}",
        )
        for name in ("rate_shape", "mean_rate", "death_shape", "death_scale"):
            _require(getattr(self, name) > 0, f"{name} is positive", getattr(self, name))
        for name in ("seasonality", "return_share", "campaign_effect"):
            _require(0 <= getattr(self, name) <= 3, f"{name} is in 0..3", getattr(self, name))
        for name in ("business_share", "membership_share", "household_share", "late_share"):
            _require(0 <= getattr(self, name) <= 1, f"{name} is in 0..1", getattr(self, name))
        _require(self.regularity >= 1, "regularity is a whole number from 1 on", self.regularity)
        _require(1 <= self.campaign_days <= 60, "campaign_days is in 1..60", self.campaign_days)
        total = sum(channel.share for channel in self.channels)
        _require(abs(total - 1) < 1e-9, "the shares of the channels sum to 1", total)

    @property
    def n_days(self) -> int:
        """Days simulated."""
        return (self.end - self.start).days

    @property
    def full(self) -> bool:
        """Baskets, returns, campaigns and the rest are simulated too."""
        return self.detail == "full"


def _require(holds: bool, rule: str, seen: object) -> None:
    if not holds:
        raise SettingsError(
            f"simulation settings: {rule}; {seen} given.\nTo mend: give a value in range."
        )
