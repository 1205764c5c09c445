"""Support contacts, surveys and reviews: short texts that say something about the customer."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from patronage.datasets.shop.customers import Customers
from patronage.datasets.shop.purchases import Orders
from patronage.datasets.shop.settings import SimulationSettings

__all__ = ["draw_support", "draw_surveys"]

_OPENINGS: Final = ("Hello,", "Hi there,", "Good morning,", "Dear team,", "Please help:")
_TOPICS: Final[Mapping[str, tuple[str, ...]]] = {
    "delivery": (
        "my parcel has not arrived yet.",
        "the tracking has not moved for four days.",
        "the courier left my order with a neighbour I do not know.",
        "can I still change the delivery address?",
    ),
    "question": (
        "is the grinder suitable for espresso?",
        "how long does the coffee keep once opened?",
        "do you have this in a larger size?",
        "which tea would you recommend as a gift?",
    ),
    "billing": (
        "I was charged twice for one order.",
        "I need an invoice with our company address.",
        "the discount was not taken off my bill.",
        "my card was declined although it is valid.",
    ),
    "praise": (
        "the beans were wonderful, thank you!",
        "great service, I will be back.",
        "the gift box made my mother very happy.",
        "fast delivery and lovely packaging.",
    ),
    "return": (
        "one item arrived broken and I would like my money back.",
        "how do I send something back?",
        "this is not what the picture showed; I want to return it.",
        "I ordered the wrong size, please take it back.",
    ),
    "leaving": (
        "this is the third late delivery and I am done with it.",
        "nobody answered my last two messages; please close my account.",
        "your prices went up again, I will order elsewhere.",
        "the quality is not what it was. Very disappointed.",
    ),
}
_VERDICTS: Final = (
    "would not recommend",
    "not happy with the delivery",
    "it was all right",
    "good quality, a bit expensive",
    "very happy, would recommend to friends",
)


def draw_support(
    settings: SimulationSettings,
    customers: Customers,
    orders: Orders,
    refunds: pl.DataFrame,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """'support' rows: after some orders, before many refunds, and before some customers leave."""
    asked = np.flatnonzero(rng.uniform(size=len(orders)) < 0.07)
    topic = rng.choice(4, size=len(asked), p=[0.4, 0.25, 0.2, 0.15])
    back = refunds.filter(pl.Series(rng.uniform(size=len(refunds)) < 0.5))
    leaves = np.flatnonzero(
        (customers.left < settings.n_days)
        & (customers.lifetime > 20.0)
        & (rng.uniform(size=len(customers)) < 0.15)
    )
    names = list(_TOPICS)
    return pl.concat(
        [
            _rows(
                orders.customer[asked],
                orders.time[asked] + rng.exponential(3.0, len(asked)),
                topic,
                rng,
            ),
            _rows(
                back["customer"].to_numpy(),
                back["time"].to_numpy() - rng.uniform(0.5, 2.9, len(back)),
                np.full(len(back), names.index("return")),
                rng,
            ),
            _rows(
                leaves,
                customers.left[leaves] - rng.uniform(0.0, 15.0, len(leaves)),
                np.full(len(leaves), names.index("leaving")),
                rng,
            ),
        ]
    )


def draw_surveys(
    customers: Customers, orders: Orders, refunds: pl.DataFrame, rng: np.random.Generator
) -> pl.DataFrame:
    """'survey' rows, a score of 0 to 10 and a few words; 'review' rows, stars and the same words.

    The longer a customer's expected lifetime, the better the score; refunds spoil it.
    """
    loyalty = 0.35 * np.log(1 / (45.0 * customers.death_rate))
    spoiled = np.zeros(len(customers))
    spoiled[refunds["customer"].to_numpy()] = 1.5
    parts = []
    for kind, share in (("survey", 0.07), ("review", 0.03)):
        asked = np.flatnonzero(rng.uniform(size=len(orders)) < share)
        who = orders.customer[asked]
        noise = rng.normal(0.0, 1.8, len(asked))
        score = np.clip(np.round(7.6 + loyalty[who] - spoiled[who] + noise), 0, 10).astype(np.int64)
        verdict = np.minimum(score // 2, len(_VERDICTS) - 1)
        mark = score if kind == "survey" else 1 + verdict
        of = "of 10" if kind == "survey" else "stars"
        parts.append(
            pl.DataFrame(
                {
                    "customer": who,
                    "time": orders.time[asked] + 2.0 + rng.exponential(2.0, len(asked)),
                    "kind": pl.repeat(kind, len(asked), eager=True),
                    "mark": mark,
                    "verdict": pl.Series(_VERDICTS).gather(verdict),
                }
            ).select(
                "customer",
                "time",
                "kind",
                pl.format("{} " + of + ": {}", "mark", "verdict").alias("text"),
                pl.col("mark").cast(pl.Float64).alias("score"),
            )
        )
    return pl.concat(parts)


def _rows(
    customer: Int[np.ndarray, " rows"],
    time: Float[np.ndarray, " rows"],
    topic: Int[np.ndarray, " rows"],
    rng: np.random.Generator,
) -> pl.DataFrame:
    sentences = pl.Series([sentence for topic_ in _TOPICS.values() for sentence in topic_])
    n_each = len(next(iter(_TOPICS.values())))
    pick = topic * n_each + rng.integers(n_each, size=len(topic))
    opening = pl.Series(_OPENINGS).gather(rng.integers(len(_OPENINGS), size=len(topic)))
    channel = pl.Series(("email", "chat", "phone")).gather(rng.integers(3, size=len(topic)))
    return pl.DataFrame(
        {
            "customer": customer,
            "time": time,
            "kind": pl.repeat("support", len(topic), eager=True),
            "channel": channel,
            "text": opening + " " + sentences.gather(pick),
        }
    )
