"""What is in an order: product lines with quantities and amounts."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from patronage.datasets.shop.calendar import ShopCalendar
from patronage.datasets.shop.customers import Customers
from patronage.datasets.shop.products import Catalogue
from patronage.datasets.shop.purchases import Orders

__all__ = ["Lines", "draw_lines"]

ORDER_CHANNELS: Final = ("web", "app", "store")
PAYMENTS: Final = ("card", "wallet", "invoice", "bank_transfer")


@dataclass(frozen=True)
class Lines:
    """One row per product line of an order, in the order of the orders.

    Attributes
    ----------
    order : row of the order
    product : row of the catalogue
    quantity : units
    amount : quantity × price of the day, to the cent
    discount : what the promotion of the day took off
    channel : row of ORDER_CHANNELS, per line
    payment : row of PAYMENTS, per line
    """

    order: Int[np.ndarray, " lines"]
    product: Int[np.ndarray, " lines"]
    quantity: Int[np.ndarray, " lines"]
    amount: Float[np.ndarray, " lines"]
    discount: Float[np.ndarray, " lines"]
    channel: Int[np.ndarray, " lines"]
    payment: Int[np.ndarray, " lines"]

    def events(
        self,
        orders: Orders,
        catalogue: Catalogue,
        campaign: tuple[str, ...],
        rng: np.random.Generator,
    ) -> pl.DataFrame:
        """'purchase' rows; tills of the store report overnight, one order in a hundred is late."""
        time = orders.time[self.order]
        reported = np.where(self.channel == ORDER_CHANNELS.index("store"), 0.4, 0.0)
        late = rng.uniform(size=len(orders)) < 0.01
        delay = np.where(late, rng.exponential(4.0, len(orders)), 0.0)[self.order]
        return pl.DataFrame(
            {
                "customer": orders.customer[self.order],
                "time": time,
                "known": time + reported + delay,
                "kind": pl.repeat("purchase", len(time), eager=True),
                "amount": self.amount,
                "discount": self.discount,
                "order": self.order,
                "product_id": pl.Series(catalogue.product_id).gather(self.product),
                "quantity": self.quantity.astype(np.float64),
                "channel": pl.Series(ORDER_CHANNELS).gather(self.channel),
                "payment_method": pl.Series(PAYMENTS).gather(self.payment),
                "campaign": _named(campaign, orders.campaign[self.order]),
            }
        )


def draw_lines(
    calendar: ShopCalendar,
    catalogue: Catalogue,
    customers: Customers,
    orders: Orders,
    rng: np.random.Generator,
) -> Lines:
    """A lead line per order, and a Poisson number of extra lines."""
    n_extra = rng.poisson(customers.extra_lines[orders.customer])
    order = np.repeat(np.arange(len(orders)), 1 + n_extra)
    is_extra = np.diff(order, prepend=-1) == 0
    who = orders.customer[order]
    day = orders.time[order].astype(np.int64)
    product = _pick(catalogue, is_extra.astype(np.int64), customers.taste[who], day, rng)
    quantity = 1 + rng.poisson(customers.extra_quantity[who])
    price = np.round(catalogue.price[product] * calendar.price_level(day), 2)
    full_price = np.round(catalogue.price[product] * calendar.price_index[day], 2)
    favourite = rng.choice(len(ORDER_CHANNELS), size=len(customers), p=[0.55, 0.25, 0.2])
    stray = rng.uniform(size=len(orders)) < 0.12
    channel = np.where(
        stray, rng.integers(len(ORDER_CHANNELS), size=len(orders)), favourite[orders.customer]
    )
    payment = np.where(
        customers.business,
        PAYMENTS.index("invoice"),
        rng.choice(len(PAYMENTS), size=len(customers), p=[0.6, 0.3, 0.04, 0.06]),
    )
    return Lines(
        order,
        product,
        quantity,
        np.round(quantity * price, 2),
        np.round(quantity * (full_price - price), 2),
        channel[order],
        payment[who],
    )


def _pick(
    catalogue: Catalogue,
    pool: Int[np.ndarray, " lines"],
    taste: Int[np.ndarray, " lines"],
    day: Int[np.ndarray, " lines"],
    rng: np.random.Generator,
) -> Int[np.ndarray, " lines"]:
    """Inverse transform in one sorted array: cell + cumulative chance within the cell."""
    n_tastes, n_eras, n_products = catalogue.chances.shape[1:]
    cumulative = np.cumsum(catalogue.chances, axis=-1)
    cumulative /= cumulative[..., -1:]
    n_cells = cumulative.size // n_products
    steps = (cumulative.reshape(n_cells, n_products) + np.arange(n_cells)[:, None]).ravel()
    cell = (pool * n_tastes + taste) * n_eras + catalogue.era[day]
    found = np.searchsorted(steps, cell + rng.uniform(size=len(cell)), side="right")
    return np.asarray(found - cell * n_products)


def _named(names: tuple[str, ...], row: Int[np.ndarray, " rows"]) -> pl.Series:
    """Names by row number; null at −1."""
    table = pl.Series([*names, None], dtype=pl.String)
    return table.gather(np.where(row < 0, len(names), row))
