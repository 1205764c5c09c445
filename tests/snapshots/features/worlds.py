"""Random logs of every kind of event and every column, with clocks, late news and side tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import strategies as st

from patronage.events import EventLog
from patronage.events.schema import KINDS

START = datetime(2022, 1, 1)
DAYS = 800
COLUMNS = {
    "customer_id": pl.Int64,
    "event_time": pl.Datetime("us"),
    "known_time": pl.Datetime("us"),
    "kind": pl.String,
    "amount": pl.Float64,
    "order_id": pl.String,
    "product_id": pl.String,
    "quantity": pl.Float64,
    "channel": pl.String,
    "campaign": pl.String,
    "payment_method": pl.String,
    "text": pl.String,
    "score": pl.Float64,
    "discount": pl.Float64,
    "propensity": pl.Float64,
    "policy": pl.String,
    "device": pl.String,
}


@dataclass(frozen=True)
class World:
    """Events as rows of the log's columns, and the side tables."""

    events: Sequence[Mapping[str, Any]]
    clock: bool

    def frame(self, events: Sequence[Mapping[str, Any]] | None = None) -> pl.DataFrame:
        rows = self.events if events is None else events
        return pl.DataFrame([dict(row) for row in rows], schema=COLUMNS)

    def log(self, events: Sequence[Mapping[str, Any]] | None = None) -> EventLog:
        return EventLog.from_frame(
            self.frame(events), currency="USD", has_clock=self.clock, **self.tables()
        )

    def tables(self) -> dict[str, pl.DataFrame]:
        return {
            "products": pl.DataFrame(
                {
                    "product_id": ["p1", "p2", "p2", "p3"],
                    "known_time": [START, START, START + timedelta(days=300), START],
                    "category": ["tea", "tea", "coffee", None],
                    "role": ["primary", "upsell", "service", "complementary"],
                }
            ),
            "links": pl.DataFrame(
                {
                    "customer_id": [1, 2, 1],
                    "other_id": [2, 3, 9],
                    "relation": ["household", "referral", "friend"],
                    "known_time": [START, START + timedelta(days=200), START],
                }
            ),
            "calendar": pl.DataFrame(
                [
                    (date(2022, 12, 24), date(2022, 12, 26), "Christmas", "holiday", None, START),
                    (date(2023, 12, 24), date(2023, 12, 26), "Christmas", "holiday", None, START),
                    (
                        date(2022, 6, 1),
                        date(2022, 6, 20),
                        "Sale",
                        "promotion",
                        0.2,
                        datetime(2022, 5, 20),
                    ),
                    (
                        date(2023, 2, 1),
                        date(2023, 2, 9),
                        "Sale",
                        "promotion",
                        0.1,
                        datetime(2023, 1, 20),
                    ),
                    (date(2022, 1, 1), date(2022, 6, 30), "CPI", "price_index", 1.0, START),
                    (
                        date(2022, 7, 1),
                        date(2022, 12, 31),
                        "CPI",
                        "price_index",
                        1.05,
                        datetime(2022, 7, 15),
                    ),
                    (
                        date(2022, 9, 1),
                        date(2022, 9, 30),
                        "Rival",
                        "market_event",
                        None,
                        datetime(2022, 9, 5),
                    ),
                ],
                schema=["start", "end", "name", "kind", "value", "known_time"],
                orient="row",
            ),
        }


def _maybe(values: Sequence[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from((None, *values))


@st.composite
def worlds(draw: st.DrawFn, *, most: int = 25) -> World:
    """A few customers over two years and more."""
    clock = draw(st.booleans())
    events = draw(st.lists(_events(clock), min_size=1, max_size=most))
    return World(events, clock)


@st.composite
def _events(draw: st.DrawFn, clock: bool) -> dict[str, Any]:
    kind = draw(st.one_of(st.just("purchase"), st.sampled_from(KINDS)))
    second = draw(st.integers(0, 86_399)) if clock else 0
    day = draw(st.one_of(st.integers(0, DAYS), st.integers(DAYS - 30, DAYS)))
    time = START + timedelta(days=day, seconds=second)
    cents = draw(st.one_of(st.just(0), st.integers(1, 99_999)))
    return {
        "customer_id": draw(st.integers(1, 3)),
        "event_time": time,
        "known_time": time + timedelta(days=draw(st.one_of(st.just(0), st.integers(0, 40)))),
        "kind": kind,
        "amount": (-cents if kind == "refund" else cents) / 100,
        "order_id": draw(_maybe(("o1", "o2"))),
        "product_id": draw(_maybe(("p1", "p2", "p3", "unknown"))),
        "quantity": draw(_maybe((1.0, 2.0, 0.35))),
        "channel": draw(_maybe(("web", "shop", "app"))),
        "campaign": draw(_maybe(("spring", "autumn"))),
        "payment_method": draw(_maybe(("card", "cash"))),
        "text": draw(_maybe(("Great service", "too late  too dear", "ärgerlich"))),
        "score": draw(_maybe((0.0, 6.0, 7.5, 9.0, 10.0))),
        "discount": draw(_maybe((0.0, 1.5, 20.0))),
        "propensity": draw(_maybe((0.5, 0.123456789))),
        "policy": draw(_maybe(("v1", "v2"))),
        "device": draw(_maybe(("phone", "desktop"))),
    }
