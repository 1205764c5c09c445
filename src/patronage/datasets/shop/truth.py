"""What the simulation knows and no model may: latent traits, and the expectations from them."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Shaped

from patronage.datasets.shop.calendar import AHEAD_DAYS, ShopCalendar
from patronage.datasets.shop.campaigns import Campaigns
from patronage.datasets.shop.customers import Customers
from patronage.datasets.shop.products import CATEGORIES, Catalogue
from patronage.datasets.shop.refunds import MEAN_REFUND
from patronage.datasets.shop.settings import SimulationSettings
from patronage.datasets.shop.subscriptions import Memberships
from patronage.errors import HorizonError, SettingsError
from patronage.horizon import Horizon

__all__ = ["Outlook", "Truth"]

_CHUNK: Final = 2_048


@dataclass(frozen=True)
class Outlook:
    """What one who knows every latent trait expects, customer by customer.

    Attributes
    ----------
    customer_id : customers acquired before `as_of`
    as_of, horizon : where it begins and how it is cut
    alive : still a customer at as_of
    purchases : expected orders and membership fees paid, per customer and period
    cash : expected net cash, per customer and period
    """

    customer_id: Shaped[np.ndarray, " customers"]
    as_of: date
    horizon: Horizon
    alive: Bool[np.ndarray, " customers"]
    purchases: Float[np.ndarray, "customers periods"]
    cash: Float[np.ndarray, "customers periods"]


@dataclass(frozen=True)
class Truth:
    """The latent world of one simulation."""

    customer_id: Shaped[np.ndarray, " customers"]
    settings: SimulationSettings
    calendar: ShopCalendar
    catalogue: Catalogue
    customers: Customers
    campaigns: Campaigns
    memberships: Memberships

    def alive(self, as_of: date) -> Bool[np.ndarray, " customers"]:
        """Who has come and not left before `as_of`."""
        day = float((as_of - self.settings.start).days)
        return np.asarray((self.customers.acquired < day) & (self.customers.left >= day))

    def outlook(self, as_of: date, horizon: Horizon) -> Outlook:
        """Expected orders and cash given the latent traits, the treatments, and being alive.

        Exact up to the rounding of prices to cents where gaps are Poisson (`regularity` 1), for
        the average of many worlds that share the traits: intensity × survival, integrated over
        the days of the season-adjusted clock. For Erlang gaps it is the long-run rate. A return
        is charged on the day of its order, not the days later when the money goes back.

        Raises
        ------
        SettingsError : as_of lies outside the simulated time
        HorizonError : the horizon reaches more than ten years past its end
        """
        day, n_days = self._span(as_of, horizon)
        rows = np.flatnonzero(self.customers.acquired < day)
        alive = self.alive(as_of)
        purchases = np.zeros((len(self.customers), horizon.n_periods))
        cash = np.zeros_like(purchases)
        for start in range(0, len(rows), _CHUNK):
            chunk = rows[start : start + _CHUNK]
            chunk = chunk[alive[chunk]]
            purchases[chunk], cash[chunk] = self._orders(chunk, day, n_days, horizon)
        club = self.memberships
        fees, paid = club.expected(
            float(day), horizon, alive[club.customer], self.customers.death_rate[club.customer]
        )
        purchases[club.customer] += fees
        cash[club.customer] += paid
        return Outlook(
            self.customer_id[rows], as_of, horizon, alive[rows], purchases[rows], cash[rows]
        )

    def _span(self, as_of: date, horizon: Horizon) -> tuple[int, int]:
        if not self.settings.start <= as_of <= self.settings.end:
            raise SettingsError(
                f"as_of is {as_of}, but the simulation runs from {self.settings.start} to "
                f"{self.settings.end}.\nTo mend: give a day within it."
            )
        day, n_days = (as_of - self.settings.start).days, int(np.ceil(horizon.days))
        if day + n_days > len(self.calendar.factor):
            raise HorizonError(
                f"{horizon} from {as_of} reaches past "
                f"{self.settings.end + timedelta(days=AHEAD_DAYS)}, the end of the calendar.\n"
                "To mend: ask for at most ten years ahead."
            )
        return day, n_days

    def _orders(
        self, rows: np.ndarray, day: int, n_days: int, horizon: Horizon
    ) -> tuple[Float[np.ndarray, "rows periods"], Float[np.ndarray, "rows periods"]]:
        who, calendar = self.customers, self.calendar
        days = np.arange(day, day + n_days)
        edges = horizon.edges()
        # Fraction of each day that falls into each period: (days, periods).
        first = np.arange(n_days)[:, None]
        share = np.clip(np.minimum(first + 1, edges[1:]) - np.maximum(first, edges[:-1]), 0.0, 1.0)
        share = share * calendar.factor[days][:, None]
        mu = who.death_rate[rows][:, None]
        # The mean over a day of the chance to be alive, given alive at as_of: (rows, days).
        intensity = np.exp(-mu * np.arange(n_days)) * (-np.expm1(-mu) / mu)
        intensity *= who.rate[rows][:, None]
        acting = np.array(
            [
                (start <= days) & (days < start + self.settings.campaign_days)
                for start in self.campaigns.start
            ]
        ).reshape(len(self.campaigns.start), n_days)
        treated = self.campaigns.treated[rows].astype(np.float64)
        intensity *= 1.0 + who.effect[rows][:, None] * (treated @ acting)
        price = self.catalogue.mean_price(net_of=MEAN_REFUND)[:, :, days]
        price = price * calendar.price_level(days)
        purchases = intensity @ share
        cash = np.zeros_like(purchases)
        for taste in range(len(CATEGORIES)):
            like = np.flatnonzero(who.taste[rows] == taste)
            lead = intensity[like] @ (share * price[0, taste][:, None])
            extra = intensity[like] @ (share * price[1, taste][:, None])
            cash[like] = lead + who.extra_lines[rows][like][:, None] * extra
        cash *= 1.0 + who.extra_quantity[rows][:, None]
        return purchases, cash

    def table(self) -> pl.DataFrame:
        """One row per customer: the latent traits, with instants as timestamps."""
        who, club = self.customers, self.memberships
        start = pl.lit(self.settings.start).cast(pl.Datetime("us"))
        member = np.zeros(len(who), dtype=np.bool_)
        member[club.customer] = True
        return pl.DataFrame(
            {
                "customer_id": self.customer_id,
                "acquired": who.acquired,
                # Why: a lifetime may be millions of days, beyond what a timestamp holds.
                "left": np.minimum(who.left, float(self.settings.n_days + 36_525)),
                "rate": who.rate,
                "death_rate": who.death_rate,
                "mean_order_value": self._mean_order_value(),
                "extra_lines": who.extra_lines,
                "extra_quantity": who.extra_quantity,
                "business": who.business,
                "taste": pl.Series(CATEGORIES).gather(who.taste),
                "campaign_effect": who.effect,
                "member": member,
            }
        ).with_columns(
            *(
                (start + (pl.col(name) * 86_400).floor().cast(pl.Int64) * pl.duration(seconds=1))
                .cast(pl.Datetime("us"))
                .alias(name)
                for name in ("acquired", "left")
            )
        )

    def treatments(self) -> pl.DataFrame:
        """One row per customer who could be treated: campaign, propensity, treated, extra orders.

        `extra_orders` is the expected number of orders that the treatment adds (or would add)
        given the traits and being alive when it is sent; 0 for those who had left.
        """
        customer, campaign = np.nonzero(self.campaigns.propensity > 0)
        sent = np.array(self.campaigns.start, dtype=np.float64)[campaign]
        mu = self.customers.death_rate[customer]
        adjusted = self.calendar.adjusted(sent + self.settings.campaign_days)
        days = adjusted - self.calendar.adjusted(sent)
        lived = -np.expm1(-mu * self.settings.campaign_days) / (mu * self.settings.campaign_days)
        extra = self.customers.rate[customer] * self.customers.effect[customer] * days * lived
        return pl.DataFrame(
            {
                "customer_id": self.customer_id[customer],
                "campaign": pl.Series([*self.campaigns.name], dtype=pl.String).gather(campaign),
                "randomised": np.array(self.campaigns.randomised, dtype=np.bool_)[campaign],
                "propensity": self.campaigns.propensity[customer, campaign],
                "treated": self.campaigns.treated[customer, campaign],
                "extra_orders": np.where(self.customers.left[customer] > sent, extra, 0.0),
            }
        )

    def _mean_order_value(self) -> Float[np.ndarray, " customers"]:
        """Expected value of an order on the last day, before returns."""
        who, last = self.customers, self.settings.n_days - 1
        price = self.catalogue.mean_price()[:, who.taste, last]
        level = self.calendar.price_index[last]
        return np.asarray(
            level * (1 + who.extra_quantity) * (price[0] + who.extra_lines * price[1])
        )
