"""Who comes, when, from where, and what they are really like."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int
from scipy.special import gammaincinv, ndtr

from patronage.datasets.shop.calendar import ShopCalendar, hourly_clock
from patronage.datasets.shop.households import draw_relations
from patronage.datasets.shop.products import CATEGORIES
from patronage.datasets.shop.settings import SimulationSettings

__all__ = ["Customers", "draw_customers"]

_BUSINESS_RATE: Final = 1.5
_EXTRA_LINES: Final = 0.55


@dataclass(frozen=True)
class Customers:
    """The latent truth of each customer; times are days from the start, rates are per day.

    Attributes
    ----------
    acquired : first purchase; sorted
    channel : row of `settings.channels`
    business : buys for a firm
    taste : favourite category
    rate : purchases per average day while alive
    death_rate : hazard of leaving for good
    lifetime : days from the first purchase to leaving (may lie beyond the end)
    extra_lines : mean number of extra lines per order
    extra_quantity : mean quantity per line, less 1
    effect : relative rise of the rate while a treatment acts
    consent : marketing consent at acquisition
    consent_flip : when the consent is changed (may lie beyond the end)
    links : customer, other, relation, known
    """

    acquired: Float[np.ndarray, " customers"]
    channel: Int[np.ndarray, " customers"]
    business: Bool[np.ndarray, " customers"]
    taste: Int[np.ndarray, " customers"]
    rate: Float[np.ndarray, " customers"]
    death_rate: Float[np.ndarray, " customers"]
    lifetime: Float[np.ndarray, " customers"]
    extra_lines: Float[np.ndarray, " customers"]
    extra_quantity: Float[np.ndarray, " customers"]
    effect: Float[np.ndarray, " customers"]
    consent: Bool[np.ndarray, " customers"]
    consent_flip: Float[np.ndarray, " customers"]
    links: pl.DataFrame

    def __len__(self) -> int:
        return len(self.acquired)

    @property
    def left(self) -> Float[np.ndarray, " customers"]:
        """When the customer leaves for good."""
        return np.asarray(self.acquired + self.lifetime)

    def consents(self, day: float) -> Bool[np.ndarray, " customers"]:
        """Who consents to marketing on a day."""
        return np.asarray(self.consent ^ (self.consent_flip <= day))


def draw_customers(
    settings: SimulationSettings, calendar: ShopCalendar, rng: np.random.Generator
) -> Customers:
    """Draw every customer's acquisition and latent traits."""
    n = settings.n_customers
    acquired = _acquisition(settings, calendar, rng)
    shares = np.array([channel.share for channel in settings.channels])
    channel = rng.choice(len(shares), size=n, p=shares / shares.sum())
    score, links = None, _no_links()
    if settings.full:
        relations = draw_relations(settings, acquired, channel, rng)
        score, links = relations.score, relations.links
    business = rng.uniform(size=n) < settings.business_share
    quality = {
        name: np.array([getattr(one, name) for one in settings.channels])[channel]
        for name in ("rate", "lifetime", "basket")
    }
    mean_rate = settings.mean_rate * quality["rate"] * np.where(business, _BUSINESS_RATE, 1.0)
    death_rate = rng.gamma(settings.death_shape, 1 / settings.death_scale, n) / quality["lifetime"]
    # Why the floor: a Gamma of small shape underflows to 0, and a lifetime is finite.
    death_rate = np.maximum(death_rate, 1e-9)
    return Customers(
        acquired,
        channel,
        business,
        rng.integers(len(CATEGORIES), size=n),
        _gamma(settings.rate_shape, mean_rate / settings.rate_shape, score, rng),
        death_rate,
        rng.exponential(size=n) / death_rate,
        _EXTRA_LINES * quality["basket"] * rng.gamma(1.5, 1 / 1.5, n) * settings.full,
        np.where(business, rng.gamma(0.8, 6.0, n), rng.gamma(1.0, 0.2, n)),
        settings.campaign_effect
        * np.where(business, 0.3, 1.0)
        * rng.gamma(4.0, 0.25, n)
        * settings.full,
        rng.uniform(size=n) < 0.8,
        acquired + rng.exponential(2_500.0, n),
        links,
    )


def _acquisition(
    settings: SimulationSettings, calendar: ShopCalendar, rng: np.random.Generator
) -> Float[np.ndarray, " customers"]:
    days = np.arange(settings.n_days)
    daily = np.exp(settings.growth * days / 365.25) * calendar.factor[: settings.n_days] ** 0.8
    clock = hourly_clock(daily)
    at = np.sort(rng.uniform(0.0, clock[-1], settings.n_customers))
    return np.interp(at, clock, np.arange(len(clock))) / 24.0


def _gamma(
    shape: float,
    scale: Float[np.ndarray, " customers"],
    score: Float[np.ndarray, " customers"] | None,
    rng: np.random.Generator,
) -> Float[np.ndarray, " customers"]:
    """Gamma draws; where scores are given, the quantiles at them."""
    if score is None:
        return rng.gamma(shape, scale)
    return np.asarray(gammaincinv(shape, ndtr(score)) * scale)


def _no_links() -> pl.DataFrame:
    return pl.DataFrame(
        schema={
            "customer": pl.Int64,
            "other": pl.Int64,
            "relation": pl.String,
            "known": pl.Float64,
        }
    )
