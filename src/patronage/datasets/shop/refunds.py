"""Goods sent back: negative cash on its own later day, learned of later still."""

from typing import Final

import numpy as np
import polars as pl

from patronage.datasets.shop.baskets import Lines
from patronage.datasets.shop.products import Catalogue
from patronage.datasets.shop.purchases import Orders
from patronage.datasets.shop.settings import SimulationSettings

__all__ = ["MEAN_REFUND", "draw_refunds"]

_PARTIAL: Final = 0.2
_REASONS: Final = (
    "did not like it",
    "arrived damaged",
    "wrong size",
    "ordered twice",
    "came too late",
    "not as pictured",
)
# Share of a returned line's amount that is paid back on average: all of it, or half as a goodwill.
MEAN_REFUND: Final = 1 - _PARTIAL / 2


def draw_refunds(
    settings: SimulationSettings,
    catalogue: Catalogue,
    orders: Orders,
    lines: Lines,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """'refund' rows, at most one per line and never more than the line's amount."""
    back = np.flatnonzero(rng.uniform(size=len(lines.order)) < catalogue.p_return[lines.product])
    share = np.where(rng.uniform(size=len(back)) < _PARTIAL, 0.5, 1.0)
    order = lines.order[back]
    time = orders.time[order] + 3.0 + rng.gamma(2.0, 5.0, len(back))
    late = rng.uniform(size=len(back)) < settings.late_share
    known = time + np.where(late, 1.0 + rng.exponential(8.0, len(back)), 0.0)
    return pl.DataFrame(
        {
            "customer": orders.customer[order],
            "time": time,
            "known": known,
            "kind": pl.repeat("refund", len(back), eager=True),
            # Why floor: half a cent rounded up would pay back more than was paid.
            "amount": -np.floor(lines.amount[back] * share * 100 + 1e-6) / 100,
            "order": order,
            "product_id": pl.Series(catalogue.product_id).gather(lines.product[back]),
            "quantity": np.where(share == 1.0, lines.quantity[back], 0).astype(np.float64),
            "text": pl.Series(_REASONS).gather(rng.integers(len(_REASONS), size=len(back))),
        }
    )
