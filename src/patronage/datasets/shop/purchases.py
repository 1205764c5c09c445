"""When customers order: Poisson (or Erlang) while alive, in season-adjusted time."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from patronage.datasets.shop.calendar import ShopCalendar
from patronage.datasets.shop.campaigns import Campaigns
from patronage.datasets.shop.customers import Customers
from patronage.datasets.shop.settings import SimulationSettings

__all__ = ["Orders", "draw_orders"]


@dataclass(frozen=True)
class Orders:
    """One row per order, sorted by customer, then time.

    Attributes
    ----------
    customer : row of the customer
    time : days from the start
    campaign : the campaign without which the order would not have been made; −1 none
    """

    customer: Int[np.ndarray, " orders"]
    time: Float[np.ndarray, " orders"]
    campaign: Int[np.ndarray, " orders"]

    def __len__(self) -> int:
        return len(self.customer)

    @property
    def is_first(self) -> np.ndarray:
        """The customer's first order, at the acquisition."""
        return np.asarray(np.diff(self.customer, prepend=-1) > 0)


def draw_orders(
    settings: SimulationSettings,
    calendar: ShopCalendar,
    customers: Customers,
    campaigns: Campaigns,
    rng: np.random.Generator,
) -> Orders:
    """First orders, repeat orders, and the extra orders that treatments cause.

    A treatment multiplies the rate by 1 + effect while it acts; a Poisson process superposed with
    intensity effect × rate does that exactly, and names the orders that are its doing.
    """
    until = np.minimum(customers.left, float(settings.n_days))
    who, when = _repeats(
        customers.rate * settings.regularity,
        calendar.adjusted(customers.acquired),
        calendar.adjusted(until),
        rng,
        every=settings.regularity,
    )
    parts = [
        (np.arange(len(customers)), customers.acquired, np.full(len(customers), -1)),
        (who, calendar.instant(when), np.full(len(who), -1)),
    ]
    for number, start in enumerate(campaigns.start):
        treated = np.flatnonzero(campaigns.treated[:, number] & (until > start))
        stop = np.minimum(until[treated], start + settings.campaign_days)
        which, at = _repeats(
            customers.rate[treated] * customers.effect[treated],
            calendar.adjusted(np.full(len(treated), start)),
            calendar.adjusted(stop),
            rng,
        )
        parts.append((treated[which], calendar.instant(at), np.full(len(which), number)))
    customer, time, campaign = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((time, customer))
    return Orders(customer[order], time[order], campaign[order])


def _repeats(
    rate: Float[np.ndarray, " customers"],
    start: Float[np.ndarray, " customers"],
    stop: Float[np.ndarray, " customers"],
    rng: np.random.Generator,
    *,
    every: int = 1,
) -> tuple[Int[np.ndarray, " orders"], Float[np.ndarray, " orders"]]:
    """Every k-th point of a Poisson process per customer: gaps are Erlang-k."""
    n = rng.poisson(rate * np.maximum(stop - start, 0.0))
    who = np.repeat(np.arange(len(rate)), n)
    at = start[who] + rng.uniform(size=len(who)) * (stop - start)[who]
    order = np.lexsort((at, who))
    rank = np.arange(len(who)) - np.repeat(np.cumsum(n) - n, n)
    keep = (rank + 1) % every == 0
    return who[keep], at[order][keep]
