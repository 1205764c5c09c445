"""Campaigns: who could be treated, with what probability, and who was."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Bool, Float

from patronage.datasets.shop.customers import Customers
from patronage.datasets.shop.settings import SimulationSettings

__all__ = ["Campaigns", "draw_campaigns"]

# Month and day of the mailings of a year: outside the promotions, over 60 days apart.
_MAILINGS: Final = ((2, 20), (5, 22), (8, 20), (11, 3))
_SEASONS: Final = ("winter", "spring", "summer", "autumn")


@dataclass(frozen=True)
class Campaigns:
    """Mailings, each acting for some days on those treated.

    Attributes
    ----------
    name : such as 'spring-2025'
    start : days from the start
    randomised : every eligible customer had the same chance; else a rule preferred some
    propensity : chance of treatment; 0 for those not eligible (not yet customers, no consent)
    treated : who was
    """

    name: tuple[str, ...]
    start: tuple[float, ...]
    randomised: tuple[bool, ...]
    propensity: Float[np.ndarray, "customers campaigns"]
    treated: Bool[np.ndarray, "customers campaigns"]

    def events(self, rng: np.random.Generator) -> pl.DataFrame:
        """One 'treatment' row per customer treated; sent within the first hours of the day."""
        customer, campaign = np.nonzero(self.treated)
        return pl.DataFrame(
            {
                "customer": customer,
                "time": np.array(self.start)[campaign] + rng.uniform(0.0, 0.1, len(customer)),
                "kind": np.full(len(customer), "treatment"),
                "channel": np.full(len(customer), "email"),
                "campaign": np.array(self.name or ("",))[campaign],
                "propensity": self.propensity[customer, campaign],
                "policy": np.where(
                    np.array(self.randomised or (True,))[campaign], "random", "rule"
                ),
            },
            schema_overrides=dict.fromkeys(("kind", "channel", "campaign", "policy"), pl.String),
        )


def draw_campaigns(
    settings: SimulationSettings, customers: Customers, rng: np.random.Generator
) -> Campaigns:
    """Every second mailing is randomised; the others prefer firms, new and referred customers."""
    when = _mailings(settings) if settings.full else []
    propensity = np.zeros((len(customers), len(when)))
    channel = np.array([one.name for one in settings.channels])[customers.channel]
    liked = np.where(channel == "referral", 0.8, 0.0) + np.where(customers.business, 0.6, 0.0)
    for number, (_, day) in enumerate(when):
        tenure = day - customers.acquired
        eligible = (tenure > 0) & customers.consents(day)
        targeted = 1 / (1 + np.exp(-(liked + 0.5 - tenure / 365.0)))
        chance = np.full(len(customers), 0.5) if number % 2 == 0 else targeted
        propensity[:, number] = np.where(eligible, chance, 0.0)
    return Campaigns(
        tuple(name for name, _ in when),
        tuple(day for _, day in when),
        tuple(number % 2 == 0 for number in range(len(when))),
        propensity,
        rng.uniform(size=propensity.shape) < propensity,
    )


def _mailings(settings: SimulationSettings) -> list[tuple[str, float]]:
    found = []
    for year in range(settings.start.year, settings.end.year + 1):
        for season, (month, day) in zip(_SEASONS, _MAILINGS, strict=True):
            sent = date(year, month, day)
            if settings.start + timedelta(days=30) <= sent < settings.end:
                found.append((f"{season}-{year}", float((sent - settings.start).days)))
    return found
