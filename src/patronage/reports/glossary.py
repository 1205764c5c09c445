"""The terms of the report, in words for somebody who meets them for the first time."""

from collections.abc import Iterable, Mapping
from typing import Final

from patronage.reports.metrics import metric_words

__all__ = ["TERMS", "glossary"]

TERMS: Final[tuple[tuple[str, str], ...]] = (
    (
        "CLV (customer lifetime value)",
        "Here: the present value of what a customer is expected to bring from the as-of day to the "
        "end of the horizon, after margin and discounting. What was spent before is not in it.",
    ),
    ("As-of day", "The first day that is not known. Nothing from that day on was used."),
    ("Horizon", "How far ahead is forecast, counted from the as-of day."),
    (
        "Range of outcomes (clv_p10–clv_p90)",
        "Bounds one customer's outcome: in 80 of 100 such cases what the customer really brings "
        "lies between. It is wide, because single customers are hard to foretell.",
    ),
    (
        "Range of the expectation (clv_mean_low–clv_mean_high)",
        "Bounds the expectation: how far the average over many such customers may be off, because "
        "the model was learned from limited data. It is much narrower than a range of outcomes.",
    ),
    (
        "Interval of the total",
        "Bounds what all customers bring together. Chance largely cancels out in a sum, so that "
        "it is relatively narrower than a single customer's.",
    ),
    (
        "p_alive",
        "The probability that the customer is still active on the as-of day, given when and how "
        "often they bought. Only some models know it.",
    ),
    ("Repeat purchases", "Days with a purchase after the first such day."),
    ("Cohort", "Customers whose first purchase fell in the same period."),
    (
        "Segment",
        "Customers in order of expected value: those who carry the first half of it are high, the "
        "next 30 % medium, the rest low, unless other cuts were set.",
    ),
    (
        "Origin, backtest",
        "A past day at which the models were made to forecast as if it were today, and were then "
        "judged by what happened.",
    ),
    (
        "PIT",
        "Where each outcome fell within its own forecast distribution. If spreads are honest, all "
        "places are equally frequent.",
    ),
    ("Discount factor", "What one unit of money at that time is worth on the as-of day."),
    ("Margin", "The fraction of cash that is left after the costs that vary with it."),
)


def glossary(
    metrics: Iterable[str], higher_is_better: Mapping[str, bool]
) -> tuple[tuple[str, str], ...]:
    """The terms, followed by the metrics that the leaderboard shows."""
    shown = []
    for name in metrics:
        words = metric_words(name, higher_is_better)
        meaning = f"{words.meaning[:1].upper()}{words.meaning[1:]}." if words.meaning else ""
        shown.append((words.label, f"{meaning} {words.which}".strip()))
    return TERMS + tuple(shown)
