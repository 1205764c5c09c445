"""The `customers` side table: what the shop knows of each customer, version by version."""

from typing import Final

import numpy as np
import polars as pl

from patronage.datasets.shop.customers import Customers
from patronage.datasets.shop.settings import SimulationSettings

__all__ = ["draw_profiles"]

_REGIONS: Final = ("north", "east", "south", "west", "abroad")
_AGES: Final = ("18-29", "30-44", "45-59", "60+")


def draw_profiles(
    settings: SimulationSettings, customers: Customers, rng: np.random.Generator
) -> pl.DataFrame:
    """Rows of customer, known (days), attributes: at acquisition, at a move, at a new consent."""
    n = len(customers)
    cac = np.array([channel.cac for channel in settings.channels])[customers.channel]
    first = pl.DataFrame(
        {
            "customer": np.arange(n),
            "known": customers.acquired,
            "acquisition_channel": pl.Series([c.name for c in settings.channels]).gather(
                customers.channel
            ),
            "cac": np.round(cac * rng.gamma(8.0, 1 / 8.0, n), 2),
            "segment": np.where(customers.business, "business", "consumer"),
            "region": _draw(_REGIONS, [0.3, 0.2, 0.25, 0.2, 0.05], n, rng),
            "age_band": pl.Series(_AGES).gather(rng.choice(4, size=n, p=[0.2, 0.35, 0.28, 0.17])),
            "marketing_consent": customers.consent,
        },
        schema_overrides={"segment": pl.String},
    ).with_columns(
        # A firm has no age.
        pl.when(pl.col("segment") == "consumer").then("age_band").alias("age_band")
    )
    moved_at = customers.acquired + rng.exponential(6_000.0, n)
    moved_to = _draw(_REGIONS, [0.25, 0.2, 0.25, 0.2, 0.1], n, rng)
    flip = customers.consent_flip
    known = first.with_columns(moved_at=moved_at, moved_to=moved_to, flip=flip)
    changed = [_version(known, at).select(first.columns) for at in ("moved_at", "flip")]
    versions = pl.concat([first, *changed])
    return versions.filter(pl.col("known") < settings.n_days).sort("known", "customer")


def _version(known: pl.DataFrame, at: str) -> pl.DataFrame:
    """The whole profile as it stands at the instant `at`."""
    moved = pl.col("moved_at") <= pl.col(at)
    return known.with_columns(
        pl.when(moved).then("moved_to").otherwise("region").alias("region"),
        (pl.col("marketing_consent") ^ (pl.col("flip") <= pl.col(at))).alias("marketing_consent"),
        pl.col(at).alias("known"),
    )


def _draw(
    names: tuple[str, ...], chances: list[float], n: int, rng: np.random.Generator
) -> pl.Series:
    return pl.Series(names).gather(rng.choice(len(names), size=n, p=chances))
