"""One shop, from first customer to last refund: events, side tables, truth."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from patronage.datasets.shop.baskets import draw_lines
from patronage.datasets.shop.calendar import make_calendar
from patronage.datasets.shop.campaigns import draw_campaigns
from patronage.datasets.shop.customers import draw_customers
from patronage.datasets.shop.engagement import draw_consent_changes, draw_responses, draw_visits
from patronage.datasets.shop.products import make_catalogue
from patronage.datasets.shop.profiles import draw_profiles
from patronage.datasets.shop.purchases import Orders, draw_orders
from patronage.datasets.shop.refunds import draw_refunds
from patronage.datasets.shop.settings import SimulationSettings
from patronage.datasets.shop.subscriptions import draw_memberships
from patronage.datasets.shop.support import draw_support, draw_surveys
from patronage.datasets.shop.truth import Truth
from patronage.errors import SettingsError
from patronage.events import EventLog, SideTables

__all__ = ["Simulation", "simulate", "simulate_chunks"]

_COLUMNS: Final = (
    "customer_id",
    "event_time",
    "known_time",
    "kind",
    "amount",
    "event_id",
    "order_id",
    "product_id",
    "quantity",
    "channel",
    "campaign",
    "payment_method",
    "text",
    "score",
    "discount",
    "propensity",
    "policy",
    "device",
)
_NUMBERS: Final = ("score", "discount", "propensity")
_FORMATS: Final = ("csv", "parquet")
# Each part of the world draws from a stream of its own, so that changing one leaves the
# others as they were.
_STREAMS: Final = (
    "customers",
    "campaigns",
    "orders",
    "lines",
    "reports",
    "refunds",
    "memberships",
    "visits",
    "responses",
    "support",
    "surveys",
    "profiles",
    "treatments",
)


@dataclass(frozen=True)
class Simulation:
    """A simulated export as of `settings.end`, and the truth behind it.

    Attributes
    ----------
    settings, seed : what made it
    events : the event log, sorted by event_time; only rows known before the end
    tables : customers, products, links, calendar, each with known_time
    truth : the latent traits and the expectations from them
    """

    settings: SimulationSettings
    seed: int
    events: pl.DataFrame
    tables: SideTables
    truth: Truth

    def write(self, folder: Path, *, format: str = "csv") -> Mapping[str, Path]:
        """Write events, the side tables and the truth, a csv or parquet file each; name → path."""
        if format not in _FORMATS:
            raise SettingsError(
                f"{format!r} is no format to write.\nTo mend: take {' or '.join(_FORMATS)}."
            )
        folder.mkdir(parents=True, exist_ok=True)
        written = {}
        for name, table in self._frames().items():
            path = written[name] = folder / f"{name}.{format}"
            if format == "parquet":
                table.write_parquet(path)
            else:
                table.write_csv(path, datetime_format="%Y-%m-%d %H:%M:%S")
        return written

    def log(self) -> EventLog:
        """The event log of the export, with the side tables."""
        return EventLog.from_frame(
            self.events,
            currency=self.settings.currency,
            customers=self.tables.customers,
            products=self.tables.products,
            links=self.tables.links,
            calendar=self.tables.calendar,
        )

    def _frames(self) -> dict[str, pl.DataFrame]:
        tables = {name: table for name, table in vars(self.tables).items() if table is not None}
        return {"events": self.events, **tables, "truth": self.truth.table()}


def simulate(settings: SimulationSettings | None = None, *, seed: int = 0) -> Simulation:
    """Simulate one shop; the same settings and seed give the same world.

    >>> shop = simulate(SimulationSettings(n_customers=50), seed=1)
    >>> shop.events["customer_id"].n_unique()
    50
    """
    return _simulate(settings or SimulationSettings(), seed, chunk=0, first=0)


def simulate_chunks(
    settings: SimulationSettings, *, seed: int = 0, n_per_chunk: int = 100_000
) -> Iterator[Simulation]:
    """Simulate many customers a chunk at a time, in memory that does not grow.

    Each chunk is a shop of its own over the same days with the same products and campaigns; ids
    are unique across chunks. Other chunk sizes give other worlds; households and referrals stay
    within a chunk.
    """
    for chunk, first in enumerate(range(0, settings.n_customers, n_per_chunk)):
        n = min(n_per_chunk, settings.n_customers - first)
        yield _simulate(replace(settings, n_customers=n), seed, chunk=chunk, first=first)


def _simulate(settings: SimulationSettings, seed: int, *, chunk: int, first: int) -> Simulation:
    sequence = np.random.SeedSequence(seed, spawn_key=(chunk,))
    streams = zip(_STREAMS, sequence.spawn(len(_STREAMS)), strict=True)
    rng = {name: np.random.default_rng(stream) for name, stream in streams}
    calendar = make_calendar(settings)
    catalogue = make_catalogue(settings, len(calendar.factor))
    customers = draw_customers(settings, calendar, rng["customers"])
    campaigns = draw_campaigns(settings, customers, rng["campaigns"])
    orders = draw_orders(settings, calendar, customers, campaigns, rng["orders"])
    lines = draw_lines(calendar, catalogue, customers, orders, rng["lines"])
    memberships = draw_memberships(settings, customers, rng["memberships"])
    rows = [lines.events(orders, catalogue, campaigns.name, rng["reports"])]
    if settings.full:
        refunds = draw_refunds(settings, catalogue, orders, lines, rng["refunds"])
        rows += [
            refunds,
            memberships.events,
            campaigns.events(rng["treatments"]),
            draw_responses(campaigns, customers, rng["responses"]),
            draw_visits(settings, calendar, customers, orders, rng["visits"]),
            draw_consent_changes(settings, customers),
            draw_support(settings, customers, orders, refunds, rng["support"]),
            draw_surveys(customers, orders, refunds, rng["surveys"]),
        ]
    names = _customer_names(first, settings.n_customers)
    tables = SideTables(
        customers=_named(draw_profiles(settings, customers, rng["profiles"]), settings, names),
        products=catalogue.table,
        links=_named(customers.links, settings, names),
        calendar=calendar.table,
    )
    truth = Truth(
        names.to_numpy(), settings, calendar, catalogue, customers, campaigns, memberships
    )
    events = _events(pl.concat(rows, how="diagonal"), orders, settings, names, chunk)
    return Simulation(settings, seed, events, tables, truth)


def _events(
    rows: pl.DataFrame,
    orders: Orders,
    settings: SimulationSettings,
    names: pl.Series,
    chunk: int,
) -> pl.DataFrame:
    """Ids for row numbers, timestamps for days; only what was known before the end."""
    prefix = f"{chunk}-" if chunk else ""
    number = np.empty(len(orders), dtype=np.int64)
    number[np.argsort(orders.time, kind="stable")] = np.arange(1, len(orders) + 1)
    order_ids = _ids(f"O{prefix}", pl.Series(number), 7)
    table = (
        rows.with_columns(known=pl.coalesce("known", "time"))
        .filter((pl.col("time") < settings.n_days) & (pl.col("known") < settings.n_days))
        .sort("time", "customer", "kind", maintain_order=True)
    )
    return (
        table.with_columns(
            names.gather(table["customer"]).alias("customer_id"),
            _instant("time", settings).alias("event_time"),
            _instant("known", settings).alias("known_time"),
            pl.col("amount").fill_null(0.0),
            _ids(f"E{prefix}", pl.int_range(1, len(table) + 1, eager=True), 8).alias("event_id"),
            order_ids.gather(table["order"]).alias("order_id"),
        )
        .with_columns(
            pl.lit(None, dtype=pl.Float64 if name in _NUMBERS else pl.String).alias(name)
            for name in ("campaign", "text", "score", "discount", "propensity", "policy", "device")
            if name not in table.columns
        )
        .select(_COLUMNS)
    )


def _named(table: pl.DataFrame, settings: SimulationSettings, names: pl.Series) -> pl.DataFrame:
    """A side table with ids and timestamps in place of row numbers and days."""
    table = table.filter(pl.col("known") < settings.n_days)
    ids = {"customer": "customer_id", "other": "other_id"}
    renamed = [names.gather(table[old]).alias(new) for old, new in ids.items() if old in table]
    others = [name for name in table.columns if name not in (*ids, "known")]
    return table.select(*renamed, _instant("known", settings).alias("known_time"), *others)


def _instant(days: str, settings: SimulationSettings) -> pl.Expr:
    # Why floor: rounding up could carry the last second of a day into the next one.
    seconds = (pl.col(days) * 86_400).floor().cast(pl.Int64)
    start = pl.lit(settings.start).cast(pl.Datetime("us"))
    return (start + (seconds * 1_000_000).cast(pl.Duration("us"))).cast(pl.Datetime("us"))


def _customer_names(first: int, n: int) -> pl.Series:
    return _ids("C", pl.int_range(first + 1, first + n + 1, eager=True), 6)


def _ids(prefix: str, number: pl.Series, width: int) -> pl.Series:
    return prefix + number.cast(pl.String).str.zfill(width)
