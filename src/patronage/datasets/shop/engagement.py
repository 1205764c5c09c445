"""What customers do besides buying: visits, clicks, answers to mailings, consent."""

from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float, Shaped

from patronage.datasets.shop.calendar import ShopCalendar
from patronage.datasets.shop.campaigns import Campaigns
from patronage.datasets.shop.customers import Customers
from patronage.datasets.shop.purchases import Orders
from patronage.datasets.shop.settings import SimulationSettings

__all__ = ["draw_consent_changes", "draw_responses", "draw_visits"]

_VISITS_PER_DAY: Final = 0.03


def draw_visits(
    settings: SimulationSettings,
    calendar: ShopCalendar,
    customers: Customers,
    orders: Orders,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """'visit' (web) and 'app_use' rows while alive, often before an order, some with a 'click'."""
    until = np.minimum(customers.left, float(settings.n_days))
    start, stop = calendar.adjusted(customers.acquired), calendar.adjusted(until)
    eager = np.sqrt(customers.rate / settings.mean_rate)
    n = rng.poisson(_VISITS_PER_DAY * eager * (stop - start))
    who = np.repeat(np.arange(len(customers)), n)
    idle = calendar.instant(start[who] + rng.uniform(size=len(who)) * (stop - start)[who])
    led = np.flatnonzero(~orders.is_first & (rng.uniform(size=len(orders)) < 0.4))
    # Why the maximum: a look at the shop before a repeat order still comes after the first order.
    before = np.maximum(
        orders.time[led] - rng.uniform(0.003, 0.03, len(led)),
        customers.acquired[orders.customer[led]],
    )
    customer = np.concatenate([who, orders.customer[led]])
    time = np.concatenate([idle, before])
    by_app = rng.uniform(size=len(customers)) < 0.3
    clicks = np.flatnonzero(rng.uniform(size=len(customer)) < 0.25)
    return pl.concat(
        [
            _rows(customer, time, np.where(by_app[customer], "app_use", "visit"), by_app),
            _rows(
                customer[clicks],
                time[clicks] + rng.uniform(0.0002, 0.003, len(clicks)),
                np.full(len(clicks), "click"),
                by_app,
            ),
        ]
    )


def draw_responses(
    campaigns: Campaigns, customers: Customers, rng: np.random.Generator
) -> pl.DataFrame:
    """'email_response' (opened) and 'click' rows; those who left hardly open anything."""
    customer, campaign = np.nonzero(campaigns.treated)
    sent = np.array(campaigns.start, dtype=np.float64)[campaign] + 0.1
    alive = customers.left[customer] > sent
    opened = np.flatnonzero(rng.uniform(size=len(customer)) < np.where(alive, 0.38, 0.05))
    opening = sent[opened] + rng.exponential(0.7, len(opened))
    clicked = np.flatnonzero(rng.uniform(size=len(opened)) < 0.3)
    names = pl.Series([*campaigns.name], dtype=pl.String)
    parts = []
    for kind, which, time in (
        ("email_response", opened, opening),
        ("click", opened[clicked], opening[clicked] + 0.001),
    ):
        parts.append(
            pl.DataFrame(
                {
                    "customer": customer[which],
                    "time": time,
                    "kind": pl.repeat(kind, len(which), eager=True),
                    "channel": pl.repeat("email", len(which), eager=True),
                    "campaign": names.gather(campaign[which]),
                }
            )
        )
    return pl.concat(parts)


def draw_consent_changes(settings: SimulationSettings, customers: Customers) -> pl.DataFrame:
    """'consent_change' rows: marketing consent withdrawn or given."""
    changed = np.flatnonzero(customers.consent_flip < settings.n_days)
    text = np.where(customers.consent[changed], "marketing: withdrawn", "marketing: given")
    return pl.DataFrame(
        {
            "customer": changed,
            "time": customers.consent_flip[changed],
            "kind": pl.repeat("consent_change", len(changed), eager=True),
            "text": text,
        },
        schema_overrides={"text": pl.String},
    )


def _rows(
    customer: Shaped[np.ndarray, " rows"],
    time: Float[np.ndarray, " rows"],
    kind: Shaped[np.ndarray, " rows"],
    by_app: Shaped[np.ndarray, " customers"],
) -> pl.DataFrame:
    at_home = np.where(customer % 3 == 0, "tablet", "desktop")
    return pl.DataFrame(
        {
            "customer": customer,
            "time": time,
            "kind": kind,
            "channel": np.where(by_app[customer], "app", "web"),
            "device": np.where(by_app[customer], "phone", at_home),
        },
        schema_overrides={"kind": pl.String, "channel": pl.String, "device": pl.String},
    )
