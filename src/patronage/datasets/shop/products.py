"""What the shop sells: categories, roles, prices, costs, launches and ends."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from patronage.datasets.shop.settings import SimulationSettings

__all__ = ["CATEGORIES", "LEADS", "MEMBERSHIPS", "Catalogue", "make_catalogue"]

CATEGORIES: Final = ("coffee", "tea", "kitchen", "gifts")
# Roles of a basket's first line; the other roles come as extra lines.
LEADS: Final = ("primary", "upsell")
# Product ids of the club's tiers, with their monthly fees.
MEMBERSHIPS: Final = {"P-CLUB-BASIC": 6.99, "P-CLUB-PLUS": 12.99}

# Name, category, role, list price, cost share, popularity, chance of return, launch and end as
# fractions of the simulated time (launch 0: was there before; end 1: still there).
_PRODUCTS: Final = (
    ("House blend 500 g", "coffee", "primary", 14.90, 0.48, 5.0, 0.01, 0.0, 1.0),
    ("Single origin 250 g", "coffee", "primary", 12.50, 0.45, 3.0, 0.01, 0.0, 1.0),
    ("Decaf 500 g", "coffee", "primary", 15.90, 0.50, 1.2, 0.01, 0.0, 1.0),
    ("Winter roast 250 g", "coffee", "primary", 13.90, 0.44, 1.5, 0.01, 0.3, 0.8),
    ("Hand grinder", "coffee", "upsell", 64.00, 0.55, 0.8, 0.07, 0.0, 1.0),
    ("Espresso machine", "coffee", "upsell", 329.00, 0.62, 0.25, 0.09, 0.2, 1.0),
    ("Paper filters", "coffee", "complementary", 4.90, 0.35, 4.0, 0.01, 0.0, 1.0),
    ("Descaler", "coffee", "complementary", 8.90, 0.30, 1.5, 0.01, 0.0, 1.0),
    ("Oat biscuits", "coffee", "cross_sell", 5.50, 0.50, 2.0, 0.01, 0.4, 1.0),
    ("Assam 250 g", "tea", "primary", 11.90, 0.42, 3.0, 0.01, 0.0, 1.0),
    ("Sencha 100 g", "tea", "primary", 13.50, 0.44, 2.0, 0.01, 0.0, 1.0),
    ("Herbal selection", "tea", "primary", 9.90, 0.40, 2.5, 0.02, 0.0, 0.9),
    ("Matcha ceremony set", "tea", "upsell", 79.00, 0.50, 0.5, 0.06, 0.35, 1.0),
    ("Tea strainer", "tea", "complementary", 7.50, 0.38, 2.0, 0.03, 0.0, 1.0),
    ("Honey 250 g", "tea", "cross_sell", 8.20, 0.55, 1.8, 0.01, 0.0, 1.0),
    ("Stoneware mug", "kitchen", "primary", 18.00, 0.40, 3.0, 0.06, 0.0, 1.0),
    ("Linen tea towel", "kitchen", "primary", 12.00, 0.42, 2.5, 0.05, 0.0, 0.6),
    ("Walnut board", "kitchen", "primary", 39.00, 0.52, 1.5, 0.06, 0.0, 1.0),
    ("Chef's knife", "kitchen", "upsell", 119.00, 0.56, 0.6, 0.08, 0.0, 1.0),
    ("Board oil", "kitchen", "complementary", 9.50, 0.33, 1.5, 0.02, 0.0, 1.0),
    ("Apron", "kitchen", "cross_sell", 34.00, 0.45, 1.0, 0.14, 0.0, 1.0),
    ("Gift box small", "gifts", "primary", 29.00, 0.50, 2.5, 0.04, 0.0, 1.0),
    ("Gift box large", "gifts", "primary", 54.00, 0.48, 1.5, 0.04, 0.0, 1.0),
    ("Hamper", "gifts", "upsell", 145.00, 0.52, 0.5, 0.04, 0.5, 1.0),
    ("Greeting card", "gifts", "complementary", 3.90, 0.25, 2.5, 0.01, 0.0, 1.0),
    ("Candle", "gifts", "cross_sell", 16.50, 0.40, 1.5, 0.05, 0.15, 1.0),
    ("Gift wrapping", "gifts", "service", 4.50, 0.60, 1.5, 0.0, 0.0, 1.0),
    ("Engraving", "kitchen", "service", 12.00, 0.45, 0.5, 0.0, 0.25, 1.0),
)
# A favourite category is bought this many times as often as the others.
_TASTE: Final = 6.0


@dataclass(frozen=True)
class Catalogue:
    """The products, and the chances that a basket line is one of them.

    Attributes
    ----------
    product_id : ids, memberships last
    price : list price on day 0
    p_return : chance that a line of it is sent back
    available : whether it is on sale, per era and product
    era : the era of each day, to the calendar's end; within an era the same products are on sale
    chances : per pool (0 the first line of a basket, 1 an extra line), taste, era and product
    table : the `products` side table
    """

    product_id: tuple[str, ...]
    price: Float[np.ndarray, " products"]
    p_return: Float[np.ndarray, " products"]
    available: Bool[np.ndarray, "eras products"]
    era: Int[np.ndarray, " days"]
    chances: Float[np.ndarray, "pools tastes eras products"]
    table: pl.DataFrame

    def mean_price(self, *, net_of: float = 0.0) -> Float[np.ndarray, "pools tastes days"]:
        """Expected list price of a line, less `net_of` of it times the chance of return."""
        by_era = self.chances @ (self.price * (1.0 - net_of * self.p_return))
        return np.asarray(by_era[:, :, self.era])


def make_catalogue(settings: SimulationSettings, n_days: int) -> Catalogue:
    """The catalogue for `n_days` from the start."""
    names = [row[0] for row in _PRODUCTS]
    weight = np.array([row[5] for row in _PRODUCTS])
    launch = np.array([round(row[7] * settings.n_days) for row in _PRODUCTS])
    end = np.array([round(row[8] * settings.n_days) for row in _PRODUCTS])
    end = np.where(end == settings.n_days, n_days, end)
    starts = np.unique(np.concatenate([[0], launch, end[end < n_days]]))
    available = (launch <= starts[:, None]) & (starts[:, None] < end)
    leads = np.array([row[2] in LEADS for row in _PRODUCTS])
    favourite = np.array(
        [[_TASTE if row[1] == c else 1.0 for row in _PRODUCTS] for c in CATEGORIES]
    )
    pools = np.stack([leads, ~leads])
    odds = pools[:, None, None, :] * favourite[None, :, None, :] * (available * weight)[None, None]
    return Catalogue(
        tuple(f"P{number:03d}" for number in range(1, len(names) + 1)),
        np.array([row[3] for row in _PRODUCTS]),
        np.minimum(settings.return_share * np.array([row[6] for row in _PRODUCTS]), 1.0),
        available,
        np.searchsorted(starts, np.arange(n_days), side="right") - 1,
        odds / odds.sum(axis=-1, keepdims=True),
        _table(settings, launch, end),
    )


def _table(
    settings: SimulationSettings,
    launch: Int[np.ndarray, " products"],
    end: Int[np.ndarray, " products"],
) -> pl.DataFrame:
    """Versions: as announced, then with a new cost, then with the end once it is decided."""
    versions = []
    for number, (name, category, role, price, cost, *_) in enumerate(_PRODUCTS):
        first = settings.start + timedelta(days=int(launch[number]))
        row: dict[str, object] = {
            "product_id": f"P{number + 1:03d}",
            "known_time": first - timedelta(days=14),
            "name": name,
            "category": category,
            "role": role,
            "list_price": price,
            "unit_cost": round(price * cost, 2),
            "launch": first,
            "end": None,
        }
        versions.append(row)
        dearer = settings.start + timedelta(days=int(0.55 * settings.n_days) + number)
        if number % 3 == 0 and dearer > first:
            row = row | {"known_time": dearer, "unit_cost": round(price * cost * 1.06, 2)}
            versions.append(row)
        if end[number] <= settings.n_days:
            last = settings.start + timedelta(days=int(end[number]))
            versions.append(row | {"known_time": last - timedelta(days=30), "end": last})
    for product_id, fee in MEMBERSHIPS.items():
        tier = product_id.rsplit("-", 1)[1].lower()
        versions.append(
            {
                "product_id": product_id,
                "known_time": settings.start - timedelta(days=14),
                "name": f"Club {tier}, one month",
                "category": "club",
                "role": "service",
                "list_price": fee,
                "unit_cost": round(fee * 0.2, 2),
                "launch": settings.start,
                "end": None,
            }
        )
    return (
        pl.DataFrame(versions, schema_overrides={"end": pl.Date, "launch": pl.Date})
        .with_columns(pl.col("known_time").cast(pl.Datetime("us")))
        .filter(pl.col("known_time") < pl.lit(settings.end).cast(pl.Datetime("us")))
        .sort("known_time", "product_id")
    )
